//! The chunk layer against itself: any cut, any interleaving, any chunk size.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use rtmp::chunk::{Decoder, Encoder, Error, Limits};
use rtmp::message::{Control, Kind, Message};
use rtmp::wire;

fn message(kind: u8, timestamp_ms: u32, stream_id: u32, payload: Vec<u8>) -> Message {
    Message {
        kind: Kind::from(kind),
        timestamp_ms,
        stream_id,
        payload: payload.into(),
    }
}

fn messages() -> impl Strategy<Value = Vec<(u32, Message)>> {
    let csid = prop_oneof![
        Just(3u32),
        Just(4),
        Just(63),
        Just(64),
        Just(319),
        Just(65_599)
    ];
    let timestamp = prop_oneof![
        0..200u32,
        0xff_fff0..0x100_0010u32,
        Just(u32::MAX),
        any::<u32>()
    ];
    let payload = prop_oneof![
        Just(vec![]),
        prop::collection::vec(any::<u8>(), 4..5),
        prop::collection::vec(any::<u8>(), 0..700)
    ];
    let one = (csid, 8..21u8, timestamp, 0..2u32, payload)
        .prop_map(|(csid, kind, ms, stream, payload)| (csid, message(kind, ms, stream, payload)));
    prop::collection::vec(one, 1..24)
}

fn decode(pieces: impl IntoIterator<Item = Bytes>) -> Result<Vec<Message>, Error> {
    let mut decoder = Decoder::new(Limits::default());
    let mut decoded = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(message) = decoder.poll()? {
            decoded.push(message);
        }
    }
    Ok(decoded)
}

fn cut(stream: Bytes, sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = stream;
    let mut sizes = sizes.iter().cycle();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap()).clamp(1, rest.len());
        pieces.push(rest.split_to(size));
    }
    pieces
}

/// Sends each message as full header and continuations, and lets `turns` pick whose chunk is
/// next. `repeat` says whether continuations repeat the extended timestamp.
fn interleave(
    messages: &[(u32, Message)],
    turns: &[usize],
    chunk_size: usize,
    repeat: bool,
) -> Bytes {
    let mut lanes: Vec<(u32, Vec<Bytes>)> = Vec::new();
    for (csid, message) in messages {
        let mut encoder = Encoder::new();
        encoder
            .set_chunk_size(chunk_size as u32, &mut BytesMut::new())
            .unwrap();
        let mut encoded = BytesMut::new();
        encoder.encode(*csid, message, &mut encoded).unwrap();
        let chunks = split_chunks(encoded.freeze(), message, chunk_size, repeat);
        match lanes.iter_mut().find(|lane| lane.0 == *csid) {
            Some(lane) => lane.1.extend(chunks),
            None => lanes.push((*csid, chunks)),
        }
    }
    let mut out = BytesMut::new();
    out.put_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]);
    out.put_u32(chunk_size as u32);
    let mut turns = turns.iter().cycle();
    while !lanes.is_empty() {
        let index = turns.next().unwrap() % lanes.len();
        out.put(lanes[index].1.remove(0));
        if lanes[index].1.is_empty() {
            lanes.remove(index);
        }
    }
    // Short payloads may look like the beginning of a repeated timestamp: what follows tells.
    out.put_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]);
    out.put_u32(chunk_size as u32);
    out.freeze()
}

fn split_chunks(
    mut encoded: Bytes,
    message: &Message,
    chunk_size: usize,
    repeat: bool,
) -> Vec<Bytes> {
    let basic = match encoded[0] & 0x3f {
        0 => 2,
        1 => 3,
        _ => 1,
    };
    let extended = if message.timestamp_ms >= 0xff_ffff {
        4
    } else {
        0
    };
    let mut left = message.payload.len();
    let first = left.min(chunk_size);
    let mut chunks = vec![encoded.split_to(basic + 11 + extended + first)];
    left -= first;
    while left > 0 {
        let size = left.min(chunk_size);
        let chunk = encoded.split_to(basic + extended + size);
        chunks.push(match repeat {
            true => chunk,
            false => [&chunk[..basic], &chunk[basic + extended..]]
                .concat()
                .into(),
        });
        left -= size;
    }
    chunks
}

