//! AAC in LATM (RFC 6416 §6, ISO/IEC 14496-3 §1.7.3) whose configuration the description names
//! (`cpresent=0`): each element is made of frames, each behind its length.

use crate::codec::CodecError;
use crate::codec::aac::AudioSpecificConfig;
use crate::codec::bits::{BitReader, BitWriter};
use bytes::{Buf, Bytes, BytesMut};

const WHAT: &str = "StreamMuxConfig";

/// An element above this is given up: 64 frames of the most that AAC makes of six channels.
const MAX_ELEMENT_BYTES: usize = 64 << 10;

/// What the `config` of a description says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mux {
    /// Of the one layer of the one program.
    pub(super) config: AudioSpecificConfig,
    /// Frames of each element, 1 to 64.
    frames: usize,
}

impl Mux {
    /// Reads a `StreamMuxConfig` (Table 1.42).
    ///
    /// # Errors
    /// When it is cut short, or has several programs or layers: nobody sends them over RTP.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut bits = BitReader::new(WHAT, bytes);
        let version = bits.flag()?;
        let same_framing = bits.flag()?;
        let frames = bits.bits(6)? as usize + 1;
        let (programs, layers) = (bits.bits(4)?, bits.bits(3)?);
        if version || !same_framing || programs != 0 || layers != 0 {
            return Err(CodecError::Unsupported {
                what: "LATM with several programs or layers, or of a later version",
            });
        }
        // It stands at no byte's beginning, and does not say how long it is.
        let mut rest = BitWriter::default();
        while let Ok(bit) = bits.bits(1) {
            rest.bits(1, bit);
        }
        let config = AudioSpecificConfig::parse(&rest.finish())?;
        Ok(Self { config, frames })
    }

    /// The frames of an element; `None` if it contradicts itself.
    pub(super) fn frames(&self, mut element: Bytes) -> Option<Vec<Bytes>> {
        let mut frames = Vec::with_capacity(self.frames);
        for _ in 0..self.frames {
            let mut length = 0;
            loop {
                let byte = *element.first()?;
                element.advance(1);
                length += usize::from(byte);
                if byte != u8::MAX {
                    break;
                }
            }
            if length > element.len() {
                return None;
            }
            frames.push(element.split_to(length));
        }
        Some(frames)
    }
}

/// An element that comes in parts: all of one timestamp, the last one marked.
#[derive(Debug, Default)]
pub(super) struct Parts {
    timestamp: Option<u32>,
    bytes: BytesMut,
}

impl Parts {
    /// Adds a part; the element once it is whole.
    pub(super) fn push(&mut self, timestamp: u32, last: bool, part: &Bytes) -> Option<Bytes> {
        if self.timestamp != Some(timestamp) || self.bytes.len() + part.len() > MAX_ELEMENT_BYTES {
            self.clear();
            self.timestamp = Some(timestamp);
        }
        if last && self.bytes.is_empty() {
            return Some(part.clone());
        }
        self.bytes.extend_from_slice(part);
        last.then(|| self.bytes.split().freeze())
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.timestamp = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As FFmpeg writes it for AAC-LC, 48 kHz, stereo.
    const FFMPEG: [u8; 6] = [0x40, 0x00, 0x23, 0x20, 0x3f, 0xc0];

    #[test]
    fn the_configuration_stands_between_bytes() {
        let mux = Mux::parse(&FFMPEG).unwrap();
        let told = (mux.config.object_type, mux.config.sample_rate_hz);
        assert_eq!((told, mux.config.channels, mux.frames), ((2, 48_000), 2, 1));
        for end in 0..4 {
            assert!(Mux::parse(&FFMPEG[..end]).is_err(), "{end}");
        }
        let two_layers = [0x40, 0x02, 0x23, 0x20, 0x3f, 0xc0];
        assert!(matches!(
            Mux::parse(&two_layers),
            Err(CodecError::Unsupported { .. })
        ));
    }

    #[test]
    fn frames_stand_behind_their_lengths_and_what_is_cut_short_is_none() {
        let mut mux = Mux::parse(&FFMPEG).unwrap();
        let long = [&[255, 45][..], &[7; 300]].concat();
        assert_eq!(mux.frames(long.clone().into()).unwrap(), [vec![7; 300]]);
        assert_eq!(mux.frames(Bytes::copy_from_slice(&long[..200])), None);
        assert_eq!(mux.frames(Bytes::from_static(&[255])), None);
        mux.frames = 2;
        let two = Bytes::from_static(&[1, 8, 2, 9, 9]);
        assert_eq!(mux.frames(two).unwrap(), [&[8][..], &[9, 9]]);
        assert_eq!(mux.frames(long.into()), None);
    }

    #[test]
    fn parts_of_another_time_are_not_joined_and_an_endless_element_is_given_up() {
        let mut parts = Parts::default();
        let part = Bytes::from_static(&[1, 2]);
        assert_eq!(parts.push(1, false, &part), None);
        assert_eq!(parts.push(2, true, &part).unwrap(), part);
        assert_eq!(parts.push(3, false, &part), None);
        assert_eq!(parts.push(3, true, &part).unwrap(), [1, 2, 1, 2].as_slice());
        let much = Bytes::from(vec![0; 40 << 10]);
        for _ in 0..100 {
            assert_eq!(parts.push(4, false, &much), None);
        }
        assert!(parts.bytes.len() <= MAX_ELEMENT_BYTES);
    }
}
