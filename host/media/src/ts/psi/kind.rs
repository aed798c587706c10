//! What an elementary stream is, by its stream type and descriptors.

use std::fmt;

/// `stream_type` of metadata in PES packets.
const METADATA: u8 = 0x15;

/// The coding of an elementary stream, as the PMT says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
    /// AAC in ADTS frames.
    AacAdts,
    /// AAC in LOAS/LATM.
    AacLatm,
    /// Opus, with its `channel_config_code`.
    Opus(u8),
    /// Splice information, in sections.
    Scte35,
    /// Timed ID3 tags (Apple, "Timed Metadata for HTTP Live Streaming").
    Id3,
    /// KLV metadata, one access unit a PES packet (MISB ST 1402, asynchronous).
    Klv,
    /// KLV in metadata access unit cells (synchronous).
    KlvCells,
    /// Any other, by its usual name.
    Other(&'static str),
}

impl StreamKind {
    /// From `stream_type` and the descriptors of the PMT's inner loop.
    ///
    /// Sources: ISO/IEC 13818-1 table 2-34, SMPTE RA registrations, ETSI EN 300 468 §6.
    pub fn of(stream_type: u8, descriptors: &[u8]) -> Self {
        match stream_type {
            0x1B => Self::H264,
            0x24 => Self::Hevc,
            0x0F => Self::AacAdts,
            0x11 => Self::AacLatm,
            0x01 => Self::Other("MPEG-1 video"),
            0x02 => Self::Other("MPEG-2 video"),
            0x03 | 0x04 => Self::Other("MPEG audio"),
            0x0B => Self::Other("DSM-CC"),
            0x10 => Self::Other("MPEG-4 Visual"),
            0x21 => Self::Other("JPEG 2000"),
            0x32 => Self::Other("JPEG XS"),
            0x33 => Self::Other("VVC"),
            0x81 => Self::Other("AC-3"),
            0x82 => Self::Other("DTS"),
            0x86 => Self::Scte35,
            0x87 => Self::Other("E-AC-3"),
            _ => Self::by_descriptor(stream_type, descriptors),
        }
    }

    /// Whether it is a picture.
    pub const fn is_video(self) -> bool {
        matches!(self, Self::H264 | Self::Hevc)
    }

    /// Whether it is picture or sound that the `Frames` form has a place for.
    pub const fn has_frames(self) -> bool {
        matches!(
            self,
            Self::H264 | Self::Hevc | Self::AacAdts | Self::AacLatm | Self::Opus(_)
        )
    }

    /// Whether it is metadata that the `Frames` form has a place for.
    pub const fn is_data(self) -> bool {
        matches!(self, Self::Scte35 | Self::Id3 | Self::Klv | Self::KlvCells)
    }

    fn by_descriptor(stream_type: u8, descriptors: &[u8]) -> Self {
        for (tag, body) in descriptor_loop(descriptors) {
            match (tag, body) {
                (0x05, [b'H', b'E', b'V', b'C', ..]) => return Self::Hevc,
                (0x05, [b'K', b'L', b'V', b'A', ..])
                | (0x26, [_, _, 0xFF, b'K', b'L', b'V', b'A', ..]) => {
                    return if stream_type == METADATA {
                        Self::KlvCells
                    } else {
                        Self::Klv
                    };
                }
                // Elsewhere CUEI belongs to DTMF and other companions of splices.
                (0x05, [b'O', b'p', b'u', b's', ..]) => return opus(descriptors),
                (0x05, [b'A', b'C', b'-', b'3', ..]) => return Self::Other("AC-3"),
                (0x05, [b'A', b'V', b'0', b'1', ..]) => return Self::Other("AV1"),
                (0x05, [b'I', b'D', b'3', b' ', ..]) | (0x26, [_, _, b'I', b'D', b'3', ..]) => {
                    return Self::Id3;
                }
                (0x56, _) => return Self::Other("teletext"),
                (0x59, _) => return Self::Other("DVB subtitles"),
                (0x6A, _) => return Self::Other("AC-3"),
                (0x7A, _) => return Self::Other("E-AC-3"),
                (0x7B, _) => return Self::Other("DTS"),
                _ => {}
            }
        }
        Self::Other(match stream_type {
            0x05 => "private sections",
            0x06 => "private data",
            METADATA => "metadata",
            _ => "unknown",
        })
    }
}

impl fmt::Display for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::AacAdts => "AAC",
            Self::AacLatm => "AAC (LATM)",
            Self::Opus(_) => "Opus",
            Self::Scte35 => "SCTE-35",
            Self::Id3 => "ID3 metadata",
            Self::Klv | Self::KlvCells => "KLV",
            Self::Other(name) => name,
        })
    }
}

/// By the extension descriptor beside the registration; stereo if there is none.
fn opus(descriptors: &[u8]) -> StreamKind {
    let code = descriptor_loop(descriptors).find_map(|(tag, body)| match (tag, body) {
        (0x7F, [0x80, code, ..]) => Some(*code),
        _ => None,
    });
    StreamKind::Opus(code.unwrap_or(2))
}

/// Tag and body of each descriptor that is whole.
pub(super) fn descriptor_loop(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&[tag, length], after) = rest.split_first_chunk()?;
        let (body, after) = after.split_at_checked(usize::from(length))?;
        rest = after;
        Some((tag, body))
    })
}
