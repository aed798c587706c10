//! Audio tag bodies (annex E.4.2; Enhanced RTMP, "Enhanced Audio").

use super::FlvError;
use super::enhanced::{FourCc, Packets, Parts, one_track, unknown};
use super::header::Header;
use bytes::Bytes;

const KIND: &str = "audio";
/// SoundFormat 10, 44 kHz, 16 bit, stereo: what AAC always says, whatever it is.
const AAC: u8 = 0xaf;
const FORMAT_AAC: u8 = 10;
/// Enhanced RTMP v2: the low bits are a packet type, and a FourCC follows.
const FORMAT_EX: u8 = 9;
const SEQUENCE_HEADER: u8 = 0;
const RAW: u8 = 1;
const SEQUENCE_END: u8 = 2;
/// Enhanced only, from here on.
const MULTICHANNEL_CONFIG: u8 = 4;
const MULTITRACK: u8 = 5;

/// What the sound is coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioCodec {
    /// AAC.
    Aac,
    /// Opus.
    Opus,
}

/// An audio tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioTag {
    /// An `AudioSpecificConfig`, or `OpusHead`.
    Config {
        /// Of which codec.
        codec: AudioCodec,
        /// The record.
        record: Bytes,
    },
    /// One raw data block, or one Opus packet.
    Frame {
        /// Of which codec.
        codec: AudioCodec,
        /// The frame.
        data: Bytes,
    },
    /// Nothing more comes under the last configuration.
    End,
    /// The order of channels, which the configurations say too.
    Other,
    /// Packets of numbered tracks, none of them this variant.
    Tracks(Vec<(u8, AudioTag)>),
}

impl AudioCodec {
    /// Its FourCC.
    pub const fn fourcc(self) -> FourCc {
        match self {
            Self::Aac => FourCc::Mp4a,
            Self::Opus => FourCc::Opus,
        }
    }

    const fn of(fourcc: FourCc) -> Option<Self> {
        match fourcc {
            FourCc::Mp4a => Some(Self::Aac),
            FourCc::Opus => Some(Self::Opus),
            _ => None,
        }
    }
}

impl AudioTag {
    /// Reads a body; what it yields are slices of it.
    ///
    /// # Errors
    /// [`FlvError::Format`] for anything but AAC and Opus, [`FlvError::Truncated`] for a body
    /// without header.
    pub fn parse(body: &Bytes) -> Result<Self, FlvError> {
        let truncated = FlvError::Truncated(KIND);
        let first = *body.first().ok_or(truncated.clone())?;
        match first >> 4 {
            FORMAT_AAC => {
                let packet_type = *body.get(1).ok_or(truncated)?;
                Self::packet(packet_type, FourCc::Mp4a.bytes(), &body.slice(2..))
            }
            FORMAT_EX => Self::parse_enhanced(first & 0x0f, body),
            other => {
                let name = format_name(other).to_owned();
                Err(FlvError::Format { kind: KIND, name })
            }
        }
    }

    fn parse_enhanced(packet_type: u8, body: &Bytes) -> Result<Self, FlvError> {
        let packets = Packets::parse(KIND, packet_type, MULTITRACK, body.slice(1..))?;
        let packet = |fourcc, data: &Bytes| Self::packet(packets.packet_type, fourcc, data);
        match &packets.parts {
            Parts::One(fourcc, data) => packet(*fourcc, data),
            Parts::Many(parts) => {
                let read = |(number, fourcc, data): &(u8, [u8; 4], Bytes)| {
                    Ok((*number, packet(*fourcc, data)?))
                };
                Ok(Self::Tracks(
                    parts.iter().map(read).collect::<Result<_, _>>()?,
                ))
            }
        }
    }

    fn packet(packet_type: u8, fourcc: [u8; 4], data: &Bytes) -> Result<Self, FlvError> {
        let codec = FourCc::of(fourcc)
            .and_then(AudioCodec::of)
            .ok_or_else(|| unknown(KIND, fourcc))?;
        let data = data.clone();
        match packet_type {
            SEQUENCE_HEADER => Ok(Self::Config {
                codec,
                record: data,
            }),
            RAW => Ok(Self::Frame { codec, data }),
            SEQUENCE_END => Ok(Self::End),
            MULTICHANNEL_CONFIG => Ok(Self::Other),
            packet_type => Err(FlvError::PacketType {
                kind: KIND,
                packet_type,
            }),
        }
    }

    /// What to put before a configuration of track `number`.
    pub(super) fn config_header(codec: AudioCodec, number: u8) -> Header {
        header(codec, number, SEQUENCE_HEADER)
    }

    /// What to put before a frame of track `number`.
    pub(super) fn frame_header(codec: AudioCodec, number: u8) -> Header {
        header(codec, number, RAW)
    }
}

fn header(codec: AudioCodec, number: u8, packet_type: u8) -> Header {
    let fourcc = codec.fourcc().bytes();
    match (codec, number) {
        (AudioCodec::Aac, 0) => Header::new(&[AAC, packet_type]),
        (_, 0) => Header::new(&[FORMAT_EX << 4 | packet_type]).with(&fourcc),
        (_, number) => Header::new(&[FORMAT_EX << 4 | MULTITRACK, one_track(packet_type)])
            .with(&fourcc)
            .with(&[number]),
    }
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
