//! The `Frames` form of a stream: timestamped access units, and the tracks they belong to.
//!
//! Every frame carries a pointer to the tracks it was made under. A reader that joins late,
//! or that was overtaken, therefore always knows the decoder configuration of what it holds;
//! a change is seen by comparing pointers ([`Arc::ptr_eq`]).

use crate::Ticks90k;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// A track's number within its stream; small, stable for the life of a [`Tracks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u8);

/// What a track is coded with, and the out-of-band configuration its decoder needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// ITU-T H.264. Payload: NAL units, each behind a 4-byte big-endian length, without
    /// access unit delimiters, SPS and PPS.
    H264 {
        /// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).
        config: Bytes,
        /// From the SPS.
        video: Video,
    },
    /// ITU-T H.265. Payload as for H.264, without AUD, VPS, SPS and PPS.
    Hevc {
        /// `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1).
        config: Bytes,
        /// From the SPS.
        video: Video,
    },
    /// AAC. Payload: one raw data block, without ADTS.
    Aac {
        /// `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
        config: Bytes,
        /// From the configuration.
        audio: Audio,
    },
    /// AV1. Payload: one temporal unit in the low-overhead format (AV1 §5.2), without temporal
    /// delimiters.
    Av1 {
        /// `AV1CodecConfigurationRecord` (AV1 in ISOBMFF §2.3.3).
        config: Bytes,
        /// From the sequence header.
        video: Video,
    },
    /// VP9. Payload: one frame or superframe.
    Vp9 {
        /// `VPCodecConfigurationRecord` (VP codec ISO media file format binding §1), without the
        /// box's version and flags.
        config: Bytes,
        /// From a key frame's header.
        video: Video,
    },
    /// Opus. Payload: one packet (RFC 6716 §3), without framing.
    Opus {
        /// The identification header, `OpusHead` (RFC 7845 §5.1).
        config: Bytes,
        /// 48 kHz, whatever was encoded.
        audio: Audio,
    },
    /// JPEG pictures. Payload: one interchange file from SOI to EOI (ITU-T T.81 §B.2).
    Mjpeg {
        /// From the frame header.
        video: Video,
    },
    /// Splice information (ANSI/SCTE 35). Payload: one whole `splice_info_section`, whose splice
    /// times, `pts_adjustment` applied, are `Frame::pts` of this stream modulo 2^33.
    Scte35,
    /// Timed ID3 tags. Payload: one tag.
    Id3,
    /// Key-length-value metadata (SMPTE ST 336; MISB ST 1402). Payload: one access unit.
    Klv,
}

/// What a track appeals to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Metadata beside them: never cuts a segment and never starts a reader.
    Data,
}

/// What a picture looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Video {
    /// Pixels, cropping applied.
    pub width: u32,
    /// Pixels, cropping applied.
    pub height: u32,
    /// Frames per 1000 s, from VUI timing; 0 if not signalled.
    pub fps_milli: u32,
}

/// What sound sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Audio {
    /// Hz, of the decoder's output core (before SBR).
    pub sample_rate_hz: u32,
    /// Count.
    pub channels: u8,
}

/// One elementary stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Unique within [`Tracks`].
    pub id: TrackId,
    /// And its configuration.
    pub codec: Codec,
    /// ISO 639-2 code, if signalled.
    pub language: Option<[u8; 3]>,
}

/// All tracks of a stream at one time. At most one is the leading video track.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tracks {
    /// In the order of the source.
    pub list: Vec<Track>,
}

/// One access unit.
#[derive(Clone)]
pub struct Frame {
    /// The tracks in force; compare by pointer.
    pub tracks: Arc<Tracks>,
    /// Which of them this is.
    pub track: TrackId,
    /// Decoding time.
    pub dts: Ticks90k,
    /// Presentation time; at least `dts`.
    pub pts: Ticks90k,
    /// Decoding may begin here: an IDR (or CRA, BLA) picture, a key frame; every audio frame if
    /// there is no video. Never set on data.
    pub random_access: bool,
    /// Counts marked discontinuities of the timeline; readers compare it with the last frame's.
    pub epoch: u32,
    /// As [`Codec`] says.
    pub payload: Bytes,
}

impl Codec {
    /// Whether it is seen, heard or neither.
    pub const fn medium(&self) -> Medium {
        match self {
            Self::H264 { .. }
            | Self::Hevc { .. }
            | Self::Av1 { .. }
            | Self::Vp9 { .. }
            | Self::Mjpeg { .. } => Medium::Video,
            Self::Aac { .. } | Self::Opus { .. } => Medium::Audio,
            Self::Scte35 | Self::Id3 | Self::Klv => Medium::Data,
        }
    }

    /// Whether it is a picture.
    pub const fn is_video(&self) -> bool {
        matches!(self.medium(), Medium::Video)
    }

    /// Whether it is sound.
    pub const fn is_audio(&self) -> bool {
        matches!(self.medium(), Medium::Audio)
    }

    /// The name used in the API and in plans.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::H264 { .. } => "h264",
            Self::Hevc { .. } => "hevc",
            Self::Av1 { .. } => "av1",
            Self::Vp9 { .. } => "vp9",
            Self::Mjpeg { .. } => "mjpeg",
            Self::Aac { .. } => "aac",
            Self::Opus { .. } => "opus",
            Self::Scte35 => "scte35",
            Self::Id3 => "id3",
            Self::Klv => "klv",
        }
    }

    /// The decoder configuration record; empty where a codec has none.
    pub const fn config(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        match self {
            Self::H264 { config, .. }
            | Self::Hevc { config, .. }
            | Self::Av1 { config, .. }
            | Self::Vp9 { config, .. }
            | Self::Aac { config, .. }
            | Self::Opus { config, .. } => config,
            Self::Mjpeg { .. } | Self::Scte35 | Self::Id3 | Self::Klv => &NONE,
        }
    }

    /// What its pictures look like.
    pub const fn video(&self) -> Option<Video> {
        match self {
            Self::H264 { video, .. }
            | Self::Hevc { video, .. }
            | Self::Av1 { video, .. }
            | Self::Vp9 { video, .. }
            | Self::Mjpeg { video } => Some(*video),
            _ => None,
        }
    }

    /// What its sound sounds like.
    pub const fn audio(&self) -> Option<Audio> {
        match self {
            Self::Aac { audio, .. } | Self::Opus { audio, .. } => Some(*audio),
            _ => None,
        }
    }
}

impl Tracks {
    /// The track of that id.
    pub fn get(&self, id: TrackId) -> Option<&Track> {
        self.list.iter().find(|track| track.id == id)
    }

    /// The track whose random access points cut segments and start readers.
    pub fn video(&self) -> Option<&Track> {
        self.list.iter().find(|track| track.codec.is_video())
    }

    /// The first audio track.
    pub fn audio(&self) -> Option<&Track> {
        self.list.iter().find(|track| track.codec.is_audio())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("track", &self.track.0)
            .field("dts", &self.dts.0)
            .field("pts", &self.pts.0)
            .field("random_access", &self.random_access)
            .field("epoch", &self.epoch)
            .field("bytes", &self.payload.len())
            .finish()
    }
}
