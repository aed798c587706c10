//! What strangers can cost.

use crate::support::{PACE, bounded, listen, number_of, numbered, receive_numbered, send_numbered};
use futures_util::FutureExt;
use gateway::srt::backend::{
    Backend, ConnectConfig, Connection, Error, Listener, RejectReason, Why,
};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

pub(crate) async fn flood(backend: &impl Backend) {
    const FLOOD: u32 = 2000;
    const PER_S: u32 = 20;
    const MOST: usize = 10;
    let (mut listener, record) = listen(backend, |config| {
        config.handshakes_per_s = PER_S;
        config.max_connections = MOST;
    })
    .await;
    let address = listener.local_addr();
    let mut config = ConnectConfig::new(address);
    config.stream_id = "read:a".to_owned();
    let (watcher, accepted) = tokio::join!(backend.connect(&config), listener.accept());
    let (mut watcher, accepted) = (watcher.unwrap(), accepted.unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(send_numbered(accepted));
    // Handshakes of the flood that get through hold their place as long as this lives.
    let (kept, mut connections) = tokio::sync::mpsc::unbounded_channel();
    tasks.spawn(async move {
        while let Ok(connection) = listener.accept().await {
            let _ = kept.send(connection);
        }
    });

    let start = Instant::now();
    let flooding = flood_handshakes(address, FLOOD);
    let watching = receive_numbered(&mut watcher, 300);
    tokio::join!(flooding, watching);
    let elapsed = start.elapsed();

    let asked = record.asked.load(Ordering::Relaxed);
    let allowed = f64::from(PER_S) * (1.0 + elapsed.as_secs_f64()) + 2.0;
    assert!(asked as f64 <= allowed, "{asked} asked in {elapsed:?}");
    let refused = bounded("refusals", record.refusals()).await;
    assert!(refused.iter().any(|(_, why)| *why == Why::Flood));
    let mut accepted = Vec::new();
    while let Ok(connection) = connections.try_recv() {
        accepted.push(connection);
    }
    assert!(accepted.len() < MOST, "{} connections", accepted.len());

    // Once it is over, callers are let in again.
    drop(accepted);
    bounded("a caller after the flood", async {
        while backend.connect(&config).await.is_err() {}
    })
    .await;
}

/// Sends handshakes as fast as the listener answers: each with a valid cookie, so that it
/// gets as far as a stranger without a passphrase can.
async fn flood_handshakes(address: SocketAddr, count: u32) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(address).await.unwrap();
    let mut answer = [0; 1500];
    socket.send(&handshake(4, 2, 1, 1, 0, false)).await.unwrap();
    let answered = bounded("an induction", socket.recv(&mut answer)).await;
    assert!(answered.unwrap() >= 64);
    let cookie = u32::from_be_bytes(answer[44..48].try_into().unwrap());
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    for id in 2..count {
        if id % 4 == 0 {
            tick.tick().await;
        }
        // A full send buffer is the flood's own problem.
        let _ = socket
            .send(&handshake(5, 1, id, u32::MAX, cookie, true))
            .await;
    }
}

/// A handshake packet (draft-sharabayko-srt §3.2.1): 16 bytes of header, 48 of handshake, and
/// the SRT and stream-id extensions.
fn handshake(
    version: u32,
    extension_field: u16,
    socket_id: u32,
    kind: u32,
    cookie: u32,
    extensions: bool,
) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut word = |value: u32| packet.extend_from_slice(&value.to_be_bytes());
    word(0x8000_0000); // control, handshake
    word(0);
    word(0);
    word(0); // for the listener
    word(version);
    word(u32::from(if extensions { 5 } else { extension_field })); // HSREQ and CONFIG
    word(socket_id); // initial sequence number: one handshake is not another's repetition
    word(1500);
    word(8192);
    word(kind);
    word(socket_id);
    word(cookie);
    word(u32::from_le_bytes([127, 0, 0, 1]));
    word(0);
    word(0);
    word(0);
    if extensions {
        word(0x0001_0003); // SRT_CMD_HSREQ, three words
        word(0x0001_0501);
        word(0x0000_00bf);
        word(0x0078_0078);
        word(0x0005_0002); // SRT_CMD_SID, two words, each little-endian
        word(u32::from_be_bytes(*b"daer"));
        word(u32::from_be_bytes(*b"\0\0a:"));
    }
    packet
}

