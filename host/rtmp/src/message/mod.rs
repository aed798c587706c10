//! What travels above the chunk layer: messages, raw and understood.

pub mod aggregate;
mod command;
mod control;

use bytes::Bytes;

pub use command::{Command, data_payload, set_data_frame};
pub use control::{Control, LimitType, UserControl};

/// One message as the chunk layer carries it (RTMP 1.0 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What the payload is.
    pub kind: Kind,
    /// Milliseconds since an epoch of the sender's choice; wraps after 49.7 days.
    pub timestamp_ms: u32,
    /// The message stream: 0 for the connection itself, else what `createStream` returned.
    pub stream_id: u32,
    /// The body, at most 2^24 - 1 bytes.
    pub payload: Bytes,
}

/// Message type ids (RTMP 1.0 §5.4, §6.2, §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 1: the sender's chunk size from here on.
    SetChunkSize,
    /// 2: forget the partial message of a chunk stream.
    Abort,
    /// 3: bytes received so far.
    Acknowledgement,
    /// 4: stream begin, ping, buffer length and their like.
    UserControl,
    /// 5: how many bytes the sender sends before it wants an acknowledgement.
    WindowAckSize,
    /// 6: the output window the peer shall use.
    SetPeerBandwidth,
    /// 8
    Audio,
    /// 9
    Video,
    /// 15: named values in AMF3, e.g. metadata.
    DataAmf3,
    /// 17: a call in AMF3.
    CommandAmf3,
    /// 18: named values in AMF0, e.g. metadata.
    DataAmf0,
    /// 20: a call in AMF0.
    CommandAmf0,
    /// 22: several messages in one.
    Aggregate,
    /// Anything else, shared objects (16, 19) among them; carried, not understood.
    Other(u8),
}

impl Kind {
    /// The id on the wire.
    pub const fn id(self) -> u8 {
        match self {
            Self::SetChunkSize => 1,
            Self::Abort => 2,
            Self::Acknowledgement => 3,
            Self::UserControl => 4,
            Self::WindowAckSize => 5,
            Self::SetPeerBandwidth => 6,
            Self::Audio => 8,
            Self::Video => 9,
            Self::DataAmf3 => 15,
            Self::CommandAmf3 => 17,
            Self::DataAmf0 => 18,
            Self::CommandAmf0 => 20,
            Self::Aggregate => 22,
            Self::Other(id) => id,
        }
    }
}

impl From<u8> for Kind {
    fn from(id: u8) -> Self {
        match id {
            1 => Self::SetChunkSize,
            2 => Self::Abort,
            3 => Self::Acknowledgement,
            4 => Self::UserControl,
            5 => Self::WindowAckSize,
            6 => Self::SetPeerBandwidth,
            8 => Self::Audio,
            9 => Self::Video,
            15 => Self::DataAmf3,
            17 => Self::CommandAmf3,
            18 => Self::DataAmf0,
            20 => Self::CommandAmf0,
            22 => Self::Aggregate,
            other => Self::Other(other),
        }
    }
}

/// Why a message's body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A protocol or user control message with fewer bytes than its fields need.
    #[error("{kind:?} message has {len} bytes, its fields need {needed}")]
    Truncated {
        /// The message.
        kind: Kind,
        /// Bytes there.
        len: usize,
        /// Bytes needed.
        needed: usize,
    },
    /// A command or data message that does not begin with a name.
    #[error("{kind:?} message does not begin with a string")]
    NoName {
        /// The message.
        kind: Kind,
    },
    /// An aggregate whose inner length reaches past its end.
    #[error("aggregate: the message at byte {offset} announces {announced} bytes, {left} are left")]
    Aggregate {
        /// Where the inner header starts.
        offset: usize,
        /// Bytes announced, header included.
        announced: usize,
        /// Bytes left, header included.
        left: usize,
    },
    /// An aggregate longer than [`aggregate::MAX_LEN`].
    #[error("aggregate of {len} bytes, the limit is {}", aggregate::MAX_LEN)]
    AggregateTooLong {
        /// Its bytes.
        len: usize,
    },
    /// The AMF values inside are broken or too large.
    #[error("{kind:?} message: {source}")]
    Amf {
        /// The message.
        kind: Kind,
        /// What was wrong.
        source: crate::amf::Error,
    },
}
