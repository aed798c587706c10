//! Audio tag bodies (annex E.4.2).

use super::{FlvError, fourcc_name};
use bytes::Bytes;

/// SoundFormat 10, 44 kHz, 16 bit, stereo: what AAC always says, whatever it is.
const AAC: u8 = 0xaf;
const FORMAT_AAC: u8 = 10;
/// Enhanced RTMP v2: a FourCC follows.
const FORMAT_EX: u8 = 9;
const SEQUENCE_HEADER: u8 = 0;
const RAW: u8 = 1;
const SEQUENCE_END: u8 = 2;

/// An AAC tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioTag {
    /// An `AudioSpecificConfig`.
    Config(Bytes),
    /// One raw data block.
    Frame(Bytes),
    /// Nothing more comes under the last configuration.
    End,
}

impl AudioTag {
    /// Reads a body; what it yields are slices of it.
    ///
    /// # Errors
    /// [`FlvError::Format`] for anything but AAC, [`FlvError::Truncated`] for a body without
    /// header.
    pub fn parse(body: &Bytes) -> Result<Self, FlvError> {
        let truncated = FlvError::Truncated("audio");
        let first = *body.first().ok_or(truncated.clone())?;
        let (packet_type, at) = match first >> 4 {
            FORMAT_AAC => (*body.get(1).ok_or(truncated)?, 2),
            FORMAT_EX => {
                let fourcc = body
                    .get(1..5)
                    .and_then(<[u8]>::first_chunk)
                    .ok_or(truncated)?;
                if fourcc != b"mp4a" {
                    return Err(FlvError::Format {
                        kind: "audio",
                        name: fourcc_name(*fourcc),
                    });
                }
                (first & 0x0f, 5)
            }
            other => {
                let name = format_name(other).to_owned();
                return Err(FlvError::Format {
                    kind: "audio",
                    name,
                });
            }
        };
        match packet_type {
            SEQUENCE_HEADER => Ok(Self::Config(body.slice(at..))),
            RAW => Ok(Self::Frame(body.slice(at..))),
            SEQUENCE_END => Ok(Self::End),
            packet_type => Err(FlvError::PacketType {
                kind: "audio",
                packet_type,
            }),
        }
    }

    /// What to put before an `AudioSpecificConfig`.
    pub const CONFIG_HEADER: [u8; 2] = [AAC, SEQUENCE_HEADER];

    /// What to put before a raw data block.
    pub const FRAME_HEADER: [u8; 2] = [AAC, RAW];
}

const fn format_name(format: u8) -> &'static str {
    match format {
        0 | 3 => "linear PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 => "G.711 A-law",
        8 => "G.711 mu-law",
        11 => "Speex",
        _ => "reserved",
    }
}
