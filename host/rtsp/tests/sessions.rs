//! Sessions in virtual time: our client against our server, and clients that mean no good.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test fails by panicking, and its time begins somewhere

use bytes::{Bytes, BytesMut};
use rtsp::StatusCode;
use rtsp::auth::{Account, Guard, Verdict};
use rtsp::sdp::Track;
use rtsp::session::{Client, ClientError, ClientEvent, Limits, Server, ServerError, ServerEvent};
use std::net::IpAddr;
use std::time::{Duration, Instant};

const URI: &str = "rtsp://127.0.0.1:8554/live/a";
const PEER: [u8; 4] = [127, 0, 0, 1];

fn tracks() -> Vec<Track> {
    let track = |index: usize, encoding: &str| Track {
        media: "video".into(),
        payload_type: 96 + index as u8,
        encoding: encoding.into(),
        clock_hz: 90_000,
        channels: 1,
        parameters: Vec::new(),
        control: format!("trackID={index}"),
    };
    vec![track(0, "H264"), track(1, "H265")]
}

fn server(now: Instant) -> Server {
    Server::new(now, Limits::default(), PEER.into(), true, 7)
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A request of a client that is written by hand; the events it causes.
fn send(server: &mut Server, now: Instant, request: &str) -> Option<ServerEvent> {
    server.handle_input(now, request.replace('\n', "\r\n").as_bytes().into());
    server.poll_event(now).unwrap()
}

fn status(server: &mut Server) -> String {
    let answer = text(&server.poll_output().expect("an answer"));
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// Described, with one track.
fn described(now: Instant) -> Server {
    let mut server = server(now);
    let event = send(
        &mut server,
        now,
        &format!("DESCRIBE {URI} RTSP/1.0\nCSeq: 1\n\n"),
    );
    assert!(matches!(event, Some(ServerEvent::Describe(target)) if target.path == "live/a"));
    server.describe(PEER.into(), &tracks());
    assert_eq!(status(&mut server), "200");
    server
}

fn setup(track: usize, transport: &str) -> String {
    format!("SETUP {URI}/trackID={track} RTSP/1.0\nCSeq: 2\nTransport: {transport}\n\n")
}

/// Carries bytes both ways until nobody has anything to say; answers as a host would.
fn converse(client: &mut Client, server: &mut Server, guard: &Guard, now: Instant) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let mut quiet = true;
        while let Some(bytes) = client.poll_output() {
            server.handle_input(now, BytesMut::from(&bytes[..]));
            quiet = false;
        }
        while let Some(event) = server.poll_event(now).unwrap() {
            answer(server, guard, now, event, &mut seen);
        }
        while let Some(bytes) = server.poll_output() {
            client
                .handle_input(now, BytesMut::from(&bytes[..]))
                .unwrap();
            quiet = false;
        }
        if quiet {
            return seen;
        }
    }
}

fn answer(
    server: &mut Server,
    guard: &Guard,
    now: Instant,
    event: ServerEvent,
    seen: &mut Vec<String>,
) {
    match event {
        ServerEvent::Announce(target, announced) => {
            assert_eq!(announced, tracks());
            let header = target.authorization.as_deref().unwrap_or_default();
            match guard.judge(now, header, &target.method, &target.uri) {
                Some(Verdict::Known { user, .. }) => {
                    seen.push(format!("announced by {}", user.unwrap()));
                    server.accept(now);
                }
                _ => server.refuse(StatusCode::Unauthorized, &guard.challenges(now, false)),
            }
        }
        ServerEvent::Setup(setup) => {
            seen.push(format!("set up {}", setup.track));
            let ports = (!setup.transport.tcp).then_some((8000, 8001));
            server.set_up(ports, None);
        }
        ServerEvent::Record => {
            seen.push("record".into());
            server.accept(now);
        }
        ServerEvent::Packet {
            track,
            rtcp,
            payload,
        } => {
            seen.push(format!("packet {track} {rtcp} {}", text(&payload)));
        }
        ServerEvent::Closed => seen.push("closed".into()),
        other => panic!("{other:?}"),
    }
}

fn guard(now: Instant) -> Guard {
    Guard::new(now, Some(account("secret")), [1; 32])
}

fn account(password: &str) -> Account {
    Account {
        user: "cam".into(),
        password: password.into(),
    }
}

