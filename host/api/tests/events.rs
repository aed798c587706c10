//! Events as clients hear them, over both ways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::Host;
use futures_util::{SinkExt, StreamExt};
use model::{Event, Protocol};
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// No condition takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of server-sent events.
struct Sse {
    socket: TcpStream,
    text: String,
}

impl Sse {
    async fn of(host: &Host, query: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(host.address).await.unwrap();
        // HTTP/1.0, so that the answer comes in no chunks.
        let request =
            format!("GET /api/v1/events{query} HTTP/1.0\r\nhost: localhost\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let text = String::new();
        let mut client = Self { socket, text };
        let head = client.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        client
    }

    /// Everything up to and including that text.
    async fn until(&mut self, end: &str) -> String {
        let read = async {
            loop {
                if let Some(at) = self.text.find(end) {
                    let rest = self.text.split_off(at + end.len());
                    return std::mem::replace(&mut self.text, rest);
                }
                let mut buffer = [0; 4096];
                let count = self.socket.read(&mut buffer).await.unwrap();
                assert!(count > 0, "{end:?} in {:?}", self.text);
                self.text
                    .push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("in time")
    }

    /// The next event, with the id of its block.
    async fn next(&mut self) -> (Option<String>, Value) {
        let block = self.until("\n\n").await;
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        let data = field("data: ").unwrap_or_else(|| panic!("{block}"));
        let id = field("id: ").map(str::to_owned);
        (id, serde_json::from_str(data).unwrap())
    }

    /// The next of that type.
    async fn next_of(&mut self, kind: &str) -> (Option<String>, Value) {
        loop {
            let (id, event) = self.next().await;
            if event["type"] == kind {
                return (id, event);
            }
        }
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn socket(host: &Host, query: &str, origin: Option<&str>) -> Result<Socket, Error> {
    let url = format!("ws://{}/api/v1/events{query}", host.address);
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn next_message(socket: &mut Socket) -> Message {
    let next = tokio::time::timeout(PATIENCE, socket.next()).await;
    next.expect("in time").expect("a message").unwrap()
}

async fn next_json(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = next_message(socket).await {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

fn refuse(host: &Host, code: &str) {
    host.registry.announce(Event::PeerRefused {
        protocol: Protocol::Srt,
        code: code.to_owned(),
    });
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_after_the_last_event_it_saw() {
    let host = Host::start().await;
    let mut client = Sse::of(&host, "?types=peer_refused", "").await;
    let (hello, greeting) = client.next().await;
    assert_eq!(
        (greeting["type"].as_str(), greeting["id"].as_str()),
        (Some("hello"), hello.as_deref())
    );
    for code in ["one", "two", "three"] {
        refuse(&host, code);
    }
    let (id, event) = client.next().await;
    assert_eq!(
        (event["id"].as_str(), event["code"].as_str()),
        (id.as_deref(), Some("one"))
    );
    assert!(event["time_unix_ms"].as_u64().unwrap() > 1_600_000_000_000);
    drop(client);
    let header = format!("last-event-id: {}\r\n", id.clone().unwrap());
    let mut by_header = Sse::of(&host, "?types=peer_refused", &header).await;
    let query = format!("?types=peer_refused&after={}", id.unwrap());
    let mut by_query = Sse::of(&host, &query, "").await;
    for client in [&mut by_header, &mut by_query] {
        assert_eq!(client.next_of("peer_refused").await.1["code"], "two");
        assert_eq!(client.next_of("peer_refused").await.1["code"], "three");
    }
}

#[tokio::test]
async fn an_id_of_another_life_of_the_host_is_answered_with_missed() {
    let host = Host::start().await;
    let mut client = Sse::of(&host, "?after=1-5", "").await;
    let (id, missed) = client.next().await;
    assert_eq!((id, missed["type"].as_str()), (None, Some("missed")));
    assert!(missed["count"].is_null());
    assert_eq!(client.next().await.1["type"], "hello");
}

#[tokio::test]
async fn figures_come_once_a_second_with_what_changed() {
    let host = Host::start().await;
    let _source = host.publish("live/cam1");
    let mut client = Sse::of(&host, "?types=figures&streams=live/*", "").await;
    let (id, figures) = client.next_of("figures").await;
    assert_eq!(id, None);
    let stream = &figures["streams"][0];
    assert_eq!(
        (&stream["stream"], &stream["readers"]),
        (&"live/cam1".into(), &0.into())
    );
    assert!(stream["sources"][0]["bitrate_bps"].is_u64(), "{stream}");
}

#[tokio::test]
async fn what_is_wanted_is_told_when_it_changes() {
    let host = Host::start().await;
    let mut client = Sse::of(&host, "?types=document_changed", "").await;
    client.next_of("hello").await;
    let body = br#"{"name":"live/cam1","outputs":[{"name":"x","url":"udp://127.0.0.1:6000"}]}"#;
    assert_eq!(
        host.send("POST", "/api/v1/inputs", "", body).await.status,
        201
    );
    let (_, event) = client.next().await;
    assert_eq!(
        (&event["item"], &event["change"]),
        (&"input live/cam1".into(), &"added".into())
    );
    let (_, event) = client.next().await;
    assert_eq!(event["item"], "input live/cam1 output x");
    assert_eq!(event["stream"], "live/cam1");
}

#[tokio::test]
async fn a_websocket_carries_the_same_and_answers_pings() {
    let host = Host::start().await;
    let mut socket = socket(&host, "?types=peer_refused,stream_started", None)
        .await
        .unwrap();
    assert_eq!(next_json(&mut socket).await["type"], "hello");
    refuse(&host, "banned");
    assert_eq!(next_json(&mut socket).await["code"], "banned");
    let _source = host.publish("live/cam1");
    let started = next_json(&mut socket).await;
    assert_eq!(
        (&started["type"], &started["stream"]),
        (&"stream_started".into(), &"live/cam1".into())
    );
    socket
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    loop {
        match next_message(&mut socket).await {
            Message::Pong(payload) => break assert_eq!(&payload[..], b"are you there"),
            Message::Ping(_) => {}
            other => panic!("{other}"),
        }
    }
    host.shutdown.cancel();
    loop {
        if let Message::Close(frame) = next_message(&mut socket).await {
            break assert_eq!(u16::from(frame.unwrap().code), 1001);
        }
    }
}

#[tokio::test]
async fn a_websocket_takes_no_messages_and_none_from_pages_of_other_sites() {
    let host = Host::start().await;
    let error = socket(&host, "", Some("https://evil.example"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Http(answer) if answer.status() == 403),
        "{error}"
    );
    let own = format!("http://{}", host.address);
    let mut chatty = socket(&host, "", Some(&own)).await.unwrap();
    chatty.send(Message::text("subscribe")).await.unwrap();
    loop {
        if let Message::Close(frame) = next_message(&mut chatty).await {
            break assert_eq!(u16::from(frame.unwrap().code), 1003);
        }
    }
    // Longer than any control frame: not even read.
    let mut long = socket(&host, "", None).await.unwrap();
    long.send(Message::text("x".repeat(1 << 20))).await.ok();
    let ended = async { while let Some(Ok(_)) = long.next().await {} };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("it is closed");
}

#[tokio::test]
async fn a_query_at_fault_is_told() {
    let host = Host::start().await;
    for (query, told) in [
        ("?types=nonsense", "output_changed"),
        ("?streams=a%20b", "streams"),
        ("?after=xyz", "id of an event"),
        ("?type=figures", "types"),
    ] {
        let answer = host.get(&format!("/api/v1/events{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains(told), "{query}: {}", answer.body);
    }
    let half = "connection: upgrade\r\nupgrade: websocket\r\n";
    assert_eq!(
        host.send("GET", "/api/v1/events", half, b"").await.status,
        400
    );
}
