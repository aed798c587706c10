//! Publishers that keep to the protocol and mean no good: what they make us hold is bounded.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    reason = "virtual time needs an origin; nothing waits for it"
)]

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtmp::amf::Value;
use rtmp::chunk::Encoder;
use rtmp::handshake::{PACKET_LEN, VERSION};
use rtmp::message::{self, Command, Kind, Message};
use rtmp::session::{Error, Limits, Media, Server, ServerEvent};

/// A session that publishes, and the chunk layer of its peer.
struct Publisher {
    now: Instant,
    server: Server,
    encoder: Encoder,
}

impl Publisher {
    fn new() -> Self {
        let now = Instant::now();
        let mut publisher = Self {
            now,
            server: Server::new(now, Limits::default(), 1),
            encoder: Encoder::new(),
        };
        let mut handshake = vec![0; 1 + 2 * PACKET_LEN];
        handshake[0] = VERSION;
        publisher
            .server
            .handle_input(now, handshake.into())
            .unwrap();
        let app = Value::object([("app", "live".into())]);
        publisher.ask(Command::new("connect", 1.0, [app]));
        let name = [Value::Null, "cam".into(), "live".into()];
        publisher.ask(Command::new("publish", 0.0, name));
        publisher
    }

    fn ask(&mut self, command: Command) {
        let input = self.encoded(&command.to_message(1));
        self.server.handle_input(self.now, input).unwrap();
        self.server.accept(self.now).unwrap();
        while self.server.poll_event().is_some() || self.server.poll_output().is_some() {}
    }

    /// In one chunk, so that the session could hand on a view of it.
    fn encoded(&mut self, message: &Message) -> Bytes {
        let mut out = BytesMut::new();
        self.encoder.set_chunk_size(1 << 24, &mut out).unwrap();
        self.encoder.encode(4, message, &mut out).unwrap();
        out.freeze()
    }

    fn send(&mut self, kind: Kind, payload: Bytes) -> Result<(Bytes, Vec<Media>), Error> {
        let input = self.encoded(&Message {
            kind,
            timestamp_ms: 0,
            stream_id: 1,
            payload,
        });
        self.server.handle_input(self.now, input.clone())?;
        let media = std::iter::from_fn(|| self.server.poll_event()).map(|event| match event {
            ServerEvent::Media(media) => media,
            other => panic!("{other:?}"),
        });
        Ok((input, media.collect()))
    }
}

/// Whether `part` is a view of `whole`.
fn shares(whole: &Bytes, part: &Bytes) -> bool {
    whole.as_ptr_range().contains(&part.as_ptr())
}

#[test]
fn small_media_do_not_keep_what_they_were_read_with() {
    let mut publisher = Publisher::new();
    let (input, media) = publisher.send(Kind::Audio, vec![0xAF; 300].into()).unwrap();
    assert_eq!(media[0].payload.len(), 300);
    assert!(!shares(&input, &media[0].payload));
    let (input, media) = publisher.send(Kind::Video, vec![7; 40_000].into()).unwrap();
    assert!(shares(&input, &media[0].payload), "copied without need");
}

#[test]
fn parts_of_an_aggregate_do_not_keep_all_of_it() {
    let mut publisher = Publisher::new();
    // One byte of sound, then a long message of a kind that nobody knows.
    let mut body = vec![8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xAF, 0, 0, 0, 12];
    body.extend([99, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0]);
    body.resize(body.len() + 0x4000 + 4, 0);
    let (input, media) = publisher.send(Kind::Aggregate, body.into()).unwrap();
    assert_eq!(media.len(), 1);
    assert!(!shares(&input, &media[0].payload));
}

#[test]
fn aggregates_longer_than_any_server_makes_them_end_the_session() {
    let part = [8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xAF, 0, 0, 0, 12];
    let mut publisher = Publisher::new();
    let long = part.repeat((1 << 20) / part.len());
    let (_, media) = publisher.send(Kind::Aggregate, long.into()).unwrap();
    assert_eq!(media.len(), (1 << 20) / part.len());
    let longer = part.repeat((1 << 20) / part.len() + 1);
    let len = longer.len();
    let refused = publisher.send(Kind::Aggregate, longer.into());
    let expected = message::Error::AggregateTooLong { len };
    assert_eq!(refused.unwrap_err(), Error::Message(expected));
    assert!(publisher.server.is_closed());
}
