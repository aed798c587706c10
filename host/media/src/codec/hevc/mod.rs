//! ITU-T H.265: unit types, parameter sets, the decoder configuration record.

mod config;
mod sps;

pub use config::DecoderConfig;
pub use sps::{ProfileTierLevel, Sps};

/// What a NAL unit holds (ITU-T H.265 table 7-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NalType {
    /// A slice segment of a picture that is no random access point (0 to 15).
    Slice,
    /// A slice segment of an IRAP picture: BLA, IDR or CRA (16 to 21; 22 and 23 reserved for it).
    Irap,
    /// Video parameter set (32).
    Vps,
    /// Sequence parameter set (33).
    Sps,
    /// Picture parameter set (34).
    Pps,
    /// Access unit delimiter (35).
    Aud,
    /// Filler data (38).
    Filler,
    /// Supplemental enhancement information, before (39) or after (40) the slices.
    Sei,
    /// Any other.
    Other(u8),
}

impl NalType {
    /// Of a unit that begins with its two-byte header; `None` if it is empty.
    pub fn of(nal: &[u8]) -> Option<Self> {
        Some(match (nal.first()? >> 1) & 0x3f {
            0..=15 => Self::Slice,
            16..=23 => Self::Irap,
            32 => Self::Vps,
            33 => Self::Sps,
            34 => Self::Pps,
            35 => Self::Aud,
            38 => Self::Filler,
            39 | 40 => Self::Sei,
            other => Self::Other(other),
        })
    }
}

/// Whether decoding can begin with the access unit that holds `nal`: IDR, CRA or BLA.
///
/// A decoder that starts at a CRA or BLA drops the leading pictures that it cannot decode
/// (RASL, §8.1.3), so what it shows is right.
pub fn is_random_access(nal: &[u8]) -> bool {
    NalType::of(nal) == Some(NalType::Irap)
}

/// Whether `nal` belongs in a [`crate::Frame`]'s payload: parameter sets travel in the
/// configuration record, delimiters and filler nowhere.
pub fn in_frame(nal: &[u8]) -> bool {
    use NalType::{Aud, Filler, Pps, Sps, Vps};
    !matches!(
        NalType::of(nal),
        None | Some(Vps | Sps | Pps | Aud | Filler)
    )
}
