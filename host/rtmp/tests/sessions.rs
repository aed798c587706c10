//! The two sessions against each other, in virtual time, and against peers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "virtual time needs an origin; nothing waits for it"
)]

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use rtmp::amf::Value;
use rtmp::chunk::{self, Decoder, Encoder};
use rtmp::message::{Command, Control, Kind, Message, UserControl, set_data_frame};
use rtmp::session::{
    Client, ClientConfig, ClientEvent, Error, Limits, MediaKind, PublishKind, Reason, Role, Server,
    ServerEvent,
};
use rtmp::{amf, handshake, wire};

/// A server session and the chunk layer of a client that says what it likes.
struct Raw {
    now: Instant,
    server: Server,
    encoder: Encoder,
    decoder: Decoder,
}

impl Raw {
    /// Past the handshake.
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let mut server = Server::new(now, limits, 1);
        let mut client = handshake::Client::new(0, 2);
        server.handle_input(now, client.start()).unwrap();
        let c2 = client
            .handle_input(server.poll_output().unwrap())
            .unwrap()
            .output;
        server.handle_input(now, c2).unwrap();
        let decoder = Decoder::new(chunk::Limits::default());
        Self {
            now,
            server,
            encoder: Encoder::new(),
            decoder,
        }
    }

    /// Past `connect`.
    fn connected() -> Self {
        let mut raw = Self::new(Limits::default());
        raw.call("connect", 1.0, [Value::object([("app", "live".into())])])
            .unwrap();
        assert!(matches!(
            raw.server.poll_event(),
            Some(ServerEvent::Connect(_))
        ));
        raw.server.accept(raw.now).unwrap();
        raw.heard();
        raw
    }

    /// Past `publish`.
    fn publishing() -> Self {
        let mut raw = Self::connected();
        raw.call("publish", 0.0, [Value::Null, "cam".into(), "live".into()])
            .unwrap();
        assert!(matches!(
            raw.server.poll_event(),
            Some(ServerEvent::Publish(_))
        ));
        raw.server.accept(raw.now).unwrap();
        raw.heard();
        raw
    }

    fn say(&mut self, message: &Message) -> Result<(), Error> {
        let mut out = BytesMut::new();
        self.encoder.encode(3, message, &mut out).unwrap();
        self.server.handle_input(self.now, out.freeze())
    }

    fn call(
        &mut self,
        name: &str,
        transaction: f64,
        arguments: impl Into<Vec<Value>>,
    ) -> Result<(), Error> {
        self.say(&Command::new(name, transaction, arguments).to_message(1))
    }

    fn media(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error> {
        let payload = Bytes::copy_from_slice(payload);
        self.say(&Message {
            kind,
            timestamp_ms: 40,
            stream_id: 1,
            payload,
        })
    }

    /// All that the server said since the last time.
    fn heard(&mut self) -> Vec<Message> {
        let mut heard = Vec::new();
        while let Some(bytes) = self.server.poll_output() {
            self.decoder.push(bytes);
            while let Some(message) = self.decoder.poll().unwrap() {
                heard.push(message);
            }
        }
        heard
    }

    /// The commands in what was heard: name, transaction, and the code if there is one.
    fn heard_commands(&mut self) -> Vec<(String, f64, String)> {
        let heard = self.heard();
        let commands = heard
            .iter()
            .filter_map(|message| Command::parse(message, amf::Limits::default()).unwrap());
        commands
            .map(|command| {
                let code = command
                    .argument(1)
                    .as_object()
                    .and_then(|info| info.get_str("code"));
                let code = code.unwrap_or_default().to_owned();
                (command.name, command.transaction, code)
            })
            .collect()
    }

    fn events(&mut self) -> Vec<ServerEvent> {
        std::iter::from_fn(|| self.server.poll_event()).collect()
    }
}

fn said(name: &str, transaction: f64, code: &str) -> (String, f64, String) {
    (name.to_owned(), transaction, code.to_owned())
}

