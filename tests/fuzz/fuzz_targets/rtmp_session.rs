//! Whole conversations with a server and with a client, commands well formed or not.
#![no_main]

use arbitrary::Arbitrary;
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use rtmp::amf::{Object, Value};
use rtmp::chunk::Encoder;
use rtmp::handshake::{PACKET_LEN, VERSION};
use rtmp::message::{Command, Kind, Message};
use rtmp::session::{Client, ClientConfig, Error, Limits, Role, Server};
use std::time::{Duration, Instant};

/// What a peer does, or what the owner of the session does.
#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Bytes(&'a [u8]),
    Call {
        name: Name<'a>,
        transaction: u8,
        arguments: Vec<Term<'a>>,
    },
    Message {
        kind: u8,
        csid: u8,
        timestamp_ms: u32,
        payload: &'a [u8],
    },
    ChunkSize(u32),
    Accept,
    Reject,
    Finish,
    Wait(u16),
    /// Replies are read; they pile up otherwise.
    Drain,
}

#[derive(Debug, Arbitrary)]
enum Name<'a> {
    Known(u8),
    Other(&'a str),
}

#[derive(Debug, Arbitrary)]
enum Term<'a> {
    Null,
    Number(f64),
    Text(&'a str),
    Truth(bool),
    Object(Vec<(Field<'a>, &'a str)>),
    List(Vec<&'a str>),
}

#[derive(Debug, Arbitrary)]
enum Field<'a> {
    Known(u8),
    Other(&'a str),
}

#[derive(Debug, Arbitrary)]
struct Talk<'a> {
    to_client: bool,
    plays: bool,
    with_handshake: bool,
    steps: Vec<Step<'a>>,
}

const NAMES: &[&str] = &[
    "connect",
    "createStream",
    "publish",
    "play",
    "deleteStream",
    "closeStream",
    "FCPublish",
    "FCUnpublish",
    "FCSubscribe",
    "releaseStream",
    "_checkbw",
    "getStreamLength",
    "pause",
    "seek",
    "_result",
    "_error",
    "onStatus",
    "close",
];
const FIELDS: &[&str] = &[
    "app",
    "tcUrl",
    "flashVer",
    "fourCcList",
    "objectEncoding",
    "level",
    "code",
];

impl Step<'_> {
    /// The bytes of what a peer sends.
    fn encode(&self, encoder: &mut Encoder) -> Option<Bytes> {
        let mut out = BytesMut::new();
        match self {
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
            Self::Call {
                name,
                transaction,
                arguments,
            } => {
                let name = match name {
                    Name::Known(index) => NAMES[usize::from(*index) % NAMES.len()],
                    Name::Other(name) => name,
                };
                let arguments: Vec<Value> = arguments.iter().map(Term::value).collect();
                let command = Command::new(name, f64::from(transaction % 8), arguments);
                encoder.encode(3, &command.to_message(1), &mut out).ok()?;
            }
            Self::Message {
                kind,
                csid,
                timestamp_ms,
                payload,
            } => {
                let message = Message {
                    kind: Kind::from(kind % 24),
                    timestamp_ms: *timestamp_ms,
                    stream_id: 1,
                    payload: Bytes::copy_from_slice(payload),
                };
                encoder
                    .encode(u32::from(csid % 62) + 2, &message, &mut out)
                    .ok()?;
            }
            Self::ChunkSize(size) => encoder.set_chunk_size(*size, &mut out).ok()?,
            _ => return None,
        }
        Some(out.freeze())
    }
}

impl Term<'_> {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::from(*text),
            Self::Truth(truth) => Value::Boolean(*truth),
            Self::List(list) => {
                Value::StrictArray(list.iter().map(|text| (*text).into()).collect())
            }
            Self::Object(fields) => Value::Object(Object {
                class: None,
                fields: fields
                    .iter()
                    .map(|(field, text)| {
                        let name = match field {
                            Field::Known(index) => FIELDS[usize::from(*index) % FIELDS.len()],
                            Field::Other(name) => name,
                        };
                        (name.to_owned(), Value::from(*text))
                    })
                    .collect(),
            }),
        }
    }
}

fuzz_target!(|talk: Talk<'_>| {
    let now = Instant::now();
    if talk.to_client {
        let role = if talk.plays {
            Role::Play
        } else {
            Role::Publish
        };
        drop(client(now, role, &talk));
    } else {
        drop(server(now, &talk));
    }
});

/// Version and two packets: what either side sends of a plain handshake.
fn handshake() -> Bytes {
    let mut out = vec![0; 1 + 2 * PACKET_LEN];
    out[0] = VERSION;
    out.into()
}

fn server(mut now: Instant, talk: &Talk<'_>) -> Result<(), Error> {
    let limits = Limits::default();
    let mut server = Server::new(now, limits, 7);
    let mut encoder = Encoder::new();
    if talk.with_handshake {
        server.handle_input(now, handshake())?;
        drain(|| server.poll_output());
    }
    for step in &talk.steps {
        match step {
            Step::Accept => server.accept(now)?,
            Step::Reject => server.reject("NetStream.Publish.BadName", "No.")?,
            Step::Finish => server.finish_play()?,
            Step::Wait(ms) => {
                now += Duration::from_millis(u64::from(*ms));
                server.handle_timeout(now);
            }
            Step::Drain => assert!(drain(|| server.poll_output()) <= limits.max_waiting_output),
            _ => {
                let Some(bytes) = step.encode(&mut encoder) else {
                    continue;
                };
                server.handle_input(now, bytes)?;
            }
        }
        while server.poll_event().is_some() {}
        assert!(!server.is_closed() || !server.wants_input());
    }
    Ok(())
}

fn client(mut now: Instant, role: Role, talk: &Talk<'_>) -> Result<(), Error> {
    let Ok(url) = "rtmp://peer/app/name?token=1".parse() else {
        unreachable!("a sound address")
    };
    let config = ClientConfig::new(url, role);
    let max = config.limits.max_waiting_output;
    let mut client = Client::new(now, config, 7)?;
    let mut encoder = Encoder::new();
    if talk.with_handshake {
        client.handle_input(now, handshake())?;
        drain(|| client.poll_output());
    }
    for step in &talk.steps {
        match step {
            Step::Finish => client.finish()?,
            Step::Wait(ms) => {
                now += Duration::from_millis(u64::from(*ms));
                client.handle_timeout(now);
            }
            Step::Drain => assert!(drain(|| client.poll_output()) <= max),
            _ => {
                let Some(bytes) = step.encode(&mut encoder) else {
                    continue;
                };
                client.handle_input(now, bytes)?;
            }
        }
        while client.poll_event().is_some() {}
    }
    Ok(())
}

fn drain(mut poll: impl FnMut() -> Option<Bytes>) -> usize {
    std::iter::from_fn(|| poll()).map(|bytes| bytes.len()).sum()
}