pub(crate) async fn connections(backend: &impl Backend) {
    let (mut listener, record) = listen(backend, |config| config.max_connections = 2).await;
    let mut config = ConnectConfig::new(listener.local_addr());
    config.stream_id = "read:a".to_owned();
    let mut pairs = Vec::new();
    for _ in 0..2 {
        let (caller, accepted) = tokio::join!(backend.connect(&config), listener.accept());
        pairs.push((caller.unwrap(), accepted.unwrap()));
    }
    let outcome = tokio::select! {
        outcome = backend.connect(&config) => outcome.map(|_| ()),
        _ = listener.accept() => panic!("a third connection was accepted"),
    };
    match outcome {
        Err(Error::Rejected { reason, .. }) => assert_eq!(reason, RejectReason::OVERLOAD),
        other => panic!("{other:?}"),
    }
    let expected = [(b"read:a".to_vec(), Why::Full)];
    assert_eq!(record.refusals().await, expected);

    pairs.pop();
    let (caller, accepted) = tokio::join!(backend.connect(&config), listener.accept());
    caller.unwrap();
    accepted.unwrap();
}

pub(crate) async fn slow_reader(backend: &impl Backend) {
    let (mut listener, _) = listen(backend, |_| {}).await;
    let mut config = ConnectConfig::new(listener.local_addr());
    config.stream_id = "read:a".to_owned();
    let mut pairs = Vec::new();
    for _ in 0..2 {
        let (caller, accepted) = tokio::join!(backend.connect(&config), listener.accept());
        pairs.push((caller.unwrap(), accepted.unwrap()));
    }
    let (mut good, mut to_good) = pairs.pop().unwrap();
    let (_slow, mut to_slow) = pairs.pop().unwrap();
    let reading = async {
        let mut messages = Vec::new();
        while messages.len() < 500 {
            good.recv(&mut messages).await.unwrap();
        }
        let numbers: Vec<u32> = messages.iter().map(|message| number_of(message)).collect();
        assert!(numbers.is_sorted_by(|a, b| b - a == 1));
    };
    let sending = async {
        let mut tick = tokio::time::interval(PACE);
        for number in 0.. {
            tick.tick().await;
            to_good.send(&numbered(number)).await.unwrap();
            // Far beyond what the slow one takes.
            for _ in 0..40 {
                match to_slow.send(&numbered(number)).now_or_never() {
                    Some(sent) => sent.unwrap(),
                    None => break,
                }
            }
        }
    };
    tokio::select! {
        () = bounded("the good reader", reading) => {}
        () = sending => {}
    }
}

pub(crate) async fn reopening(backend: &impl Backend) {
    let (mut listener, _) = listen(backend, |_| {}).await;
    let address = listener.local_addr();
    let mut config = ConnectConfig::new(address);
    config.stream_id = "read:a".to_owned();
    let (caller, accepted) = tokio::join!(backend.connect(&config), listener.accept());
    let (mut caller, accepted) = (caller.unwrap(), accepted.unwrap());
    let mut sending = JoinSet::new();
    sending.spawn(send_numbered(accepted));
    receive_numbered(&mut caller, 20).await;

    drop(listener);
    let (mut listener, _) = listen(backend, |config| config.local = address).await;
    let (second, accepted) = tokio::join!(backend.connect(&config), listener.accept());
    sending.spawn(send_numbered(accepted.unwrap()));
    receive_numbered(&mut second.unwrap(), 20).await;
    receive_numbered(&mut caller, 200).await;
}
