//! Conversations with an RTSP server and a publishing client, descriptions, transports and
//! credentials.
#![no_main]

use arbitrary::Arbitrary;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use rtsp::StatusCode;
use rtsp::auth::{Account, Challenge, Guard};
use rtsp::session::{Client, Limits, Server, ServerEvent};
use rtsp::{sdp, transport};
use std::net::IpAddr;
use std::time::{Duration, Instant};

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    /// A request of that method, with the headers and the body given.
    Request(u8, &'a str, &'a str),
    Bytes(&'a [u8]),
    Agree,
    Refuse,
    Wait(u16),
}

const METHODS: &[&str] = &[
    "OPTIONS",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "RECORD",
    "TEARDOWN",
    "GET_PARAMETER",
];

const HOST: [u8; 4] = [127, 0, 0, 1];

const DESCRIPTION: &str = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n\
                           a=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n";

fuzz_target!(|talk: (Vec<Step<'_>>, &[u8], &str)| {
    let (steps, server_says, text) = talk;
    let _ = sdp::parse(text.as_bytes());
    let _ = transport::Transport::parse_all(text);
    let _ = Challenge::parse(text);
    let now = Instant::now();
    let account = Account {
        user: "u".into(),
        password: "p".into(),
    };
    let guard = Guard::new(now, Some(account.clone()), [7; 32]);
    let _ = guard.judge(now, text, "PLAY", "rtsp://h/a");
    serve(now, &steps);
    let tracks = sdp::parse(DESCRIPTION.as_bytes()).unwrap_or_default();
    let host: IpAddr = HOST.into();
    let mut client = Client::new(now, "rtsp://h/a", Some(account), host, &tracks, None, 7);
    let _ = client.handle_input(now, server_says.into());
});

fn serve(mut now: Instant, steps: &[Step<'_>]) {
    let mut server = Server::new(now, Limits::default(), HOST.into(), true, 7);
    for step in steps {
        match step {
            Step::Request(method, headers, body) => {
                let method = METHODS[usize::from(*method) % METHODS.len()];
                let length = body.len();
                let request = format!(
                    "{method} rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n{headers}\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                server.handle_input(now, BytesMut::from(request.as_bytes()));
            }
            Step::Bytes(bytes) => server.handle_input(now, BytesMut::from(*bytes)),
            Step::Agree => agree(&mut server, now),
            Step::Refuse => server.refuse(StatusCode::Forbidden, &[]),
            Step::Wait(ms) => {
                now += Duration::from_millis(u64::from(*ms));
                let _ = server.handle_timeout(now);
            }
        }
        while server.poll_output().is_some() {}
    }
}

fn agree(server: &mut Server, now: Instant) {
    let tracks = sdp::parse(DESCRIPTION.as_bytes()).unwrap_or_default();
    while let Ok(Some(event)) = server.poll_event(now) {
        match event {
            ServerEvent::Describe(_) => server.describe(HOST.into(), &tracks),
            ServerEvent::Setup(_) => server.set_up(Some((8000, 8001)), Some(1)),
            ServerEvent::Announce(..) | ServerEvent::Play | ServerEvent::Record => {
                server.accept(now);
            }
            _ => {}
        }
    }
}
