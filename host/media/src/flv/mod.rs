//! FLV tag bodies, as they travel in RTMP messages.
//!
//! Sources: Adobe Flash Video File Format 10.1, annex E; Enhanced RTMP v1 and v2 (Veovera),
//! for FourCCs and several tracks. HEVC is written in the enhanced form, and read in that and
//! in the older private one ("CodecID 12").

mod amf;
mod audio;
mod config;
mod demux;
mod enhanced;
mod header;
mod metadata;
mod mux;
mod video;

pub use audio::{AudioCodec, AudioTag};
pub use demux::Demuxer;
pub use enhanced::{Abilities, FourCc, Need};
pub use metadata::{SET_DATA_FRAME, on_metadata};
pub use mux::{Message, Muxer, preface};
pub use video::{VideoCodec, VideoTag};

/// What a message or tag carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Message type 8.
    Audio,
    /// Message type 9.
    Video,
    /// Script data in AMF0, message type 18.
    Data,
}

impl Kind {
    /// The RTMP message type and FLV tag type.
    pub const fn type_id(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Data => 18,
        }
    }

    /// By message type; `None` for any other.
    pub const fn from_type_id(type_id: u8) -> Option<Self> {
        match type_id {
            8 => Some(Self::Audio),
            9 => Some(Self::Video),
            18 => Some(Self::Data),
            _ => None,
        }
    }
}

/// Why a tag body was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlvError {
    /// The body ends within its own header.
    #[error("FLV {0} tag is cut short")]
    Truncated(&'static str),
    /// A legal format that Frames have no place for.
    #[error("FLV {kind} format {name} is not supported")]
    Format {
        /// "audio" or "video".
        kind: &'static str,
        /// The format's name or FourCC.
        name: String,
    },
    /// A legal packet type that Frames have no place for.
    #[error("FLV {kind} packet type {packet_type} is not supported")]
    PacketType {
        /// "audio" or "video".
        kind: &'static str,
        /// As it stands in the tag.
        packet_type: u8,
    },
}

/// A FourCC as readable text.
fn fourcc_name(fourcc: [u8; 4]) -> String {
    fourcc.escape_ascii().to_string()
}
