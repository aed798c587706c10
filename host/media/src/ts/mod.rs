//! MPEG transport streams (ISO/IEC 13818-1).
//!
//! Bytes become runs of whole packets in [`framer`], are watched by [`monitor`], turned into
//! access units by [`demux`] and back by [`mux`]; [`restamp`] joins sources within a stream.

use bytes::Bytes;

mod access;
pub mod continuity;
pub mod demux;
pub mod framer;
pub mod merge;
pub mod monitor;
pub mod mux;
mod opus;
pub mod pace;
pub mod packet;
pub mod pes;
pub mod psi;
pub mod restamp;

/// Bytes in a transport packet.
pub const PACKET_BYTES: usize = 188;

/// The first byte of each packet.
pub const SYNC_BYTE: u8 = 0x47;

/// A run of whole transport packets: one item of a `Ts` lane.
#[derive(Debug, Clone)]
pub struct TsChunk {
    /// A multiple of 188 bytes, each packet starting with 0x47; a datagram stays as it came.
    pub data: Bytes,
    /// A decoder can start at this chunk: it holds the start of a random access picture (or,
    /// in a stream without video, of an audio access unit).
    pub random_access: bool,
    /// Counts marked discontinuities, as [`crate::Frame::epoch`].
    pub epoch: u32,
}