#[test]
fn a_client_publishes_over_either_transport_after_it_proved_who_it_is() {
    let now = Instant::now();
    let guard = guard(now);
    for ports in [None, Some(vec![(5000, 5001), (5002, 5003)])] {
        let mut server = server(now);
        let udp = ports.is_some();
        let account = Some(account("secret"));
        let mut client = Client::new(now, URI, account, PEER.into(), &tracks(), ports, 1);
        let seen = converse(&mut client, &mut server, &guard, now);
        assert_eq!(seen, ["announced by cam", "set up 0", "set up 1", "record"]);
        let Some(ClientEvent::Ready(agreed)) = client.poll_event() else {
            panic!("not ready")
        };
        assert_eq!(agreed.len(), 2);
        assert_eq!(agreed[1].interleaved, (!udp).then_some((2, 3)));
        assert_eq!(agreed[1].server_port, udp.then_some((8000, 8001)));

        // Half of the session's time later the client shows that it lives.
        let later = client.poll_timeout().unwrap();
        assert_eq!(later, now + Duration::from_secs(30));
        client.handle_timeout(later).unwrap();
        assert!(converse(&mut client, &mut server, &guard, later).is_empty());
        assert_eq!(server.poll_timeout(), Some(later + Duration::from_secs(60)));
        client.finish();
        assert_eq!(
            converse(&mut client, &mut server, &guard, later),
            ["closed"]
        );
    }
}

