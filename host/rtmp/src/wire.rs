//! Messages encoded once for every player.
//!
//! A chunk may lean on the one before it, so what one player is sent usually means nothing to
//! another. Here each message opens with a full (type 0) header and goes on with type 3, so that
//! its bytes mean the same to whoever joins, whenever. It costs at most eight bytes a message, and
//! saves an encoding per player.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::chunk::{BasicHeader, EXTENDED, MAX_MESSAGE_LEN};
use crate::message::Kind;

/// Our chunk size, the same on every connection since the bytes are shared.
///
/// nginx-rtmp takes up to 10 MiB, SRS warns above 65536, and librtmp, FFmpeg and GStreamer take
/// any; most access units then are one chunk.
pub const CHUNK_SIZE: u32 = 65_536;
/// The message stream that every peer gets from `createStream`, as in nginx-rtmp.
pub const STREAM_ID: u32 = 1;

/// Chunk stream of protocol control, fixed by RTMP 1.0 §5.4.
pub const CSID_CONTROL: u32 = 2;
/// Chunk stream of commands.
pub const CSID_COMMAND: u32 = 3;
/// Chunk stream of `onStatus` and what else a session says about a stream.
pub const CSID_STATUS: u32 = 5;
/// Chunk stream of shared audio.
pub const CSID_AUDIO: u32 = 4;
/// Chunk stream of shared video.
pub const CSID_VIDEO: u32 = 6;
/// Chunk stream of shared metadata, and of anything else shared.
pub const CSID_DATA: u32 = 7;

/// Why a message was not encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Longer than the three-byte length can say.
    #[error("message of {0} bytes, RTMP carries at most 16777215")]
    TooLong(usize),
}

/// Encodes one message for any number of peers: one allocation of the exact size, one copy.
///
/// Each peer must have been told `chunk_size` (sessions tell [`CHUNK_SIZE`]), and `stream_id` be
/// its message stream ([`STREAM_ID`] for peers of [`crate::session::Server`]). `payload` may be
/// several buffers [chained](Buf::chain).
///
/// Source: RTMP 1.0 §5.3.1.
pub fn encode_message(
    kind: Kind,
    timestamp_ms: u32,
    stream_id: u32,
    payload: impl Buf,
    chunk_size: u32,
) -> Result<Bytes, Error> {
    let len = message_len(payload.remaining())?;
    let chunk_size = chunk_size.max(1);
    let basic = BasicHeader {
        fmt: 0,
        csid: csid_of(kind),
    };
    let extended = (timestamp_ms >= EXTENDED).then_some(timestamp_ms);
    let extended_len = extended.map_or(0, |_| 4);
    let continuations = len.saturating_sub(1) / chunk_size;
    let total = basic.len()
        + 11
        + extended_len
        + len as usize
        + continuations as usize * (basic.len() + extended_len);
    let mut out = BytesMut::with_capacity(total);
    basic.write(&mut out);
    out.put_uint(u64::from(timestamp_ms.min(EXTENDED)), 3);
    out.put_uint(u64::from(len), 3);
    out.put_u8(kind.id());
    out.put_u32_le(stream_id);
    put_body(&mut out, basic.csid, extended, payload, chunk_size);
    debug_assert_eq!(out.len(), total);
    Ok(out.freeze())
}

/// A shared message for a peer whose message stream is not [`STREAM_ID`]; copies it.
pub fn readdressed(message: &[u8], stream_id: u32) -> Bytes {
    let mut out = BytesMut::from(message);
    // One byte of basic header (shared chunk streams are below 64), then timestamp, length, type.
    if let Some(field) = out.get_mut(8..12) {
        field.copy_from_slice(&stream_id.to_le_bytes());
    }
    out.freeze()
}

/// The chunk stream that shared messages of `kind` travel on.
pub const fn csid_of(kind: Kind) -> u32 {
    match kind {
        Kind::Audio => CSID_AUDIO,
        Kind::Video => CSID_VIDEO,
        _ => CSID_DATA,
    }
}

/// Checks a payload's length against what the header can say.
pub(crate) fn message_len(len: usize) -> Result<u32, Error> {
    u32::try_from(len)
        .ok()
        .filter(|_| len <= MAX_MESSAGE_LEN)
        .ok_or(Error::TooLong(len))
}

/// Writes the extended timestamp and the payload, with a type 3 header before each further
/// chunk. Those repeat the extended timestamp (RTMP 1.0 §5.3.1.3; FFmpeg, librtmp, nginx-rtmp).
pub(crate) fn put_body(
    out: &mut BytesMut,
    csid: u32,
    extended: Option<u32>,
    mut payload: impl Buf,
    chunk_size: u32,
) {
    if let Some(timestamp) = extended {
        out.put_u32(timestamp);
    }
    loop {
        out.put((&mut payload).take(chunk_size as usize));
        if !payload.has_remaining() {
            return;
        }
        BasicHeader { fmt: 3, csid }.write(out);
        if let Some(timestamp) = extended {
            out.put_u32(timestamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readdressed_message_is_as_if_encoded_for_that_stream() {
        let body = [7u8; 200];
        let of = |stream| encode_message(Kind::Video, 5000, stream, &body[..], 64).unwrap();
        assert_eq!(readdressed(&of(STREAM_ID), 77), of(77));
    }
}
