//! FLV tags as RTMP carries them, and the AMF of metadata and commands.
#![no_main]

use bytes::Bytes;
use fuzz::pipeline::Writers;
use libfuzzer_sys::fuzz_target;
use media::flv::{Demuxer, Kind};
use rtmp::amf::{self, Limits};
use rtmp::message::{self, Message, aggregate};

/// Of an FLV tag, and of a message within an aggregate.
const HEADER_BYTES: usize = 11;

fuzz_target!(|data: &[u8]| {
    let data = Bytes::copy_from_slice(data);
    aggregate(&data);
    amf(&data);
    tags(data);
});

/// As an FLV file without its file header; a length that lies is cut short, so that changes
/// in the middle do not lose what follows.
fn tags(mut data: Bytes) {
    let mut demuxer = Demuxer::new();
    let mut writers = Writers::default();
    let mut frames = Vec::new();
    while data.len() > HEADER_BYTES {
        let head = data.split_to(HEADER_BYTES);
        let len = usize::from(head[2]) << 8 | usize::from(head[3]);
        let body = data.split_to(len.min(data.len()));
        drop(data.split_to(4.min(data.len())));
        let timestamp_ms = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        match Kind::from_type_id(head[0]) {
            Some(Kind::Data) => amf(&body),
            Some(kind) => demuxer.push(kind, timestamp_ms, &body, &mut frames),
            None => {}
        }
        for frame in frames.drain(..) {
            writers.frame(&frame);
        }
    }
    assert!(demuxer.complaints().len() <= 64);
}

fn amf(data: &Bytes) {
    let limits = Limits::default();
    for values in [
        amf::decode(data, limits),
        amf::decode_amf3_message(data, limits),
    ] {
        let Ok(values) = values else { continue };
        // What was written reads back as what was meant. It may take more of each: U+FFFD has
        // three bytes, and a dictionary becomes an array of arrays.
        let written = amf::encode(&values);
        let more = Limits {
            max_depth: 2 * limits.max_depth,
            max_values: 2 * limits.max_values,
            max_text_bytes: 4 * limits.max_text_bytes,
        };
        let again = amf::decode(&written, more).unwrap();
        assert_eq!(amf::encode(&again), written);
    }
    for kind in [message::Kind::DataAmf0, message::Kind::DataAmf3] {
        let message = Message {
            kind,
            timestamp_ms: 0,
            stream_id: 1,
            payload: data.clone(),
        };
        if let Ok(Some(payload)) = message::data_payload(&message, limits) {
            message::set_data_frame(&payload);
        }
    }
}

fn aggregate(data: &Bytes) {
    let message = Message {
        kind: message::Kind::Aggregate,
        timestamp_ms: u32::MAX,
        stream_id: 1,
        payload: data.clone(),
    };
    let parts = aggregate::split(&message).flatten();
    let inner: usize = parts.map(|part| part.payload.len() + HEADER_BYTES).sum();
    assert!(inner <= data.len());
}