#[test]
fn a_client_without_the_password_gives_up_and_says_why() {
    let now = Instant::now();
    let guard = guard(now);
    for account in [None, Some(account("guess"))] {
        let mut server = server(now);
        let host: IpAddr = PEER.into();
        let mut client = Client::new(now, URI, account, host, &tracks(), None, 1);
        let end = loop {
            while let Some(bytes) = client.poll_output() {
                server.handle_input(now, BytesMut::from(&bytes[..]));
            }
            let event = server.poll_event(now).unwrap().expect("a request");
            answer(&mut server, &guard, now, event, &mut Vec::new());
            let bytes = server.poll_output().unwrap();
            if let Err(error) = client.handle_input(now, BytesMut::from(&bytes[..])) {
                break error;
            }
        };
        assert_eq!(end, ClientError::Unauthorized);
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let now = Instant::now();
    let mut client = Client::new(now, URI, None, PEER.into(), &tracks(), None, 1);
    let deadline = client.poll_timeout().unwrap();
    assert_eq!(client.handle_timeout(now), Ok(()));
    let method = "ANNOUNCE";
    assert_eq!(
        client.handle_timeout(deadline),
        Err(ClientError::Silent { method })
    );
}

#[test]
fn packets_go_to_the_client_and_to_nobody_else() {
    let now = Instant::now();
    for (transport, expected) in [
        ("RTP/AVP;unicast;client_port=5000-5001", None),
        (
            "RTP/AVP;unicast;client_port=5000-5001;destination=127.0.0.1",
            None,
        ),
        ("RTP/AVP/TCP;unicast;interleaved=8-9", None),
        (
            "RTP/AVP;unicast;client_port=5000-5001;destination=192.0.2.9",
            Some("461"),
        ),
        ("RTP/AVP;multicast;client_port=5000-5001", Some("461")),
        ("RTP/AVP;unicast;client_port=53-54", Some("461")),
        ("RTP/AVP;unicast;client_port=5000-5000", Some("461")),
        ("RTP/AVP;unicast", Some("461")),
        ("RTP/SAVP;unicast;client_port=5000-5001", Some("461")),
        ("", Some("461")),
    ] {
        let mut server = described(now);
        let event = send(&mut server, now, &setup(0, transport));
        match expected {
            Some(code) => assert_eq!(status(&mut server), code, "{transport}"),
            None => assert!(matches!(event, Some(ServerEvent::Setup(_))), "{transport}"),
        }
    }
}

#[test]
fn players_get_the_channels_that_the_shared_packets_have() {
    let now = Instant::now();
    let mut server = described(now);
    let event = send(&mut server, now, &setup(1, "RTP/AVP/TCP;interleaved=0-1"));
    let Some(ServerEvent::Setup(asked)) = event else {
        panic!("{event:?}")
    };
    assert_eq!(asked.transport.interleaved, Some((2, 3)));
    server.set_up(None, Some(9));
    assert!(text(&server.poll_output().unwrap()).contains("interleaved=2-3;ssrc=00000009"));
    // Over UDP, or once more: refused.
    let again = setup(1, "RTP/AVP/TCP;interleaved=0-1");
    assert_eq!(send(&mut server, now, &again), None);
    assert_eq!(status(&mut server), "455");
    let udp = setup(0, "RTP/AVP;client_port=5000-5001");
    assert_eq!(send(&mut server, now, &udp), None);
    assert_eq!(status(&mut server), "461");
}

#[test]
fn what_is_asked_at_the_wrong_time_is_refused() {
    let now = Instant::now();
    for (request, code) in [
        (format!("PLAY {URI} RTSP/1.0\nCSeq: 9\n\n"), "455"),
        (format!("RECORD {URI} RTSP/1.0\nCSeq: 9\n\n"), "455"),
        (format!("PAUSE {URI} RTSP/1.0\nCSeq: 9\n\n"), "455"),
        (format!("ANNOUNCE {URI} RTSP/1.0\nCSeq: 9\n\n"), "455"),
        (
            format!("SETUP {URI}/trackID=7 RTSP/1.0\nCSeq: 9\n\n"),
            "404",
        ),
        (
            "SETUP rtsp://h/other/trackID=0 RTSP/1.0\nCSeq: 9\n\n".to_owned(),
            "404",
        ),
        (format!("OPTIONS {URI} RTSP/1.0\n\n"), "400"),
        (
            format!("OPTIONS {URI} RTSP/1.0\nCSeq: 9\nSession: x\n\n"),
            "454",
        ),
        (
            format!("OPTIONS {URI} RTSP/1.0\nCSeq: 9\nRequire: x\n\n"),
            "551",
        ),
        (format!("REDIRECT {URI} RTSP/1.0\nCSeq: 9\n\n"), "501"),
        ("OPTIONS * RTSP/1.0\nCSeq: 9\n\n".to_owned(), "200"),
    ] {
        let mut server = described(now);
        assert_eq!(send(&mut server, now, &request), None, "{request}");
        assert_eq!(status(&mut server), code, "{request}");
    }
}

#[test]
fn one_question_at_a_time_is_asked() {
    let now = Instant::now();
    let mut server = server(now);
    let twice = format!("DESCRIBE {URI} RTSP/1.0\nCSeq: 1\n\n").repeat(2);
    assert!(send(&mut server, now, &twice).is_some());
    assert_eq!(server.poll_event(now), Ok(None));
    server.refuse(StatusCode::NotFound, &[]);
    assert!(matches!(
        server.poll_event(now),
        Ok(Some(ServerEvent::Describe(_)))
    ));
}

#[test]
fn who_never_plays_is_let_go_however_much_it_says() {
    let start = Instant::now();
    let mut server = described(start);
    let timeout = Limits::default().setup_timeout;
    for second in 1..10 {
        let now = start + Duration::from_secs(second);
        send(&mut server, now, "OPTIONS * RTSP/1.0\nCSeq: 9\n\n");
        assert_eq!(server.handle_timeout(now), Ok(()));
    }
    let error = server.handle_timeout(start + timeout);
    assert_eq!(error, Err(ServerError::Setup(timeout)));
}

#[test]
fn a_player_over_udp_has_to_show_that_it_lives() {
    let start = Instant::now();
    let play = |transport: &str| {
        let mut server = described(start);
        send(&mut server, start, &setup(0, transport)).unwrap();
        server.set_up(None, None);
        let asked = send(
            &mut server,
            start,
            &format!("PLAY {URI} RTSP/1.0\nCSeq: 3\n\n"),
        );
        assert_eq!(asked, Some(ServerEvent::Play));
        server.accept(start);
        server
    };
    let mut udp = play("RTP/AVP;unicast;client_port=5000-5001");
    let timeout = Limits::default().session_timeout;
    assert_eq!(udp.poll_timeout(), Some(start + timeout));
    udp.alive(start + timeout / 2);
    assert_eq!(udp.handle_timeout(start + timeout), Ok(()));
    let late = start + timeout / 2 + timeout;
    assert_eq!(udp.handle_timeout(late), Err(ServerError::Silent(timeout)));
    let tcp = play("RTP/AVP/TCP;unicast;interleaved=0-1");
    assert_eq!(tcp.poll_timeout(), None);
}

#[test]
fn packets_of_channels_never_set_up_are_nobodys() {
    let now = Instant::now();
    let mut server = described(now);
    send(&mut server, now, &setup(0, "RTP/AVP/TCP;interleaved=0-1")).unwrap();
    server.set_up(None, None);
    server.handle_input(
        now,
        b"$\x05\x00\x01x$\xff\x00\x01y$\x01\x00\x01z"[..].into(),
    );
    let event = server.poll_event(now).unwrap();
    let Some(ServerEvent::Packet {
        track: 0,
        rtcp: true,
        payload,
    }) = event
    else {
        panic!("{event:?}")
    };
    assert_eq!(payload, "z");
}
