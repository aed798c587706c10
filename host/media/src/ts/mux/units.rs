//! Access units as an elementary stream carries them: Annex B, ADTS.

use crate::Frame;
use crate::codec::aac::AudioSpecificConfig;
use crate::codec::nal::{self, LengthSize};
use crate::codec::{CodecError, adts, h264, hevc};
use crate::frame::Codec;
use crate::ts::pes::{AUDIO_STREAM_ID, VIDEO_STREAM_ID};
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
            _ => Err(CodecError::Unsupported {
                what: "this codec in a transport stream",
            }),
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
