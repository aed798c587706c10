//! Sources and outputs that call, and those that are called.

use crate::support::{Host, assert_whole, bounded, decode, free_port, peer, publisher, until};
use gateway::srt::Role;
use gateway::srt::backend::{Backend, ConnectConfig, Connection, Error, Libsrt, RejectReason};
use link::Details;
use link::LinkHandle;
use model::LinkState;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::UdpSocket;

fn state(link: &LinkHandle) -> LinkState {
    link.snapshot().status.state
}

async fn figures_come(link: &LinkHandle) {
    let seen = || matches!(link.snapshot().details, Some(Details::Srt(srt)) if srt.packets > 0);
    until("the link shows its figures", seen).await;
}

async fn connect(address: SocketAddr) -> Result<gateway::srt::backend::LibsrtConnection, Error> {
    let config = ConnectConfig::new(address);
    Libsrt::new().unwrap().connect(&config).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_calls_a_listener_and_comes_back_when_that_does() {
    let host = Host::new().await;
    let _publisher = publisher(&host.url("publish:a", ""));
    let stream = host.on_air("a").await;
    let behind = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = format!("udp://{}", behind.local_addr().unwrap());
    let there = free_port();
    let from = format!("srt://{there}?mode=listener");
    let link = host.output(&stream, &format!("srt://{there}?timeout=500"));
    until("nobody is there yet", || {
        state(&link) == LinkState::Retrying
    })
    .await;
    let mut buffer = vec![0; 2048];
    for round in 0..2 {
        let transmit = peer("srt-live-transmit", &["-autoreconnect:no", &from, &to]);
        until("the link is live", || state(&link) == LinkState::Live).await;
        let len = bounded("media", behind.recv(&mut buffer)).await.unwrap();
        assert_eq!((len % 188, buffer[0]), (0, 0x47));
        figures_come(&link).await;
        assert_eq!(host.connections(Role::Output).len(), 1);
        assert_eq!(link.snapshot().status.reconnects, round);
        drop(transmit);
        until("the listener is gone", || state(&link) != LinkState::Live).await;
    }
    link.stop().await;
    assert!(host.connections(Role::Output).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_that_is_refused_says_why_and_tries_again() {
    let host = Host::new().await;
    let stream = host.declare("here");
    let link = host.output(
        &stream,
        &host.url("publish:there", "&passphrase=0123456789"),
    );
    until("it is refused", || state(&link) == LinkState::Retrying).await;
    let why = link.snapshot().status.last_error.unwrap();
    assert!(
        why.contains("UNSECURE") || why.contains("BADSECRET"),
        "{why}"
    );
    assert!(!why.contains("0123456789"), "{why}");
    link.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_that_listens_serves_many_and_stays_when_they_leave() {
    let host = Host::new().await;
    let _publisher = publisher(&host.url("publish:a", ""));
    let stream = host.on_air("a").await;
    let port = free_port();
    let link = host.output(&stream, &format!("srt://{port}?mode=listener"));
    let first = loop {
        // Until the port is open.
        if let Ok(connection) = connect(port).await {
            break connection;
        }
    };
    let url = format!("srt://{port}");
    let readers = (0..3).map(|_| decode(&url));
    for decoded in futures_util::future::join_all(readers).await {
        assert_whole(decoded);
    }
    assert_eq!(state(&link), LinkState::Live);
    figures_come(&link).await;
    drop(first);
    until("nobody is there", || state(&link) == LinkState::Connecting).await;
    assert!(host.connections(Role::Output).is_empty());
    assert_whole(decode(&url).await);
    assert_eq!(link.snapshot().status.last_error, None);
    link.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_calls_a_listener() {
    let host = Host::new().await;
    let there = free_port();
    let _sender = publisher(&format!("srt://{there}?mode=listener"));
    let stream = host.declare("in");
    let link = host.source(&stream, &format!("srt://{there}?timeout=500"));
    until("the link is live", || state(&link) == LinkState::Live).await;
    figures_come(&link).await;
    host.on_air("in").await;
    assert_whole(decode(&host.url("read:in", "")).await);
    let source = stream.snapshot(Instant::now()).sources.remove(0);
    assert_eq!(source.peer, Some(format!("srt://{there}")));
    assert_eq!(host.connections(Role::Source).len(), 1);
    link.stop().await;
    assert!(!stream.snapshot(Instant::now()).sources[0].connected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_listens_takes_one_publisher_at_a_time() {
    let host = Host::new().await;
    let stream = host.declare("in");
    let port = free_port();
    let link = host.source(&stream, &format!("srt://{port}?mode=listener"));
    let connected = || {
        stream
            .snapshot(Instant::now())
            .sources
            .iter()
            .any(|source| source.connected)
    };
    for _ in 0..2 {
        let first = loop {
            if let Ok(connection) = connect(port).await {
                break connection;
            }
        };
        until("the publisher is in", connected).await;
        let second = connect(port).await;
        assert!(
            matches!(second, Err(Error::Rejected { reason, .. }) if reason == RejectReason::CONFLICT)
        );
        drop(first);
        until("the publisher is gone", || !connected()).await;
    }
    let _sender = publisher(&format!("srt://{port}"));
    until("the link is live", || state(&link) == LinkState::Live).await;
    host.on_air("in").await;
    assert_whole(decode(&host.url("read:in", "")).await);
    link.stop().await;
    let gone = connect(port).await.map(|connection| connection.peer());
    assert!(gone.is_err(), "the port is closed");
}

/// `srt-live-transmit` calls from the port it is called on, so the two have addresses of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_meets_a_peer_half_way_and_its_seconds_are_remembered() {
    let host = Host::new().await;
    let _publisher = publisher(&host.url("publish:a", ""));
    let stream = host.on_air("a").await;
    let behind = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = format!("udp://{}", behind.local_addr().unwrap());
    let port = free_port().port();
    let from = format!("srt://127.0.0.1:{port}?mode=rendezvous&adapter=127.0.0.2");
    let ours = format!("srt://127.0.0.2:{port}?mode=rendezvous&timeout=2000");
    let link = host.output(&stream, &ours);
    let transmit = peer("srt-live-transmit", &["-autoreconnect:no", &from, &to]);
    let mut buffer = vec![0; 2048];
    let len = bounded("media", behind.recv(&mut buffer)).await.unwrap();
    assert_eq!((len % 188, buffer[0]), (0, 0x47));
    figures_come(&link).await;
    drop(transmit);
    until("the peer is gone", || state(&link) != LinkState::Live).await;
    link.stop().await;
    let histories = host.context.srt().histories(Instant::now());
    let ours = histories
        .iter()
        .find(|history| history.role == Role::Output);
    let ours = ours.unwrap();
    assert!(ours.ended_ms_ago.is_some());
    assert!(ours.samples.iter().any(|sample| sample.srt.packets > 0));
}
