//! What an encoder has to match, so that what it makes may stand in for a stream.

use crate::codec::{h264, hevc};
use crate::frame::{Audio, Codec, Tracks, Video};
use crate::ts::monitor::SeenTrack;
use crate::ts::psi::StreamKind;

/// How the pictures and the sound of a stream are coded: those of its first tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Profile {
    /// None if it has no pictures.
    pub picture: Option<Picture>,
    /// None if it has no sound.
    pub sound: Option<Sound>,
}

/// What pictures are coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureCodec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
    /// Any other.
    Other,
}

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Picture {
    /// With what.
    pub codec: PictureCodec,
    /// Size and rate; 0 where they are not known.
    pub video: Video,
    /// Width to height of a sample.
    pub sample_aspect: (u16, u16),
    /// `profile_idc` of H.264, `general_profile_idc` of H.265; 0 if it is neither.
    pub profile_idc: u8,
    /// Bits a luma sample.
    pub bit_depth: u8,
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
}

/// What sound is coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoundCodec {
    /// ISO/IEC 14496-3.
    Aac,
    /// RFC 6716.
    Opus,
    /// Any other.
    Other,
}

/// How sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sound {
    /// With what.
    pub codec: SoundCodec,
    /// Rate and channels; 0 where they are not known.
    pub audio: Audio,
}

impl Profile {
    /// Of a stream of frames.
    pub fn of_tracks(tracks: &Tracks) -> Self {
        let sound = tracks.audio().and_then(|track| {
            let codec = match &track.codec {
                Codec::Aac { .. } => SoundCodec::Aac,
                Codec::Opus { .. } => SoundCodec::Opus,
                _ => SoundCodec::Other,
            };
            let audio = track.codec.audio()?;
            Some(Sound { codec, audio })
        });
        let picture = tracks.video().and_then(|track| Picture::of(&track.codec));
        Self { picture, sound }
    }

    /// Of a transport stream, as far as it was seen.
    pub fn of_seen(tracks: &[SeenTrack]) -> Self {
        Self {
            picture: tracks.iter().find_map(Picture::of_seen),
            sound: tracks.iter().find_map(Sound::of_seen),
        }
    }

    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.picture.is_none() && self.sound.is_none()
    }
}

impl Picture {
    /// As an H.264 SPS says.
    pub const fn h264(sps: h264::Sps) -> Self {
        Self {
            codec: PictureCodec::H264,
            video: sps.video,
            sample_aspect: sps.sample_aspect,
            profile_idc: sps.profile_idc,
            bit_depth: sps.bit_depth_luma,
            chroma_format_idc: sps.chroma_format_idc,
        }
    }

    /// As an H.265 SPS says.
    pub const fn hevc(sps: hevc::Sps) -> Self {
        Self {
            codec: PictureCodec::Hevc,
            video: sps.video,
            sample_aspect: sps.sample_aspect,
            profile_idc: sps.general.profile_idc,
            bit_depth: sps.bit_depth_luma,
            chroma_format_idc: sps.chroma_format_idc,
        }
    }

    /// Of another codec, or of one whose parameter sets do not tell: what most have.
    pub const fn other(codec: PictureCodec, video: Video) -> Self {
        Self {
            codec,
            video,
            sample_aspect: (1, 1),
            profile_idc: 0,
            bit_depth: 8,
            chroma_format_idc: 1,
        }
    }

    fn of_seen(track: &SeenTrack) -> Option<Self> {
        let codec = match track.kind() {
            StreamKind::H264 => PictureCodec::H264,
            StreamKind::Hevc => PictureCodec::Hevc,
            StreamKind::Other(
                "MPEG-1 video" | "MPEG-2 video" | "MPEG-4 Visual" | "VVC" | "AV1" | "JPEG 2000"
                | "JPEG XS",
            ) => PictureCodec::Other,
            _ => return None,
        };
        let video = track.video.unwrap_or_default();
        Some(track.picture.unwrap_or(Self::other(codec, video)))
    }

    fn of(codec: &Codec) -> Option<Self> {
        let video = codec.video()?;
        Some(match codec {
            Codec::H264 { config, .. } => {
                let config = h264::DecoderConfig::parse(config).ok();
                let sps = config.and_then(|config| h264::Sps::parse(config.sps.first()?).ok());
                sps.map_or(Self::other(PictureCodec::H264, video), Self::h264)
            }
            Codec::Hevc { config, .. } => {
                let config = hevc::DecoderConfig::parse(config).ok();
                let sps = config.and_then(|config| hevc::Sps::parse(config.sps.first()?).ok());
                sps.map_or(Self::other(PictureCodec::Hevc, video), Self::hevc)
            }
            _ => Self::other(PictureCodec::Other, video),
        })
    }
}

impl Sound {
    fn of_seen(track: &SeenTrack) -> Option<Self> {
        let codec = match track.kind() {
            StreamKind::AacAdts | StreamKind::AacLatm => SoundCodec::Aac,
            StreamKind::Opus(_) => SoundCodec::Opus,
            StreamKind::Other("MPEG audio" | "AC-3" | "E-AC-3" | "DTS") => SoundCodec::Other,
            _ => return None,
        };
        let audio = track.audio.unwrap_or_default();
        Some(Self { codec, audio })
    }
}
