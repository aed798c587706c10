//! Video tag bodies (annex E.4.3; Enhanced RTMP, "Enhanced Video").

use super::FlvError;
use super::enhanced::{FourCc, Packets, Parts, one_track, unknown};
use super::header::Header;
use bytes::Bytes;

const KIND: &str = "video";
const CODEC_AVC: u8 = 7;
/// Never standardised; spread by patched FFmpeg builds, and by encoders that follow them.
const CODEC_HEVC: u8 = 12;
const KEY_FRAME: u8 = 1;
const INTER_FRAME: u8 = 2;
const COMMAND_FRAME: u8 = 5;
/// IsExHeader: the low bits are a packet type, and a FourCC follows.
const EX_HEADER: u8 = 0x80;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
/// Enhanced only, from here on: as `CODED_FRAMES`, with a composition time of zero left out.
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MULTITRACK: u8 = 6;

/// What the pictures are coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// AV1.
    Av1,
    /// VP9.
    Vp9,
}

/// A video tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoTag {
    /// A decoder configuration record.
    Config {
        /// Of which codec.
        codec: VideoCodec,
        /// The record.
        record: Bytes,
    },
    /// One access unit, in the form its codec has in ISOBMFF samples.
    Frame {
        /// Of which codec.
        codec: VideoCodec,
        /// The sender calls it a key frame.
        key: bool,
        /// PTS less DTS in ms, signed 24 bits.
        composition_ms: i32,
        /// The access unit.
        data: Bytes,
    },
    /// Nothing more comes under the last configuration.
    End,
    /// Colour information or a seek command: no picture.
    Other,
    /// Packets of numbered tracks, none of them this variant.
    Tracks(Vec<(u8, VideoTag)>),
}

impl VideoCodec {
    /// Its FourCC.
    pub const fn fourcc(self) -> FourCc {
        match self {
            Self::Avc => FourCc::Avc1,
            Self::Hevc => FourCc::Hvc1,
            Self::Av1 => FourCc::Av01,
            Self::Vp9 => FourCc::Vp09,
        }
    }

    const fn of(fourcc: FourCc) -> Option<Self> {
        match fourcc {
            FourCc::Avc1 => Some(Self::Avc),
            FourCc::Hvc1 => Some(Self::Hevc),
            FourCc::Av01 => Some(Self::Av1),
            FourCc::Vp09 => Some(Self::Vp9),
            FourCc::Mp4a | FourCc::Opus => None,
        }
    }

    /// Whether `CodedFrames` have a composition time: only where pictures are reordered and
    /// that cannot be seen from within.
    const fn is_timed(self) -> bool {
        matches!(self, Self::Avc | Self::Hevc)
    }
}

impl VideoTag {
    /// Reads a body; what it yields are slices of it.
    ///
    /// # Errors
    /// [`FlvError::Format`] for codecs that frames have no place for, [`FlvError::PacketType`]
    /// for unknown extensions, [`FlvError::Truncated`] for a body without header.
    pub fn parse(body: &Bytes) -> Result<Self, FlvError> {
        let first = *body.first().ok_or(FlvError::Truncated(KIND))?;
        if first & EX_HEADER != 0 {
            return Self::parse_enhanced(first, body);
        }
        let frame_type = first >> 4;
        let codec = match first & 0x0f {
            CODEC_AVC => VideoCodec::Avc,
            CODEC_HEVC => VideoCodec::Hevc,
            other => {
                let name = codec_name(other).to_owned();
                return Err(FlvError::Format { kind: KIND, name });
            }
        };
        if frame_type == COMMAND_FRAME {
            return Ok(Self::Other);
        }
        match *body.get(1).ok_or(FlvError::Truncated(KIND))? {
            SEQUENCE_START => Self::config(codec, body, 5),
            CODED_FRAMES => Self::frame(codec, frame_type, body, 2, true),
            SEQUENCE_END => Ok(Self::End),
            packet_type => Err(FlvError::PacketType {
                kind: KIND,
                packet_type,
            }),
        }
    }

