//! Groups of screens, the clients behind them, and the line that each of those keeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::{Answer, Host};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(30);

async fn send(host: &Host, method: &str, path: &str, body: Value) -> Answer {
    let body = body.to_string();
    let headers = "content-type: application/json\r\n";
    host.send(method, &format!("/api/v1/{path}"), headers, body.as_bytes())
        .await
}

async fn lobby(host: &Host) -> Answer {
    let screens = json!([{"id": "left"}, {"id": "right", "rotation": 180}]);
    let made = send(
        host,
        "POST",
        "groups",
        json!({"name": "lobby", "screens": screens}),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    made
}

fn cam() -> Value {
    json!({"mode": "split", "source": {"type": "stream", "name": "live/cam1"}})
}

#[tokio::test]
async fn a_group_and_its_screens_are_made_changed_played_and_taken_back() {
    let host = Host::start().await;
    let made = lobby(&host).await;
    assert_eq!(made.raw_header("location"), "/api/v1/groups/lobby");
    let group = made.json();
    assert_eq!(
        (&group["delay_ms"], &group["playing"]),
        (&json!(1000), &Value::Null)
    );
    let left = &group["screens"][0];
    assert_eq!(
        (&left["stream"], &left["page"], &left["width"]),
        (
            &json!("lobby/left"),
            &json!("/screen/lobby/left"),
            &json!(1920)
        )
    );
    let mp4 = "/live/lobby/left.mp4";
    assert_eq!(left["watch"]["mp4"], mp4, "{left}");

    let again = send(&host, "POST", "groups", json!({"name": "lobby"})).await;
    assert_eq!(again.status, 409, "{}", again.body);
    let top = send(&host, "POST", "groups/lobby/screens", json!({"id": "top"})).await;
    assert_eq!(top.status, 201, "{}", top.body);
    let tag = top.raw_header("etag");
    let patch = json!({"rotation": 90, "bezel": {"left": 8}}).to_string();
    let headers = format!("content-type: application/json\r\nif-match: {tag}\r\n");
    let path = "/api/v1/groups/lobby/screens/top";
    let turned = host.send("PATCH", path, &headers, patch.as_bytes()).await;
    assert_eq!(turned.json()["rotation"], 90, "{}", turned.body);
    let stale = host.send("PATCH", path, &headers, patch.as_bytes()).await;
    assert_eq!(stale.status, 412, "{}", stale.body);
    let renamed = send(
        &host,
        "PATCH",
        "groups/lobby/screens/top",
        json!({"id": "roof"}),
    )
    .await;
    assert_eq!(renamed.status, 422, "{}", renamed.body);
    let later = send(&host, "PATCH", "groups/lobby", json!({"delay_ms": 1500})).await;
    assert_eq!(later.json()["delay_ms"], 1500);

    let playing = send(&host, "POST", "groups/lobby/play", cam()).await;
    assert_eq!(
        playing.json()["playing"]["mode"],
        "split",
        "{}",
        playing.body
    );
    let status = host.get("/api/v1/groups/lobby/status").await.json();
    assert_eq!(
        (&status["state"], &status["screens"][1]["turn"]),
        (&json!("starting"), &json!(180))
    );
    let part = status["screens"][0]["part"]["width"].as_f64().unwrap();
    assert!(part > 0.35 && part < 0.45, "{status}");
    let stopped = send(&host, "POST", "groups/lobby/stop", json!({})).await;
    assert_eq!(stopped.json()["playing"], Value::Null);
    let status = host.get("/api/v1/groups/lobby/status").await.json();
    assert_eq!(status["state"], "stopped");

    // It is part of the one document.
    let exported = host.send("POST", "/api/v1/export", "", b"").await.json();
    assert_eq!(exported["groups"][0]["screens"][2]["bezel"]["left"], 8.0);
    let applied = send(&host, "POST", "apply", exported.clone()).await;
    assert_eq!(applied.json()["changes"], json!([]), "{}", applied.body);
    let mut without = exported;
    without["groups"] = json!([]);
    let applied = send(&host, "POST", "apply", without).await;
    let changes = json!([{"item": "group lobby", "change": "removed"}]);
    assert_eq!(applied.json()["changes"], changes);
    let gone = host.get("/api/v1/groups/lobby").await;
    assert_eq!(
        (gone.status, &gone.json()["type"]),
        (404, &json!("/problems/unknown-group"))
    );
}

#[tokio::test]
async fn faults_of_a_group_name_their_fields_and_nothing_is_changed() {
    let host = Host::start().await;
    lobby(&host).await;
    send(&host, "POST", "inputs", json!({"name": "lobby/roof"})).await;
    for (path, body, field) in [
        (
            "groups",
            json!({"name": "hall", "screens": [{"id": "a", "width": 7}]}),
            "screens[a].width",
        ),
        (
            "groups",
            json!({"name": "hall", "screens": [{"id": "a"}, {"id": "a"}]}),
            "screens[a].id",
        ),
        (
            "groups",
            json!({"name": "hall", "screens": [{"colour": 1}]}),
            "screens[0].id",
        ),
        (
            "groups",
            json!({"name": "hall", "playing": cam()}),
            "playing",
        ),
        ("groups", json!({"name": "hall", "delay_ms": 1}), "delay_ms"),
        ("groups", json!({"name": "lobby/left"}), "name"),
        ("groups/lobby/screens", json!({"id": "roof"}), "name"),
        ("groups/lobby/play", json!({"mode": "dance"}), "playing"),
        (
            "groups/lobby/play",
            json!({"mode": "multi", "sources": []}),
            "playing.sources",
        ),
        (
            "groups/lobby/play",
            json!({"mode": "split", "source": {"type": "file", "path": "../x"}}),
            "playing.source",
        ),
    ] {
        let answer = send(&host, "POST", path, body.clone()).await;
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.body);
        assert_eq!(
            answer.json()["errors"][0]["field"],
            field,
            "{}",
            answer.body
        );
    }
    let groups = host.get("/api/v1/groups").await.json();
    assert_eq!(groups["groups"].as_array().unwrap().len(), 1);
    // The last screen of what plays cannot be taken away.
    send(&host, "DELETE", "groups/lobby/screens/right", json!({})).await;
    send(&host, "POST", "groups/lobby/play", cam()).await;
    let last = send(&host, "DELETE", "groups/lobby/screens/left", json!({})).await;
    assert_eq!(last.status, 422, "{}", last.body);
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn line(host: &Host, client: &Value, token: &str) -> Socket {
    let url = format!("ws://{}{}", host.address, client["clock"].as_str().unwrap());
    let (mut socket, _) = connect_async(url).await.unwrap();
    tell(&mut socket, json!({"type": "hello", "token": token})).await;
    socket
}

async fn tell(socket: &mut Socket, message: Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

/// The next message of that type; a close frame as its code.
async fn next_of(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await;
        match next.expect("in time").expect("a message").unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == kind {
                    return message;
                }
            }
            Message::Close(frame) => return json!(u16::from(frame.unwrap().code)),
            _ => {}
        }
    }
}

