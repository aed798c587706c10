//! rml_rtmp as an independent peer: its handshake, its sessions, its chunks.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "virtual time needs an origin; nothing waits for it"
)]

use std::time::Instant;

use bytes::Bytes;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult,
    PublishRequestType, ServerSession, ServerSessionConfig, ServerSessionEvent,
    ServerSessionResult,
};
use rml_rtmp::time::RtmpTimestamp;
use rtmp::message::Kind;
use rtmp::session::{
    Client, ClientConfig, ClientEvent, Limits, MediaKind, Role, Server, ServerEvent,
};
use rtmp::wire;

fn feed(theirs: &mut Handshake, bytes: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    match theirs.process_bytes(bytes).unwrap() {
        HandshakeProcessResult::InProgress { response_bytes } => (response_bytes, None),
        HandshakeProcessResult::Completed {
            response_bytes,
            remaining_bytes,
        } => (response_bytes, Some(remaining_bytes)),
    }
}

fn drain(mut poll: impl FnMut() -> Option<Bytes>) -> Vec<u8> {
    std::iter::from_fn(&mut poll).flatten().collect()
}

/// Their client, our server.
struct TheirClient {
    now: Instant,
    theirs: ClientSession,
    ours: Server,
    events: Vec<ClientSessionEvent>,
    asked: Vec<ServerEvent>,
}

impl TheirClient {
    fn new() -> Self {
        let now = Instant::now();
        let mut ours = Server::new(now, Limits::default(), 5);
        let mut handshake = Handshake::new(PeerType::Client);
        let c0c1 = handshake.generate_outbound_p0_and_p1().unwrap();
        ours.handle_input(now, c0c1.into()).unwrap();
        let (c2, done) = feed(&mut handshake, &drain(|| ours.poll_output()));
        assert!(done.is_some(), "their client must take our digest");
        ours.handle_input(now, c2.into()).unwrap();
        let (theirs, first) = ClientSession::new(ClientSessionConfig::new()).unwrap();
        let mut this = Self {
            now,
            theirs,
            ours,
            events: Vec::new(),
            asked: Vec::new(),
        };
        this.carry(first);
        this
    }

    fn carry(&mut self, mut results: Vec<ClientSessionResult>) {
        loop {
            for result in results.drain(..) {
                match result {
                    ClientSessionResult::OutboundResponse(packet) => {
                        self.ours
                            .handle_input(self.now, packet.bytes.into())
                            .unwrap();
                    }
                    ClientSessionResult::RaisedEvent(event) => self.events.push(event),
                    ClientSessionResult::UnhandleableMessageReceived(_) => {}
                }
            }
            while let Some(event) = self.ours.poll_event() {
                self.asked.push(event);
                self.ours.accept(self.now).unwrap();
            }
            let answer = drain(|| self.ours.poll_output());
            if answer.is_empty() {
                return;
            }
            results = self.theirs.handle_input(&answer).unwrap();
        }
    }

    fn connect(&mut self) {
        let request = self.theirs.request_connection("live".into()).unwrap();
        self.carry(vec![request]);
        assert!(
            self.events
                .contains(&ClientSessionEvent::ConnectionRequestAccepted)
        );
    }
}

#[test]
fn their_client_publishes_to_our_server() {
    let mut link = TheirClient::new();
    link.connect();
    let request = link
        .theirs
        .request_publishing("cam?a=b".into(), PublishRequestType::Live);
    link.carry(vec![request.unwrap()]);
    assert!(
        link.events
            .contains(&ClientSessionEvent::PublishRequestAccepted)
    );
    for (ms, len) in [
        (0, 10),
        (40, 70_000),
        (0x0100_0000, 5000),
        (0x0100_0028, 5000),
    ] {
        let (data, time) = (Bytes::from(vec![7; len]), RtmpTimestamp::new(ms));
        let video = link
            .theirs
            .publish_video_data(data.clone(), time, false)
            .unwrap();
        let audio = link.theirs.publish_audio_data(data, time, false).unwrap();
        link.carry(vec![video, audio]);
    }
    let media: Vec<_> = link
        .asked
        .iter()
        .filter_map(|event| match event {
            ServerEvent::Media(media) => {
                Some((media.kind, media.timestamp_ms, media.payload.len()))
            }
            _ => None,
        })
        .collect();
    let sent = [
        (0, 10),
        (40, 70_000),
        (0x0100_0000, 5000),
        (0x0100_0028, 5000),
    ]
    .map(|(ms, len)| [(MediaKind::Video, ms, len), (MediaKind::Audio, ms, len)]);
    assert_eq!(media, sent.concat());
}

