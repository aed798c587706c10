//! Two sockets of this process talk to each other: the declarations match the library.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use srt_sys::{
    BoolOption, Decision, Epoll, ErrorKind, Events, IntOption, Library, Listener, RejectReason,
    Severity, Socket, SocketState, TextOption,
};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(10);

fn library() -> Library {
    Library::start(Severity::Error, |_, _| {}).unwrap()
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn listener(
    library: Library,
    decide: impl Fn(&srt_sys::Handshake<'_>) -> Decision + Send + Sync + 'static,
) -> (Listener, SocketAddr) {
    let socket = Socket::new(library).unwrap();
    socket.set_bool(BoolOption::ReceiveBlocks, true).unwrap();
    socket.bind(any_port()).unwrap();
    let address = socket.local_addr().unwrap();
    (Listener::new(socket, 16, decide).unwrap(), address)
}

fn report(ids: &Sender<Vec<u8>>, id: &[u8]) {
    ids.send(id.to_vec()).unwrap();
}

#[test]
fn messages_keep_their_bounds_and_are_counted_in_the_fields_they_belong_to() {
    let library = library();
    assert_eq!(library.version().0, 1);
    let (ids, seen) = channel();
    let (listener, address) = listener(library, move |handshake| {
        report(&ids, handshake.stream_id);
        assert!(handshake.peer.ip().is_loopback());
        Decision::Accept
    });
    let caller = Socket::new(library).unwrap();
    caller.set_text(TextOption::StreamId, b"read:a").unwrap();
    caller.set_int(IntOption::PeerLatencyMs, 200).unwrap();
    caller.connect(address).unwrap();
    let (accepted, peer) = listener.accept().unwrap();
    assert_eq!(peer, caller.local_addr());
    assert_eq!(seen.recv_timeout(BOUND).unwrap(), b"read:a");

    caller.send(&[7; 1316]).unwrap();
    caller.send(b"second").unwrap();
    let mut buffer = Vec::with_capacity(8192);
    assert_eq!(accepted.receive(&mut buffer), Ok(1316));
    assert_eq!(accepted.receive(&mut buffer), Ok(6));
    assert_eq!(buffer.get(1316..), Some(&b"second"[..]));

    let stats = accepted.stats().unwrap();
    assert_eq!(stats.received_packets, 2);
    // The last fields of the structure: they are right only if all before them are.
    assert_eq!(stats.received_unique_packets, 2);
    assert_eq!(stats.latency_ms, 200);
    assert!(stats.rtt_ms > 0.0 && stats.received_bytes >= 1322);
    assert_eq!(caller.stats().unwrap().sent_unique_packets, 2);

    let error = caller.send(&[0; 1317]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    drop(caller);
    let error = accepted.receive(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
}

#[test]
fn the_caller_learns_the_reason_that_the_listener_gave() {
    let library = library();
    let (_listener, address) = listener(library, |_| Decision::Reject(RejectReason::NOTFOUND));
    let caller = Socket::new(library).unwrap();
    let error = caller.connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert_eq!(caller.reject_reason(), RejectReason::NOTFOUND);
}

#[test]
fn a_panic_in_the_decision_rejects_that_caller_and_leaves_the_listener_up() {
    let library = library();
    let (listener, address) = listener(library, |handshake| {
        assert_ne!(
            handshake.stream_id, b"boom",
            "this panic is part of the test"
        );
        Decision::Accept
    });
    let unlucky = Socket::new(library).unwrap();
    unlucky.set_text(TextOption::StreamId, b"boom").unwrap();
    unlucky.connect(address).unwrap_err();
    assert_eq!(unlucky.reject_reason(), RejectReason::ISE);

    let lucky = Socket::new(library).unwrap();
    lucky.connect(address).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_passphrase_demanded_in_the_decision_is_checked_before_the_handshake_ends() {
    let library = library();
    let (listener, address) = listener(library, |handshake| {
        handshake.require_passphrase(b"correct horse").unwrap();
        Decision::Accept
    });
    for (passphrase, reason) in [
        (Some(&b"wrong battery"[..]), Some(RejectReason::BADSECRET)),
        (None, Some(RejectReason::UNSECURE)),
        (Some(b"correct horse"), None),
    ] {
        let caller = Socket::new(library).unwrap();
        if let Some(passphrase) = passphrase {
            caller.set_text(TextOption::Passphrase, passphrase).unwrap();
        }
        let outcome = caller.connect(address);
        match reason {
            Some(reason) => {
                outcome.unwrap_err();
                assert_eq!(caller.reject_reason(), reason);
            }
            None => {
                outcome.unwrap();
                let (accepted, _) = listener.accept().unwrap();
                assert_eq!(accepted.int(IntOption::ReceiveKeyState), Ok(2));
            }
        }
    }
}

#[test]
fn epoll_reports_a_caller_then_data_then_the_end() {
    let library = library();
    let (listener, address) = listener(library, |_| Decision::Accept);
    let epoll = Epoll::new(library).unwrap();
    epoll.add(listener.socket()).unwrap();
    let caller = Socket::new(library).unwrap();
    caller.connect(address).unwrap();
    wait_for(&epoll, listener.socket(), |event| event.readable);

    let (accepted, _) = listener.accept().unwrap();
    epoll.add(&accepted).unwrap();
    caller.send(b"x").unwrap();
    wait_for(&epoll, &accepted, |event| event.readable);
    drop(caller);
    wait_for(&epoll, &accepted, |event| event.failed);
    assert_ne!(accepted.state(), SocketState::Connected);
}

fn wait_for(epoll: &Epoll, socket: &Socket, wanted: impl Fn(srt_sys::Event) -> bool) {
    let mut events = Events::with_capacity(8);
    let deadline = Instant::now() + BOUND;
    while Instant::now() < deadline {
        epoll.wait(&mut events, Duration::from_millis(100)).unwrap();
        if events
            .iter()
            .any(|event| event.id == socket.id() && wanted(event))
        {
            return;
        }
    }
    panic!("no such event on {socket:?}");
}