proptest! {
    #[test]
    fn what_the_encoder_cuts_the_decoder_joins(
        messages in messages(),
        chunk_size in prop_oneof![1..5u32, 100..300u32, Just(65_536)],
        sizes in prop::collection::vec(1..400usize, 1..8),
    ) {
        let mut encoder = Encoder::new();
        let mut out = BytesMut::new();
        for (index, (csid, message)) in messages.iter().enumerate() {
            if index == messages.len() / 2 {
                encoder.set_chunk_size(chunk_size, &mut out).unwrap();
            }
            encoder.encode(*csid, message, &mut out).unwrap();
        }
        let decoded = decode(cut(out.freeze(), &sizes)).unwrap();
        let sent: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
        prop_assert_eq!(decoded, sent);
    }

    #[test]
    fn interleaved_chunks_make_the_same_messages(
        messages in messages(),
        chunk_size in prop_oneof![1..5usize, 100..300usize],
        turns in prop::collection::vec(0..64usize, 1..40),
        sizes in prop::collection::vec(1..400usize, 1..8),
        repeat in any::<bool>(),
    ) {
        let stream = interleave(&messages, &turns, chunk_size, repeat);
        let mut decoded = decode(cut(stream, &sizes)).unwrap();
        // Per chunk stream the order is kept; between them it is that of the last chunks.
        for (csid, sent) in &messages {
            let index = decoded.iter().position(|got| got == sent);
            prop_assert!(index.is_some(), "chunk stream {csid} lost {sent:?}");
            decoded.remove(index.unwrap());
        }
        prop_assert!(decoded.is_empty());
    }

    #[test]
    fn shared_messages_mean_the_same_to_whoever_joins_whenever(
        messages in messages(),
        chunk_size in prop_oneof![1..5u32, 100..300u32, Just(65_536)],
        join in 0..24usize,
    ) {
        let mut out = BytesMut::new();
        Encoder::new().set_chunk_size(chunk_size, &mut out).unwrap();
        let heard = &messages[join.min(messages.len() - 1)..];
        for (_, message) in heard {
            let (front, back) = message.payload.split_at(message.payload.len() / 3);
            let payload = bytes::Buf::chain(front, back);
            let (kind, ms, stream) = (message.kind, message.timestamp_ms, message.stream_id);
            out.put(wire::encode_message(kind, ms, stream, payload, chunk_size).unwrap());
        }
        let decoded = decode([out.freeze()]).unwrap();
        let sent: Vec<_> = heard.iter().map(|(_, message)| message.clone()).collect();
        prop_assert_eq!(decoded, sent);
    }

    #[test]
    fn random_bytes_never_panic_nor_hold_more_than_the_limit(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        chunk_size in any::<u32>(),
    ) {
        let limits = Limits { max_unfinished: 1 << 16, max_message_len: 1 << 20, max_chunk_streams: 8 };
        let mut decoder = Decoder::new(limits);
        decoder.push(Bytes::from([&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &chunk_size.to_be_bytes()].concat()));
        for piece in pieces {
            decoder.push(piece.into());
            while let Ok(Some(_)) = decoder.poll() {}
        }
    }
}

/// A type 0 chunk on chunk stream `csid`, audio, at time 0.
fn head(csid: u8, len: usize) -> Vec<u8> {
    let [_, l2, l1, l0] = (len as u32).to_be_bytes();
    vec![csid, 0, 0, 0, l2, l1, l0, 8, 1, 0, 0, 0]
}

fn refusal(bytes: impl Into<Bytes>) -> Error {
    decode([bytes.into()]).unwrap_err()
}