/// Carries bytes between the two until neither has more to say; the server grants everything.
fn talk(
    now: Instant,
    server: &mut Server,
    client: &mut Client,
    step: usize,
) -> (Vec<ServerEvent>, Vec<ClientEvent>) {
    let (mut from_server, mut from_client) = (Vec::new(), Vec::new());
    loop {
        let mut quiet = true;
        while let Some(mut bytes) = client.poll_output() {
            quiet = false;
            while !bytes.is_empty() {
                let piece = bytes.split_to(step.min(bytes.len()));
                server.handle_input(now, piece).unwrap();
            }
        }
        while let Some(event) = server.poll_event() {
            from_server.push(event);
            server.accept(now).unwrap();
        }
        while let Some(mut bytes) = server.poll_output() {
            quiet = false;
            while !bytes.is_empty() {
                let piece = bytes.split_to(step.min(bytes.len()));
                client.handle_input(now, piece).unwrap();
            }
        }
        from_client.extend(std::iter::from_fn(|| client.poll_event()));
        if quiet {
            return (from_server, from_client);
        }
    }
}

fn pair(role: Role) -> (Instant, Server, Client) {
    let now = Instant::now();
    let url = "rtmp://127.0.0.1/live/eu/cam?token=1".parse().unwrap();
    let client = Client::new(now, ClientConfig::new(url, role), 3).unwrap();
    (now, Server::new(now, Limits::default(), 4), client)
}

