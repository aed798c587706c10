//! Headers of the codecs a stream may carry: just enough to route, cut and describe it.
//!
//! Nothing here decodes a picture or a sound. Everything reads bytes from outside: all
//! lengths and counts are checked, a broken header is an error value, never a panic.

use crate::Codec;

pub mod aac;
pub mod adts;
pub mod bits;
pub mod h264;
pub mod hevc;
pub mod nal;

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
/// `avc1.64001F`, `hvc1.1.6.L93.B0` or `mp4a.40.2`.
///
/// # Errors
/// When the track's configuration record does not parse.
pub fn codec_string(codec: &Codec) -> Result<String, CodecError> {
    match codec {
        Codec::H264 { config, .. } => Ok(h264::DecoderConfig::parse(config)?.codec_string()),
        Codec::Hevc { config, .. } => Ok(hevc::DecoderConfig::parse(config)?.codec_string()),
        Codec::Aac { config, .. } => Ok(aac::AudioSpecificConfig::parse(config)?.codec_string()),
        _ => Err(CodecError::Unsupported {
            what: "a CODECS name of this codec",
        }),
    }
}
