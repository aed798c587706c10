//! Video tag bodies (annex E.4.3; Enhanced RTMP v1, "Enhanced video").

use super::{FlvError, fourcc_name};
use bytes::Bytes;

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
/// Enhanced only: as `CODED_FRAMES`, with a composition time of zero left out.
const CODED_FRAMES_X: u8 = 3;
/// Enhanced only.
const METADATA: u8 = 4;

/// The longest header of a video tag.
pub(super) const MAX_HEADER_BYTES: usize = 8;

/// What the pictures are coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
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
    /// One access unit, length-prefixed as the configuration says.
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
}

impl VideoTag {
    /// Reads a body; what it yields are slices of it.
    ///
    /// # Errors
    /// [`FlvError::Format`] for anything but H.264 and HEVC, [`FlvError::PacketType`] for
    /// multitrack and other extensions, [`FlvError::Truncated`] for a body without header.
    pub fn parse(body: &Bytes) -> Result<Self, FlvError> {
        let first = *body.first().ok_or(FlvError::Truncated("video"))?;
        if first & EX_HEADER != 0 {
            return Self::parse_enhanced(first, body);
        }
        let frame_type = first >> 4;
        let codec = match first & 0x0f {
            CODEC_AVC => VideoCodec::Avc,
            CODEC_HEVC => VideoCodec::Hevc,
            other => {
                let name = codec_name(other).to_owned();
                return Err(FlvError::Format {
                    kind: "video",
                    name,
                });
            }
        };
        if frame_type == COMMAND_FRAME {
            return Ok(Self::Other);
        }
        match *body.get(1).ok_or(FlvError::Truncated("video"))? {
            SEQUENCE_START => Self::config(codec, body, 5),
            CODED_FRAMES => Self::frame(codec, frame_type, body, 2, true),
            SEQUENCE_END => Ok(Self::End),
            packet_type => Err(FlvError::PacketType {
                kind: "video",
                packet_type,
            }),
        }
    }

    fn parse_enhanced(first: u8, body: &Bytes) -> Result<Self, FlvError> {
        let (frame_type, packet_type) = ((first & !EX_HEADER) >> 4, first & 0x0f);
        if packet_type > METADATA {
            return Err(FlvError::PacketType {
                kind: "video",
                packet_type,
            });
        }
        if frame_type == COMMAND_FRAME || packet_type == METADATA {
            return Ok(Self::Other);
        }
        let fourcc = body
            .get(1..5)
            .and_then(<[u8]>::first_chunk)
            .ok_or(FlvError::Truncated("video"))?;
        let codec = match fourcc {
            b"avc1" => VideoCodec::Avc,
            b"hvc1" => VideoCodec::Hevc,
            other => {
                return Err(FlvError::Format {
                    kind: "video",
                    name: fourcc_name(*other),
                });
            }
        };
        match packet_type {
            SEQUENCE_START => Self::config(codec, body, 5),
            CODED_FRAMES => Self::frame(codec, frame_type, body, 5, true),
            CODED_FRAMES_X => Self::frame(codec, frame_type, body, 5, false),
            _ => Ok(Self::End),
        }
    }

    fn config(codec: VideoCodec, body: &Bytes, at: usize) -> Result<Self, FlvError> {
        if body.len() < at {
            return Err(FlvError::Truncated("video"));
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
                .ok_or(FlvError::Truncated("video"))?
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

    /// What to put before a decoder configuration record.
    pub(super) const fn config_header(codec: VideoCodec) -> &'static [u8] {
        match codec {
            VideoCodec::Avc => &[KEY_FRAME << 4 | CODEC_AVC, SEQUENCE_START, 0, 0, 0],
            VideoCodec::Hevc => &[
                EX_HEADER | KEY_FRAME << 4 | SEQUENCE_START,
                b'h',
                b'v',
                b'c',
                b'1',
            ],
        }
    }

    /// Writes what to put before an access unit into the front of `header`; yields its length.
    /// The composition time is cut to the 24 bits it has (2.3 h).
    pub(super) fn frame_header(
        codec: VideoCodec,
        key: bool,
        composition_ms: i64,
    ) -> ([u8; MAX_HEADER_BYTES], usize) {
        const LIMIT: i64 = 1 << 23;
        let frame_type = if key { KEY_FRAME } else { INTER_FRAME } << 4;
        let [.., c0, c1, c2] = (composition_ms.clamp(-LIMIT, LIMIT - 1) as i32).to_be_bytes();
        match codec {
            VideoCodec::Avc => (
                [frame_type | CODEC_AVC, CODED_FRAMES, c0, c1, c2, 0, 0, 0],
                5,
            ),
            VideoCodec::Hevc if composition_ms == 0 => {
                let first = EX_HEADER | frame_type | CODED_FRAMES_X;
                ([first, b'h', b'v', b'c', b'1', 0, 0, 0], 5)
            }
            VideoCodec::Hevc => {
                let first = EX_HEADER | frame_type | CODED_FRAMES;
                ([first, b'h', b'v', b'c', b'1', c0, c1, c2], 8)
            }
        }
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