#[test]
fn their_client_plays_shared_messages_of_our_server() {
    let mut link = TheirClient::new();
    link.connect();
    let request = link.theirs.request_playback("cam".into()).unwrap();
    link.carry(vec![request]);
    assert!(
        link.events
            .contains(&ClientSessionEvent::PlaybackRequestAccepted)
    );
    link.events.clear();
    let sent = [
        (Kind::Video, 40, 200_000),
        (Kind::Audio, 41, 100),
        (Kind::Video, 0x0100_0000, 9),
    ];
    for (kind, ms, len) in sent {
        let payload = Bytes::from(vec![9; len]);
        let shared =
            wire::encode_message(kind, ms, wire::STREAM_ID, payload, wire::CHUNK_SIZE).unwrap();
        let results = link.theirs.handle_input(&shared).unwrap();
        link.carry(results);
    }
    let got: Vec<_> = link
        .events
        .iter()
        .filter_map(|event| match event {
            ClientSessionEvent::VideoDataReceived { timestamp, data } => {
                Some((Kind::Video, timestamp.value, data.len()))
            }
            ClientSessionEvent::AudioDataReceived { timestamp, data } => {
                Some((Kind::Audio, timestamp.value, data.len()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(got, sent);
}

#[test]
fn our_client_publishes_to_their_server() {
    let now = Instant::now();
    let url = "rtmp://127.0.0.1/live/cam".parse().unwrap();
    let mut ours = Client::new(now, ClientConfig::new(url, Role::Publish), 6).unwrap();
    let mut handshake = Handshake::new(PeerType::Server);
    let mut to_ours = handshake.generate_outbound_p0_and_p1().unwrap();
    let behind = loop {
        let (answer, done) = feed(&mut handshake, &drain(|| ours.poll_output()));
        to_ours.extend(answer);
        ours.handle_input(now, std::mem::take(&mut to_ours).into())
            .unwrap();
        if let Some(rest) = done {
            break rest;
        }
    };
    let (mut theirs, mut results) = ServerSession::new(ServerSessionConfig::new()).unwrap();
    results.extend(theirs.handle_input(&behind).unwrap());
    let mut published = Vec::new();
    let mut ready = false;
    loop {
        for result in std::mem::take(&mut results) {
            match result {
                ServerSessionResult::OutboundResponse(packet) => {
                    ours.handle_input(now, packet.bytes.into()).unwrap();
                }
                ServerSessionResult::RaisedEvent(
                    ServerSessionEvent::ConnectionRequested { request_id, .. }
                    | ServerSessionEvent::ReleaseStreamRequested { request_id, .. }
                    | ServerSessionEvent::PublishStreamRequested { request_id, .. },
                ) => results.extend(theirs.accept_request(request_id).unwrap()),
                ServerSessionResult::RaisedEvent(ServerSessionEvent::VideoDataReceived {
                    data,
                    timestamp,
                    stream_key,
                    ..
                }) => published.push((stream_key, timestamp.value, data.len())),
                _ => {}
            }
        }
        let mut to_theirs = drain(|| ours.poll_output());
        while let Some(event) = ours.poll_event() {
            if let ClientEvent::Ready { stream_id, .. } = event {
                ready = true;
                for (ms, len) in [(5, 100_000), (0x0100_0000, 7)] {
                    let payload = Bytes::from(vec![1; len]);
                    let size = wire::CHUNK_SIZE;
                    let bytes = wire::encode_message(Kind::Video, ms, stream_id, payload, size);
                    to_theirs.extend(bytes.unwrap());
                }
            }
        }
        results.extend(theirs.handle_input(&to_theirs).unwrap());
        if results.is_empty() {
            break;
        }
    }
    assert!(ready, "their server must let our client publish");
    assert_eq!(
        published,
        [("cam".into(), 5, 100_000), ("cam".into(), 0x0100_0000, 7)]
    );
}
