//! The chunk layer: messages cut into chunks, and interleaved (RTMP 1.0 §5.3).

mod decoder;
mod encoder;
mod header;

pub use decoder::{Decoder, Limits};
pub use encoder::Encoder;
pub(crate) use header::{BasicHeader, EXTENDED};

/// The chunk size of both sides until they say otherwise (RTMP 1.0 §5.4.1).
pub const DEFAULT_CHUNK_SIZE: u32 = 128;
/// The largest chunk size; the top bit must be zero (RTMP 1.0 §5.4.1).
pub const MAX_CHUNK_SIZE: u32 = 0x7fff_ffff;
/// The longest message a three-byte length can announce.
pub const MAX_MESSAGE_LEN: usize = 0xff_ffff;

/// Why the chunks of a peer cannot be followed any further. None can be recovered from: where the
/// next chunk starts is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Set Chunk Size with zero or with the top bit set.
    #[error("Set Chunk Size says {0}, legal are 1 to 2147483647")]
    ChunkSize(u32),
    /// Set Chunk Size or Abort with fewer than four bytes.
    #[error("protocol control message of type {kind} has {len} bytes, it needs 4")]
    ShortControl {
        /// The message type id.
        kind: u8,
        /// Bytes there.
        len: usize,
    },
    /// A message announced as longer than the limit.
    #[error("chunk stream {csid} announces a message of {len} bytes, the limit here is {max}")]
    MessageTooLong {
        /// The chunk stream.
        csid: u32,
        /// Bytes announced.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// More chunk streams than the limit.
    #[error("chunk stream {csid} would be one more than the {max} allowed on a connection")]
    TooManyStreams {
        /// The chunk stream.
        csid: u32,
        /// Chunk streams allowed.
        max: usize,
    },
    /// The partial messages of all chunk streams together are longer than the limit.
    #[error("unfinished messages would take more than the {max} bytes allowed")]
    TooMuchUnfinished {
        /// Bytes allowed.
        max: usize,
    },
    /// A header that leans on an earlier one of its chunk stream, which there is not.
    #[error("chunk stream {csid} begins with a type {fmt} header, which needs one before it")]
    NothingBefore {
        /// The chunk stream.
        csid: u32,
        /// The header's type, 2 or 3.
        fmt: u8,
    },
    /// A new message began while the last one of its chunk stream was unfinished.
    #[error("chunk stream {csid} begins a message, {missing} bytes of the last are missing")]
    Unfinished {
        /// The chunk stream.
        csid: u32,
        /// Bytes that did not come.
        missing: usize,
    },
}