#[test]
fn a_message_in_one_chunk_and_one_read_is_not_copied() {
    let read = Bytes::from([&head(4, 100)[..], &[7; 100]].concat());
    let within = read.as_ptr_range();
    let decoded = decode([read]).unwrap();
    assert!(within.contains(&decoded[0].payload.as_ptr()));
}

#[test]
fn lengths_and_sizes_that_lie_are_refused_before_memory_is_taken() {
    let max = Limits::default().max_message_len;
    assert_eq!(
        refusal(head(4, 0xff_ffff)),
        Error::MessageTooLong {
            csid: 4,
            len: 0xff_ffff,
            max
        }
    );
    for size in [0, 0x8000_0000, u32::MAX] {
        let mut out = BytesMut::new();
        let message = Control::SetChunkSize(size).to_message();
        Encoder::new().encode(2, &message, &mut out).unwrap();
        assert_eq!(refusal(out), Error::ChunkSize(size));
    }
    let mut out = BytesMut::new();
    Encoder::new()
        .encode(2, &message(1, 0, 0, vec![0, 0, 1]), &mut out)
        .unwrap();
    assert_eq!(refusal(out), Error::ShortControl { kind: 1, len: 3 });
}

#[test]
fn headers_that_lean_on_nothing_are_refused() {
    for fmt in [2, 3] {
        assert_eq!(
            refusal(vec![fmt << 6 | 5; 12]),
            Error::NothingBefore { csid: 5, fmt }
        );
    }
}

#[test]
fn a_type_1_header_may_open_a_chunk_stream_as_librtmps_pings_do() {
    let decoded = decode([Bytes::from(vec![0x42, 0, 0, 9, 0, 0, 1, 4, 0xaa])]).unwrap();
    assert_eq!(decoded, [message(4, 9, 0, vec![0xaa])]);
}

#[test]
fn a_message_begun_within_another_of_its_chunk_stream_is_refused() {
    let bytes = [&head(4, 200)[..], &[0; 128], &head(4, 1), &[0]].concat();
    assert_eq!(
        refusal(bytes),
        Error::Unfinished {
            csid: 4,
            missing: 72
        }
    );
}

#[test]
fn an_aborted_message_is_forgotten() {
    let abort = [2, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 4];
    let bytes = [&head(4, 200)[..], &[0; 128], &abort, &head(4, 1), &[9]].concat();
    assert_eq!(decode([bytes.into()]).unwrap(), [message(8, 0, 1, vec![9])]);
}

#[test]
fn unfinished_messages_and_chunk_streams_are_counted() {
    let many: Vec<u8> = (3..=63)
        .chain(3..=63)
        .flat_map(|csid| head(csid, 0))
        .collect();
    assert_eq!(decode([many.into()]).unwrap().len(), 122);
    let too_many: Vec<u8> = (0..70)
        .flat_map(|id| [vec![0, id], head(4, 0)[1..].to_vec()].concat())
        .collect();
    assert_eq!(
        refusal(too_many),
        Error::TooManyStreams {
            csid: 64 + 64,
            max: 64
        }
    );
    let huge: Vec<u8> = (3..40)
        .flat_map(|csid| [head(csid, 8 << 20), vec![0; 128]].concat())
        .collect();
    assert_eq!(refusal(huge), Error::TooMuchUnfinished { max: 16 << 20 });
}

#[test]
fn one_byte_reads_take_no_more_memory_than_bytes() {
    let mut decoder = Decoder::new(Limits::default());
    for byte in 0..100_000u32 {
        decoder.push(Bytes::copy_from_slice(&[byte as u8]));
    }
    assert_eq!(decoder.queued(), 100_000);
}

#[test]
fn type_3_after_type_0_advances_by_its_timestamp_as_ffmpeg_means_it() {
    let mut bytes = head(4, 1);
    bytes[3] = 40;
    bytes.extend([1, 0xc4, 2, 0xc4, 3]);
    let times: Vec<_> = decode([bytes.into()])
        .unwrap()
        .iter()
        .map(|message| message.timestamp_ms)
        .collect();
    assert_eq!(times, [40, 80, 120]);
}
