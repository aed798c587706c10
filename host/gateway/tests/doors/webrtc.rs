//! WebRTC: who shows nothing is asked for a token, and the terms end a session.

use crate::{House, refusal, until};
use gateway::webrtc;
use model::{Intent, Protocol};
use std::net::SocketAddr;
use std::time::Instant;
use str0m::media::{Direction, MediaKind};
use str0m::{Candidate, Rtc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn open(house: &House) -> SocketAddr {
    let settings = webrtc::Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..webrtc::Settings::default()
    };
    let (router, _) = webrtc::serve(&house.context, settings).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = house.context.shutdown().clone().cancelled_owned();
    house.context.tasks().spawn(async move {
        let server = axum::serve(listener, app).with_graceful_shutdown(shutdown);
        server.await.unwrap();
    });
    address
}

/// Status and head of what an offer is answered with.
async fn post(address: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    let mut rtc = Rtc::new(Instant::now());
    let candidate = Candidate::host("127.0.0.1:9".parse().unwrap(), "udp").unwrap();
    rtc.add_local_candidate(candidate);
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, _) = changes.apply().unwrap();
    let (offer, mut answer) = (offer.to_sdp_string(), String::new());
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/sdp\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{offer}",
        offer.len()
    );
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.to_lowercase())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_asked_for_a_token_and_it_is_taken_from_wherever_it_is_shown() {
    let house = House::new();
    let address = open(&house).await;
    let (status, head) = post(address, "/whip/closed/a", "").await;
    assert_eq!(status, 401);
    assert!(head.contains("www-authenticate: bearer"), "{head}");
    assert!(house.streams().is_empty());
    let wrong = "authorization: Bearer bad\r\n";
    assert_eq!(post(address, "/whip/closed/a", wrong).await.0, 403);
    for (n, (query, headers)) in [
        ("", "authorization: Bearer good\r\n"),
        // joe:good
        ("", "authorization: Basic am9lOmdvb2Q=\r\n"),
        ("?token=good", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, _) = post(address, &format!("/whip/closed/{n}{query}"), headers).await;
        assert_eq!(status, 201, "{query} {headers}");
    }
    assert_eq!(house.refused(Protocol::Webrtc), 2);
    let asked = house.clerk.asked();
    assert!(asked.iter().all(|ask| ask.intent == Intent::Publish));
    assert_eq!(house.streams(), ["closed/0", "closed/1", "closed/2"]);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_goes_when_its_time_is_over_and_its_place_is_free_again() {
    let house = House::new();
    let mut events = house.events();
    let address = open(&house).await;
    assert_eq!(post(address, "/whip/brief/a", "").await.0, 201);
    assert_eq!(post(address, "/whip/brief/a", "").await.0, 409);
    assert_eq!(refusal(&mut events).await, "conflict");
    assert_eq!(refusal(&mut events).await, "cut-off-duration");
    let free = || {
        let stream = house.context.registry().get("brief/a").unwrap();
        let snapshot = stream.snapshot(Instant::now());
        snapshot.sources.iter().all(|source| !source.connected)
    };
    until("the place to be free", free).await;
    assert_eq!(post(address, "/whip/brief/a", "").await.0, 201);
    house.context.close().await;
}
