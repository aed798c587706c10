//! Access units as an elementary stream carries them: Annex B, ADTS, Opus behind control
//! headers, metadata as it is.

use super::LEAD;
use crate::Frame;
use crate::codec::aac::AudioSpecificConfig;
use crate::codec::nal::{self, LengthSize};
use crate::codec::{CodecError, adts, h264, hevc, opus, scte35};
use crate::frame::Codec;
use crate::ts;
use crate::ts::opus::ControlHeader;
use crate::ts::pes::{AUDIO_STREAM_ID, PRIVATE_STREAM_ID, VIDEO_STREAM_ID};
use bytes::{BufMut, Bytes, BytesMut};

/// Access unit delimiters, any slice type (H.264 §7.3.2.4, H.265 §7.3.2.5).
const H264_AUD: &[u8] = &[0, 0, 0, 1, 0x09, 0xF0];
const HEVC_AUD: &[u8] = &[0, 0, 0, 1, 0x46, 0x01, 0x50];

/// Writes the units of one track.
#[derive(Debug)]
pub(super) enum UnitWriter {
    /// With the delimiter, and the parameter sets in Annex B.
    Video {
        delimiter: &'static [u8],
        sets: Bytes,
        size: LengthSize,
    },
    /// With what the header of each frame says.
    Audio { config: AudioSpecificConfig },
    /// Behind a control header each.
    Opus { channel_config: u8 },
    /// In PES packets.
    Data,
    /// In sections.
    Splices,
}

impl UnitWriter {
    /// # Errors
    /// If the configuration does not parse, or has no form in a transport stream.
    pub(super) fn new(codec: &Codec) -> Result<Self, CodecError> {
        let mut sets = BytesMut::new();
        match codec {
            Codec::H264 { config, .. } => {
                let config = h264::DecoderConfig::parse(config)?;
                config
                    .sps
                    .iter()
                    .chain(&config.pps)
                    .for_each(|set| nal::put_annex_b(set, &mut sets));
                Ok(Self::video(H264_AUD, sets, config.length_size))
            }
            Codec::Hevc { config, .. } => {
                let config = hevc::DecoderConfig::parse(config)?;
                let all = config.vps.iter().chain(&config.sps).chain(&config.pps);
                all.for_each(|set| nal::put_annex_b(set, &mut sets));
                Ok(Self::video(HEVC_AUD, sets, config.length_size))
            }
            Codec::Aac { config, .. } => {
                let config = AudioSpecificConfig::parse(config)?;
                // Fails here if it has no ADTS form, not at each frame.
                adts::Header::build(&config, 0)?;
                Ok(Self::Audio { config })
            }
            Codec::Opus { config, .. } => {
                let channel_config = ts::opus::channel_config(&opus::Head::parse(config)?)?;
                Ok(Self::Opus { channel_config })
            }
            Codec::Scte35 => Ok(Self::Splices),
            Codec::Id3 | Codec::Klv => Ok(Self::Data),
            // FFmpeg 5.1 writes AV1 and VP9 only as private data that nobody reads.
            Codec::Av1 { .. } | Codec::Vp9 { .. } | Codec::Mjpeg { .. } => {
                Err(CodecError::Unsupported {
                    what: "this codec in a transport stream",
                })
            }
        }
    }

    /// Puts the unit into `out`, which is emptied before.
    ///
    /// # Errors
    /// If its lengths do not add up, or it is too long for ADTS.
    pub(super) fn write(&self, frame: &Frame, out: &mut BytesMut) -> Result<(), CodecError> {
        out.clear();
        match self {
            Self::Video {
                delimiter,
                sets,
                size,
            } => {
                out.put_slice(delimiter);
                if frame.random_access {
                    out.put_slice(sets);
                }
                nal::to_annex_b(&frame.payload, *size, out)
            }
            Self::Opus { .. } => {
                ControlHeader::write(frame.payload.len(), out);
                out.put_slice(&frame.payload);
                Ok(())
            }
            Self::Data => {
                out.put_slice(&frame.payload);
                Ok(())
            }
            Self::Splices => {
                scte35::check(&frame.payload)?;
                // PTS lie LEAD later, and so do the splice times that are compared with them.
                out.put_slice(&scte35::shift(&frame.payload, LEAD));
                Ok(())
            }
            Self::Audio { config } => {
                out.put_slice(&adts::Header::build(config, frame.payload.len())?);
                out.put_slice(&frame.payload);
                Ok(())
            }
        }
    }

    pub(super) const fn stream_id(&self) -> u8 {
        match self {
            Self::Video { .. } => VIDEO_STREAM_ID,
            Self::Audio { .. } => AUDIO_STREAM_ID,
            Self::Opus { .. } | Self::Data | Self::Splices => PRIVATE_STREAM_ID,
        }
    }

    fn video(delimiter: &'static [u8], sets: BytesMut, size: LengthSize) -> Self {
        Self::Video {
            delimiter,
            sets: sets.freeze(),
            size,
        }
    }
}
