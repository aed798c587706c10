//! RTP payload formats, pure: frames to payloads ([`Packer`]) and back ([`Unpacker`]).
//!
//! H.264 (RFC 6184), H.265 (RFC 7798), AAC (RFC 3640, AAC-hbr; RFC 6416, taken in
//! only) and Opus (RFC 7587). Headers,
//! order and clocks of packets are for the crate `rtsp`.

mod aac;
mod latm;
mod nal;
mod pack;
mod unpack;

pub use pack::{Packer, Piece};
pub use unpack::{Unit, Unpacker};

use crate::Codec;

/// Bytes of a payload that is not to be split on its way: with all headers it fits 1500.
pub const MAX_PAYLOAD_BYTES: usize = 1400;

/// The clock of a codec's RTP timestamps, in Hz; `None` if the codec has no payload format here.
pub const fn clock_hz(codec: &Codec) -> Option<u32> {
    match codec {
        Codec::H264 { .. } | Codec::Hevc { .. } => Some(90_000),
        Codec::Aac { audio, .. } => Some(audio.sample_rate_hz),
        Codec::Opus { .. } => Some(48_000),
        _ => None,
    }
}

/// How many ticks of its clock an access unit lasts, where that is known without timestamps.
pub fn duration(codec: &Codec, payload: &[u8]) -> Option<u32> {
    match codec {
        Codec::Aac { .. } => Some(1024),
        Codec::Opus { .. } => crate::codec::opus::packet_samples(payload).ok(),
        _ => None,
    }
}