    fn parse_enhanced(first: u8, body: &Bytes) -> Result<Self, FlvError> {
        let (frame_type, packet_type) = ((first & !EX_HEADER) >> 4, first & 0x0f);
        if frame_type == COMMAND_FRAME || packet_type == METADATA {
            return Ok(Self::Other);
        }
        let packets = Packets::parse(KIND, packet_type, MULTITRACK, body.slice(1..))?;
        let packet =
            |fourcc, data: &Bytes| Self::packet(packets.packet_type, frame_type, fourcc, data);
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

    /// A packet of one track, behind its FourCC.
    fn packet(
        packet_type: u8,
        frame_type: u8,
        fourcc: [u8; 4],
        data: &Bytes,
    ) -> Result<Self, FlvError> {
        let codec = FourCc::of(fourcc)
            .and_then(VideoCodec::of)
            .ok_or_else(|| unknown(KIND, fourcc))?;
        match packet_type {
            SEQUENCE_START => Self::config(codec, data, 0),
            CODED_FRAMES => Self::frame(codec, frame_type, data, 0, codec.is_timed()),
            CODED_FRAMES_X => Self::frame(codec, frame_type, data, 0, false),
            SEQUENCE_END => Ok(Self::End),
            METADATA => Ok(Self::Other),
            packet_type => Err(FlvError::PacketType {
                kind: KIND,
                packet_type,
            }),
        }
    }

    fn config(codec: VideoCodec, body: &Bytes, at: usize) -> Result<Self, FlvError> {
        if body.len() < at {
            return Err(FlvError::Truncated(KIND));
        }
        Ok(Self::Config {
            codec,
            record: body.slice(at..),
        })
    }

    /// An access unit, behind a composition time at `at` if `timed`.
    fn frame(
        codec: VideoCodec,
        frame_type: u8,
        body: &Bytes,
        at: usize,
        timed: bool,
    ) -> Result<Self, FlvError> {
        let composition: [u8; 3] = if timed {
            *body
                .get(at..)
                .and_then(<[u8]>::first_chunk)
                .ok_or(FlvError::Truncated(KIND))?
        } else {
            [0; 3]
        };
        let [high, mid, low] = composition;
        Ok(Self::Frame {
            codec,
            key: frame_type == KEY_FRAME,
            composition_ms: i32::from_be_bytes([high, mid, low, 0]) >> 8,
            data: body.slice(if timed { at + 3 } else { at }..),
        })
    }

    /// What to put before a decoder configuration record of track `number`.
    pub(super) fn config_header(codec: VideoCodec, number: u8) -> Header {
        if codec == VideoCodec::Avc && number == 0 {
            return Header::new(&[KEY_FRAME << 4 | CODEC_AVC, SEQUENCE_START, 0, 0, 0]);
        }
        enhanced(codec, number, KEY_FRAME, SEQUENCE_START)
    }

    /// What to put before an access unit of track `number`. The composition time is cut to the
    /// 24 bits it has (2.3 h).
    pub(super) fn frame_header(
        codec: VideoCodec,
        number: u8,
        key: bool,
        composition_ms: i64,
    ) -> Header {
        const LIMIT: i64 = 1 << 23;
        let frame_type = if key { KEY_FRAME } else { INTER_FRAME };
        let [.., c0, c1, c2] = (composition_ms.clamp(-LIMIT, LIMIT - 1) as i32).to_be_bytes();
        if codec == VideoCodec::Avc && number == 0 {
            return Header::new(&[frame_type << 4 | CODEC_AVC, CODED_FRAMES, c0, c1, c2]);
        }
        if codec.is_timed() && composition_ms != 0 {
            return enhanced(codec, number, frame_type, CODED_FRAMES).with(&[c0, c1, c2]);
        }
        let packet_type = if codec.is_timed() {
            CODED_FRAMES_X
        } else {
            CODED_FRAMES
        };
        enhanced(codec, number, frame_type, packet_type)
    }
}

fn enhanced(codec: VideoCodec, number: u8, frame_type: u8, packet_type: u8) -> Header {
    let first = EX_HEADER | frame_type << 4;
    let fourcc = codec.fourcc().bytes();
    match number {
        0 => Header::new(&[first | packet_type]).with(&fourcc),
        number => Header::new(&[first | MULTITRACK, one_track(packet_type)])
            .with(&fourcc)
            .with(&[number]),
    }
}

const fn codec_name(codec: u8) -> &'static str {
    match codec {
        2 => "Sorenson H.263",
        3 => "Screen video",
        4 | 5 => "VP6",
        6 => "Screen video 2",
        13 => "AV1 (CodecID 13)",
        _ => "reserved",
    }
}
