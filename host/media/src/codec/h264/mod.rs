//! ITU-T H.264: unit types, parameter sets, the decoder configuration record.

mod config;
mod sps;

pub use config::DecoderConfig;
pub use sps::Sps;
pub(in crate::codec) use sps::{SQUARE, fps_milli, parse_sample_aspect};

/// What a NAL unit holds (ITU-T H.264 table 7-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NalType {
    /// A slice of a picture that is no IDR picture (1), or a partition of one (2 to 4).
    Slice,
    /// A slice of an IDR picture (5).
    Idr,
    /// Supplemental enhancement information (6).
    Sei,
    /// Sequence parameter set (7).
    Sps,
    /// Picture parameter set (8).
    Pps,
    /// Access unit delimiter (9).
    Aud,
    /// Filler data (12).
    Filler,
    /// Sequence parameter set extension (13).
    SpsExtension,
    /// Any other.
    Other(u8),
}

impl NalType {
    /// Of a unit that begins with its header; `None` if it is empty.
    pub fn of(nal: &[u8]) -> Option<Self> {
        Some(match nal.first()? & 0x1f {
            1..=4 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Aud,
            12 => Self::Filler,
            13 => Self::SpsExtension,
            other => Self::Other(other),
        })
    }
}

/// Whether decoding can begin with the access unit that holds `nal`.
///
/// Only IDR pictures count. A recovery point SEI also announces a place to start, but
/// pictures before its recovery are wrong on screen, and a segment that begins so is not
/// independent in the sense of RFC 8216 §4.3.5.1.
pub fn is_random_access(nal: &[u8]) -> bool {
    NalType::of(nal) == Some(NalType::Idr)
}

/// Whether `nal` belongs in a [`crate::Frame`]'s payload: parameter sets travel in the
/// configuration record, delimiters and filler nowhere (ISO/IEC 14496-15 §5.3.2).
pub fn in_frame(nal: &[u8]) -> bool {
    use NalType::{Aud, Filler, Pps, Sps, SpsExtension};
    !matches!(
        NalType::of(nal),
        None | Some(Sps | Pps | Aud | Filler | SpsExtension)
    )
}
