//! The chunk layer: any cut gives the same messages, and what is written reads back.
#![no_main]

use bytes::{Bytes, BytesMut};
use fuzz::cut::pieces;
use libfuzzer_sys::fuzz_target;
use rtmp::amf;
use rtmp::chunk::{Decoder, Encoder, Error, Limits};
use rtmp::message::{Command, Control, Message, aggregate, data_payload};
use rtmp::wire;

/// What is reserved depends on the cut; what is refused for it must not matter here.
const LIMITS: Limits = Limits {
    max_message_len: 1 << 20,
    max_chunk_streams: 64,
    max_unfinished: 256 << 20,
};

fuzz_target!(|data: &[u8]| {
    let Some((&seed, data)) = data.split_last() else {
        return;
    };
    let whole = decode([Bytes::copy_from_slice(data)], LIMITS);
    let cut = decode(pieces(data, seed), LIMITS);
    assert_eq!(whole, cut, "the cut changed the messages");
    let small = Limits {
        max_message_len: 4096,
        max_chunk_streams: 4,
        max_unfinished: 8192,
    };
    let _ = decode(pieces(data, seed), small);
    let (messages, _) = whole;
    messages.iter().for_each(read);
    write_and_read(&messages, seed);
});

fn decode(
    pieces: impl IntoIterator<Item = Bytes>,
    limits: Limits,
) -> (Vec<Message>, Option<Error>) {
    let mut decoder = Decoder::new(limits);
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.poll() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fn read(message: &Message) {
    let limits = amf::Limits::default();
    if let Ok(Some(control)) = Control::parse(message) {
        assert_eq!(Control::parse(&control.to_message()), Ok(Some(control)));
    }
    if let Ok(Some(command)) = Command::parse(message, limits) {
        command.to_message(1);
    }
    let _ = data_payload(message, limits);
    aggregate::split(message).for_each(drop);
}

fn write_and_read(messages: &[Message], seed: u8) {
    let mut encoder = Encoder::new();
    let mut own = BytesMut::new();
    encoder
        .set_chunk_size(u32::from(seed) * 8 + 1, &mut own)
        .unwrap();
    let mut shared = BytesMut::new();
    for (at, message) in messages.iter().enumerate() {
        let csid = [3, 63, 64, 319, 320, 65_599][at % 6];
        encoder.encode(csid, message, &mut own).unwrap();
        let one = wire::encode_message(
            message.kind,
            message.timestamp_ms,
            message.stream_id,
            message.payload.clone(),
            128,
        );
        shared.extend_from_slice(&one.unwrap());
    }
    for written in [own, shared] {
        let (again, error) = decode(pieces(&written, seed), LIMITS);
        assert_eq!(error, None);
        assert_eq!(again, messages);
    }
}