async fn registered(host: &Host, body: Value) -> Value {
    let answer = send(host, "POST", "clients", body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_client_registers_keeps_a_line_and_hears_what_it_is_to_show() {
    let host = Host::start().await;
    lobby(&host).await;
    let client = registered(
        &host,
        json!({"name": "tv", "group": "lobby", "screen": "left"}),
    )
    .await;
    assert_eq!(client["task"]["stream"], Value::Null, "{client}");
    let (id, token) = (
        client["id"].as_str().unwrap(),
        client["token"].as_str().unwrap(),
    );
    let mut socket = line(&host, &client, token).await;
    let first = next_of(&mut socket, "task").await;
    assert_eq!(first["task"]["screen"], "left", "{first}");

    send(&host, "POST", "groups/lobby/play", cam()).await;
    let task = next_of(&mut socket, "task").await["task"].clone();
    assert_eq!(task["stream"], "lobby/left");
    assert_eq!(task["watch"]["mp4"], "/live/lobby/left.mp4");
    assert_eq!(
        (&task["delay_ms"], &task["zero_unix_ms"]),
        (&json!(1000), &Value::Null)
    );
    send(&host, "PATCH", "groups/lobby", json!({"delay_ms": 2000})).await;
    assert_eq!(next_of(&mut socket, "task").await["task"]["delay_ms"], 2000);

    // The host's clock.
    let before = control::clock::unix_ms_exact();
    tell(&mut socket, json!({"type": "ping", "t0": 12.5})).await;
    let pong = next_of(&mut socket, "pong").await;
    let after = control::clock::unix_ms_exact();
    let time = |name: &str| pong[name].as_f64().unwrap();
    assert_eq!(time("t0"), 12.5);
    assert!(
        before <= time("t1") && time("t1") <= time("t2") && time("t2") <= after,
        "{pong}"
    );

    // What it says of itself.
    tell(
        &mut socket,
        json!({"type": "report", "state": "playing", "skew_ms": -3.5, "dropped_frames": 2}),
    )
    .await;
    tell(&mut socket, json!({"type": "ping", "t0": 1})).await;
    next_of(&mut socket, "pong").await;
    let seen = host.get(&format!("/api/v1/clients/{id}")).await.json();
    assert_eq!(
        (&seen["state"], &seen["skew_ms"], &seen["dropped_frames"]),
        (&json!("playing"), &json!(-3.5), &json!(2))
    );
    assert_eq!(
        (&seen["connected"], &seen["stale"]),
        (&json!(true), &json!(false))
    );
    let status = host.get("/api/v1/groups/lobby/status").await.json();
    assert_eq!(status["screens"][0]["clients"][0]["id"], id);

    // It is put elsewhere, and forgotten.
    let moved = json!({"group": "lobby", "screen": "right"});
    send(&host, "PATCH", &format!("clients/{id}"), moved).await;
    assert_eq!(
        next_of(&mut socket, "task").await["task"]["stream"],
        "lobby/right"
    );
    let removed = send(&host, "DELETE", &format!("clients/{id}"), json!({})).await;
    assert_eq!(removed.status, 204);
    assert_eq!(next_of(&mut socket, "task").await, 1008);
    assert_eq!(host.get(&format!("/api/v1/clients/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_line_takes_the_token_and_messages_that_are_known() {
    let host = Host::start().await;
    lobby(&host).await;
    let client = registered(&host, json!({"group": "lobby", "screen": "left"})).await;
    let token = client["token"].as_str().unwrap();
    let mut wrong = line(&host, &client, "guessed").await;
    assert_eq!(next_of(&mut wrong, "task").await, 1008);
    for odd in [
        json!({"type": "hello", "token": token}),
        json!({"type": "dance"}),
        json!(7),
    ] {
        let mut socket = line(&host, &client, token).await;
        next_of(&mut socket, "task").await;
        tell(&mut socket, odd).await;
        assert_eq!(next_of(&mut socket, "never").await, 1007);
    }
    let mut huge = line(&host, &client, token).await;
    next_of(&mut huge, "task").await;
    tell(
        &mut huge,
        json!({"type": "report", "fault": "x".repeat(10_000)}),
    )
    .await;
    let ended = tokio::time::timeout(PATIENCE, huge.next())
        .await
        .expect("in time");
    assert!(!matches!(ended, Some(Ok(Message::Text(_)))), "{ended:?}");
    let no_socket = host.get(client["clock"].as_str().unwrap()).await;
    assert_eq!(no_socket.status, 400, "{}", no_socket.body);
    for (body, status) in [
        (json!({"group": "lobby"}), 422),
        (json!({"screen": "left"}), 422),
        (json!({"name": ""}), 422),
        (json!({"group": "lobby", "screen": "roof"}), 404),
        (json!({"group": "none", "screen": "left"}), 404),
    ] {
        let answer = send(&host, "POST", "clients", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_page_of_a_screen_is_served_with_its_script() {
    let host = Host::start().await;
    let page = host.get("/screen/acme/lobby/left").await;
    assert!(
        page.status == 200 && page.body.contains("/ui/screen.js"),
        "{}",
        page.body
    );
    assert!(
        host.get("/ui/screen.js")
            .await
            .head
            .contains("text/javascript")
    );
    assert!(host.get("/ui/screen.css").await.head.contains("text/css"));
}