#[test]
fn a_client_publishes_to_a_server_and_takes_leave() {
    for step in [1, 1000] {
        let (now, mut server, mut client) = pair(Role::Publish);
        let (asked, answered) = talk(now, &mut server, &mut client, step);
        let [ServerEvent::Connect(connect), ServerEvent::Publish(publish)] = &asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(connect.app, "live/eu");
        assert_eq!(connect.tc_url, "rtmp://127.0.0.1/live/eu");
        assert!(connect.enhanced.takes("av01") && connect.enhanced.takes_multitrack());
        assert_eq!(publish.stream_name(), "live/eu/cam");
        assert_eq!(
            (&*publish.query, publish.kind),
            ("token=1", PublishKind::Live)
        );
        let [
            ClientEvent::Ready {
                stream_id,
                enhanced,
            },
        ] = &answered[..]
        else {
            panic!("{answered:?}")
        };
        assert_eq!(*stream_id, wire::STREAM_ID);
        assert!(enhanced.takes("hvc1") && enhanced.takes_multitrack());

        let metadata = amf::encode(&["onMetaData".into(), Value::object([])]);
        for (kind, ms, payload) in [
            (Kind::DataAmf0, 0, set_data_frame(&metadata)),
            (Kind::Video, 0x0100_0000, vec![0x17; 200_000].into()),
            (Kind::Audio, 0x0100_0007, vec![0xaf; 300].into()),
        ] {
            let bytes =
                wire::encode_message(kind, ms, wire::STREAM_ID, payload, wire::CHUNK_SIZE).unwrap();
            server.handle_input(now, bytes).unwrap();
        }
        let media: Vec<_> = std::iter::from_fn(|| server.poll_event())
            .map(|event| match event {
                ServerEvent::Media(media) => (media.kind, media.timestamp_ms, media.payload.len()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            media,
            [
                (MediaKind::Data, 0, metadata.len()),
                (MediaKind::Video, 0x0100_0000, 200_000),
                (MediaKind::Audio, 0x0100_0007, 300),
            ]
        );
        client.finish().unwrap();
        let (asked, answered) = talk(now, &mut server, &mut client, step);
        assert_eq!(asked, [ServerEvent::Unpublish]);
        assert_eq!(answered, [ClientEvent::Closed(Reason::Finished)]);
    }
}

#[test]
fn a_client_plays_from_a_server_until_its_stream_ends() {
    let (now, mut server, mut client) = pair(Role::Play);
    let (asked, answered) = talk(now, &mut server, &mut client, 1000);
    assert!(
        matches!(&asked[1], ServerEvent::Play(play) if play.stream_name() == "live/eu/cam"
        && play.query == "token=1" && play.start_ms == -2000)
    );
    assert!(
        matches!(&answered[0], ClientEvent::Status { code, .. } if code == "NetStream.Play.Reset")
    );
    assert!(matches!(
        answered[1],
        ClientEvent::Ready { stream_id: 1, .. }
    ));
    let video = Bytes::from(vec![0x17; 100_000]);
    let shared = wire::encode_message(
        Kind::Video,
        7,
        wire::STREAM_ID,
        video.clone(),
        wire::CHUNK_SIZE,
    );
    client.handle_input(now, shared.unwrap()).unwrap();
    let media = std::iter::from_fn(|| client.poll_event()).find_map(|event| match event {
        ClientEvent::Media(media) if media.kind == MediaKind::Video => Some(media),
        _ => None,
    });
    assert_eq!(
        media.map(|media| (media.timestamp_ms, media.payload)),
        Some((7, video))
    );
    server.finish_play().unwrap();
    let (closed, ended) = talk(now, &mut server, &mut client, 1000);
    assert_eq!(closed, [ServerEvent::Closed(Reason::Finished)]);
    assert!(
        ended.contains(&ClientEvent::Closed(Reason::PeerFinished)),
        "{ended:?}"
    );
}

#[test]
fn a_refusal_reaches_the_client_with_its_code() {
    for stage in 0..2 {
        let (now, mut server, mut client) = pair(Role::Publish);
        let mut events = 0;
        let refused = loop {
            while let Some(bytes) = client.poll_output() {
                server.handle_input(now, bytes).unwrap();
            }
            while let Some(_event) = server.poll_event() {
                match events == stage {
                    true => server
                        .reject("NetStream.Publish.BadName", "Taken.")
                        .unwrap(),
                    false => server.accept(now).unwrap(),
                }
                events += 1;
            }
            let mut result = Ok(());
            while let Some(bytes) = server.poll_output() {
                result = result.and(client.handle_input(now, bytes));
            }
            if let Err(error) = result {
                break error;
            }
        };
        let command = ["connect", "publish"][stage];
        let (code, description) = ("NetStream.Publish.BadName".into(), "Taken.".into());
        assert_eq!(
            refused,
            Error::Refused {
                command,
                code,
                description
            }
        );
        assert!(client.is_closed() && server.is_closed());
    }
}

#[test]
fn input_waits_while_a_verdict_is_awaited_and_is_then_handled_in_order() {
    let mut raw = Raw::connected();
    raw.call("publish", 5.0, [Value::Null, "cam".into()])
        .unwrap();
    raw.media(Kind::Audio, b"early").unwrap();
    assert!(!raw.server.wants_input());
    assert_eq!(raw.events().len(), 1);
    raw.server.accept(raw.now).unwrap();
    assert!(
        matches!(&raw.events()[..], [ServerEvent::Media(media)] if &media.payload[..] == b"early")
    );

    let mut raw = Raw::connected();
    raw.call("publish", 5.0, [Value::Null, "cam".into()])
        .unwrap();
    let max = Limits::default().max_waiting_input;
    let flood = raw.server.handle_input(raw.now, vec![0; max + 1].into());
    assert_eq!(flood, Err(Error::TooMuchInput { len: max + 1, max }));
}

#[test]
fn the_calls_that_encoders_wait_for_are_answered() {
    let mut raw = Raw::connected();
    for (name, transaction) in [
        ("releaseStream", 2.0),
        ("FCPublish", 3.0),
        ("createStream", 4.0),
        ("_checkbw", 5.0),
        ("getStreamLength", 6.0),
    ] {
        raw.call(name, transaction, [Value::Null, "cam".into()])
            .unwrap();
        assert_eq!(
            raw.heard_commands(),
            [said("_result", transaction, "")],
            "{name}"
        );
    }
    raw.call("someNewCall", 7.0, []).unwrap();
    raw.call("onlyAName", 0.0, []).unwrap();
    assert_eq!(raw.heard_commands(), []);
    assert_eq!(raw.server.ignored_messages(), 2);

    raw.call("publish", 8.0, [Value::Null, "cam".into()])
        .unwrap();
    raw.server.accept(raw.now).unwrap();
    const START: &str = "NetStream.Publish.Start";
    assert_eq!(
        raw.heard_commands(),
        [
            said("onFCPublish", 0.0, START),
            said("onStatus", 0.0, START)
        ]
    );
    raw.events();

    raw.call("FCUnpublish", 9.0, [Value::Null, "cam".into()])
        .unwrap();
    raw.call("deleteStream", 10.0, [Value::Null, 1.0.into()])
        .unwrap();
    assert_eq!(raw.events(), [ServerEvent::Unpublish]);
    const END: &str = "NetStream.Unpublish.Success";
    assert_eq!(
        raw.heard_commands(),
        [
            said("_result", 9.0, ""),
            said("onFCUnpublish", 0.0, END),
            said("onStatus", 0.0, END)
        ]
    );
    raw.call("publish", 11.0, [Value::Null, "again".into()])
        .unwrap();
    assert!(
        matches!(&raw.events()[..], [ServerEvent::Publish(publish)] if publish.name == "again")
    );
}

#[test]
fn a_player_pauses_and_stops() {
    let mut raw = Raw::connected();
    raw.call("play", 0.0, [Value::Null, "cam".into(), (-1000.0).into()])
        .unwrap();
    raw.server.accept(raw.now).unwrap();
    let kinds: Vec<_> = raw.heard().iter().map(|message| message.kind).collect();
    assert_eq!(
        kinds,
        [Kind::UserControl, Kind::CommandAmf0, Kind::CommandAmf0]
    );
    raw.events();
    raw.call("pause", 0.0, [Value::Null, true.into(), 100.0.into()])
        .unwrap();
    raw.call("pause", 0.0, [Value::Null, false.into(), 100.0.into()])
        .unwrap();
    raw.call("closeStream", 0.0, [Value::Null]).unwrap();
    let expected = [
        ServerEvent::Pause(true),
        ServerEvent::Pause(false),
        ServerEvent::Stop,
    ];
    assert_eq!(raw.events(), expected);
}

#[test]
fn aggregates_arrive_as_their_parts_and_lies_end_the_session() {
    let mut raw = Raw::publishing();
    let tag =
        |kind: u8, ms: u8, len: u8| [kind, 0, 0, len, 0, 0, ms, 0, 0, 0, 0, 7, 7, 0, 0, 0, 13];
    raw.media(Kind::Aggregate, &[tag(9, 100, 2), tag(8, 120, 2)].concat())
        .unwrap();
    let times: Vec<_> = raw
        .events()
        .into_iter()
        .map(|event| match event {
            ServerEvent::Media(media) => (media.kind, media.timestamp_ms),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [(MediaKind::Video, 40), (MediaKind::Audio, 60)]);
    assert!(matches!(
        raw.media(Kind::Aggregate, &tag(9, 0, 200)),
        Err(Error::Message(_))
    ));
    assert!(raw.server.is_closed());
}

#[test]
fn amf3_commands_and_metadata_are_understood() {
    let mut raw = Raw::connected();
    let publish = Command::new("publish", 3.0, [Value::Null, "cam".into()]).to_message(1);
    let payload = [&[0], &publish.payload[..]].concat().into();
    raw.say(&Message {
        kind: Kind::CommandAmf3,
        payload,
        ..publish
    })
    .unwrap();
    raw.server.accept(raw.now).unwrap();
    raw.events();
    let metadata = amf::encode(&["onMetaData".into(), Value::Null]);
    raw.media(
        Kind::DataAmf3,
        &[&[0], &set_data_frame(&metadata)[..]].concat(),
    )
    .unwrap();
    assert!(matches!(&raw.events()[..], [ServerEvent::Media(media)] if media.payload == metadata));
    raw.media(Kind::DataAmf3, &[0, 0xff]).unwrap();
    assert_eq!(raw.events(), []);
    assert!(
        !raw.server.is_closed(),
        "unreadable metadata must not end the stream"
    );
}

#[test]
fn the_total_is_acknowledged_and_pings_are_answered() {
    let mut raw = Raw::publishing();
    raw.say(&Control::WindowAckSize(1000).to_message()).unwrap();
    raw.heard();
    raw.media(Kind::Audio, &[1; 900]).unwrap();
    raw.media(Kind::Audio, &[1; 900]).unwrap();
    let total = raw.server.received_bytes() as u32;
    let last = raw
        .heard()
        .pop()
        .map(|message| Control::parse(&message).unwrap().unwrap());
    assert_eq!(last, Some(Control::Acknowledgement(total)));
    raw.say(&Control::User(UserControl::PingRequest { time_ms: 9 }).to_message())
        .unwrap();
    let last = raw
        .heard()
        .pop()
        .map(|message| Control::parse(&message).unwrap().unwrap());
    assert_eq!(
        last,
        Some(Control::User(UserControl::PingResponse { time_ms: 9 }))
    );
}

#[test]
fn each_stage_has_its_deadline() {
    let limits = Limits::default();
    let now = Instant::now();
    let mut half = Server::new(now, limits, 1);
    half.handle_input(now, Bytes::from_static(&[3; 700]))
        .unwrap();
    half.handle_timeout(now + limits.handshake_timeout - Duration::from_millis(1));
    assert_eq!(half.poll_event(), None);
    half.handle_timeout(half.poll_timeout().unwrap());
    assert_eq!(
        half.poll_event(),
        Some(ServerEvent::Closed(Reason::HandshakeTimeout))
    );
    assert_eq!(half.poll_timeout(), None);

    for mut raw in [Raw::new(limits), Raw::connected()] {
        assert_eq!(
            raw.server.poll_timeout(),
            Some(raw.now + limits.setup_timeout)
        );
        raw.server.handle_timeout(raw.now + limits.setup_timeout);
        assert_eq!(raw.events(), [ServerEvent::Closed(Reason::SetupTimeout)]);
    }

    let mut raw = Raw::publishing();
    raw.now += Duration::from_secs(20);
    raw.media(Kind::Audio, b"alive").unwrap();
    raw.events();
    assert_eq!(
        raw.server.poll_timeout(),
        Some(raw.now + limits.publisher_timeout)
    );
    raw.server
        .handle_timeout(raw.now + limits.publisher_timeout);
    assert_eq!(raw.events(), [ServerEvent::Closed(Reason::Silent)]);
}

#[test]
fn commands_out_of_order_and_long_names_end_the_session() {
    let mut raw = Raw::new(Limits::default());
    let early = raw.call("publish", 1.0, [Value::Null, "cam".into()]);
    assert_eq!(
        early,
        Err(Error::OutOfOrder {
            command: "publish",
            needed: "connect"
        })
    );

    let mut raw = Raw::connected();
    let long = raw.call(
        "publish",
        1.0,
        [Value::Null, "x".repeat(2000).as_str().into()],
    );
    assert_eq!(
        long,
        Err(Error::NameTooLong {
            field: "stream name",
            len: 2000,
            max: 1024
        })
    );
    assert!(raw.server.is_closed());
    assert_eq!(
        raw.call("connect", 1.0, []),
        Ok(()),
        "what comes after the end is dropped"
    );

    let mut raw = Raw::connected();
    let huge = raw.call(
        "publish",
        1.0,
        [Value::Null, "x".repeat(10 << 20).as_str().into()],
    );
    assert!(
        matches!(huge, Err(Error::Chunk(chunk::Error::MessageTooLong { .. }))),
        "{huge:?}"
    );
}

#[test]
fn a_peer_that_asks_and_never_reads_is_ended() {
    let mut raw = Raw::connected();
    let ended = (0..100_000).find_map(|_| raw.call("createStream", 4.0, [Value::Null]).err());
    assert!(
        matches!(ended, Some(Error::TooMuchOutput { .. })),
        "{ended:?}"
    );
}

proptest! {
    #[test]
    fn noise_never_panics(
        stage in 0..3usize,
        pieces in prop::collection::vec(prop::collection::vec(prop_oneof![0..32u8, any::<u8>()], 0..300), 0..8),
    ) {
        let mut raw = match stage {
            0 => Raw::new(Limits::default()),
            1 => Raw::connected(),
            _ => Raw::publishing(),
        };
        for piece in pieces {
            if raw.server.handle_input(raw.now, piece.into()).is_err() {
                prop_assert!(raw.server.is_closed());
                break;
            }
            raw.events();
            let _ = raw.server.accept(raw.now);
        }
    }

    #[test]
    fn noise_in_well_formed_messages_never_panics(
        messages in prop::collection::vec((0..24u8, prop::collection::vec(prop_oneof![0..24u8, any::<u8>()], 0..200)), 0..20),
    ) {
        let mut raw = Raw::publishing();
        for (kind, payload) in messages {
            let mut prefixed = BytesMut::new();
            if matches!(kind, 17 | 20) {
                prefixed.put_slice(b"\x02\x00\x05pause");
            }
            prefixed.put_slice(&payload);
            if raw.media(Kind::from(kind), &prefixed).is_err() {
                break;
            }
            raw.events();
        }
    }
}
