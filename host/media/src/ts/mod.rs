//! MPEG transport streams (ISO/IEC 13818-1).

use bytes::Bytes;

/// Bytes in a transport packet.
pub const PACKET_BYTES: usize = 188;

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
