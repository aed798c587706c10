//! Headers of the codecs a stream may carry: just enough to route, cut and describe it.
//!
//! Nothing here decodes a picture or a sound. Everything reads bytes from outside: all
//! lengths and counts are checked, a broken header is an error value, never a panic.

use crate::Codec;

pub mod aac;
pub mod adts;
pub mod av1;
pub mod bits;
pub mod h264;
pub mod hevc;
pub mod nal;
pub mod opus;
pub mod scte35;
pub mod splice;
pub mod vp9;

/// Why a header could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes end before the header does.
    #[error("{what} is cut short after {bytes} bytes")]
    Truncated {
        /// Which header.
        what: &'static str,
        /// How many bytes there were.
        bytes: usize,
    },
    /// A field has a value that its standard forbids, or that no stream can mean.
    #[error("{what} has the impossible value {value}")]
    Invalid {
        /// Which field of which header.
        what: &'static str,
        /// What it says.
        value: u64,
    },
    /// The header is legal, but this form cannot carry it.
    #[error("{what} is not supported")]
    Unsupported {
        /// Which feature.
        what: &'static str,
    },
}

/// The codec's name in a `CODECS` attribute (RFC 6381; ISO/IEC 14496-15 annex E), such as
/// `avc1.64001F`, `hvc1.1.6.L93.B0`, `av01.0.04M.08`, `vp09.00.30.08`, `mp4a.40.2` or `opus`.
///
/// # Errors
/// When the track's configuration record does not parse; [`CodecError::Unsupported`] for JPEG
/// and for data, which no such attribute names.
pub fn codec_string(codec: &Codec) -> Result<String, CodecError> {
    match codec {
        Codec::H264 { config, .. } => Ok(h264::DecoderConfig::parse(config)?.codec_string()),
        Codec::Hevc { config, .. } => Ok(hevc::DecoderConfig::parse(config)?.codec_string()),
        Codec::Aac { config, .. } => Ok(aac::AudioSpecificConfig::parse(config)?.codec_string()),
        Codec::Av1 { config, .. } => Ok(av1::DecoderConfig::parse(config)?.codec_string()),
        Codec::Vp9 { config, .. } => Ok(vp9::DecoderConfig::parse(config)?.codec_string()),
        Codec::Opus { .. } => Ok("opus".to_owned()),
        Codec::Mjpeg { .. } | Codec::Scte35 | Codec::Id3 | Codec::Klv => {
            Err(CodecError::Unsupported {
                what: "a CODECS name of this codec",
            })
        }
    }
}
