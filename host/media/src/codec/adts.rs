//! ADTS: AAC frames that carry their own configuration (ISO/IEC 14496-3 §1.A.2.2), as in
//! MPEG-TS.

use super::CodecError;
use super::aac::{self, AudioSpecificConfig};
use super::bits::BitReader;

/// Bytes of a header without checksum: the longest that [`Header::build`] writes.
pub const HEADER_BYTES: usize = 7;
const CHECKSUM_BYTES: usize = 2;
const MAX_FRAME_BYTES: usize = 0x1fff;
const WHAT: &str = "ADTS header";

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Audio object type, 1 to 4: 2 is AAC-LC.
    pub object_type: u8,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// 0 when the layout is in the frame itself.
    pub channel_configuration: u8,
    /// Of this header: 7, or 9 with a checksum.
    pub header_bytes: usize,
    /// Of header and payload.
    pub frame_bytes: usize,
    /// 1 to 4.
    pub raw_data_blocks: u8,
}

impl Header {
    /// Reads the header at the front of `bytes`.
    ///
    /// # Errors
    /// [`CodecError::Truncated`] when it is cut short; [`CodecError::Invalid`] without sync
    /// word, with a reserved rate, or with a length shorter than the header.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut bits = BitReader::new(WHAT, bytes);
        let sync = bits.bits(12)?;
        bits.skip(1)?; // MPEG version
        let layer = bits.bits(2)?;
        let checksum = !bits.flag()?;
        if sync != 0xfff || layer != 0 {
            return Err(CodecError::Invalid {
                what: "ADTS sync word",
                value: sync.into(),
            });
        }
        let object_type = bits.byte(2)? + 1;
        let index = bits.byte(4)?;
        bits.skip(1)?; // private_bit
        let channel_configuration = bits.byte(3)?;
        bits.skip(4)?;
        let frame_bytes = bits.bits(13)? as usize;
        bits.skip(11)?; // adts_buffer_fullness
        let raw_data_blocks = bits.byte(2)? + 1;
        let sample_rate_hz = aac::rate_of_index(index).ok_or(CodecError::Invalid {
            what: "ADTS sampling frequency",
            value: index.into(),
        })?;
        let header_bytes = HEADER_BYTES + if checksum { CHECKSUM_BYTES } else { 0 };
        if frame_bytes < header_bytes {
            let value = frame_bytes as u64;
            return Err(CodecError::Invalid {
                what: "ADTS frame length",
                value,
            });
        }
        Ok(Self {
            object_type,
            sample_rate_hz,
            channel_configuration,
            header_bytes,
            frame_bytes,
            raw_data_blocks,
        })
    }

    /// The same as an out-of-band configuration.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`] when the channel layout is inside the frames.
    pub fn config(&self) -> Result<AudioSpecificConfig, CodecError> {
        AudioSpecificConfig::new(
            self.object_type,
            self.sample_rate_hz,
            self.channel_configuration,
        )
    }

    /// The header to put before a raw data block of `payload_bytes`.
    ///
    /// Bandwidth extension is not written: decoders find it in the frames.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`] when the configuration has no ADTS form, and
    /// [`CodecError::Invalid`] when the block is too long for one (over 8184 bytes).
    pub fn build(
        config: &AudioSpecificConfig,
        payload_bytes: usize,
    ) -> Result<[u8; HEADER_BYTES], CodecError> {
        let (1..=4, Some(index), 1..=7) = (
            config.object_type,
            aac::index_of_rate(config.sample_rate_hz),
            config.channel_configuration,
        ) else {
            return Err(CodecError::Unsupported {
                what: "this AAC configuration in ADTS",
            });
        };
        let len = payload_bytes.saturating_add(HEADER_BYTES);
        if len > MAX_FRAME_BYTES {
            return Err(CodecError::Invalid {
                what: "ADTS frame length",
                value: len as u64,
            });
        }
        let channels = config.channel_configuration;
        Ok([
            0xff,
            0xf1, // MPEG-4, layer 0, no checksum
            (config.object_type - 1) << 6 | index << 2 | channels >> 2,
            channels << 6 | (len >> 11) as u8,
            (len >> 3) as u8,
            (len << 5) as u8 | 0x1f, // buffer fullness 0x7ff: variable rate
            0xfc,
        ])
    }
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header.
    pub header: Header,
    /// Behind header and checksum: one raw data block, or `header.raw_data_blocks` of them.
    pub payload: &'a [u8],
}

/// Whole frames of a run of ADTS bytes; see [`Frames::rest`].
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    skipped: usize,
}

/// Iterates over the whole frames in `bytes`.
pub const fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames {
        rest: bytes,
        skipped: 0,
    }
}

impl<'a> Frames<'a> {
    /// What is left: the beginning of a frame that goes on in bytes not seen yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Bytes passed over so far, looking for a header.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        loop {
            match Header::parse(self.rest) {
                Ok(header) => {
                    let (frame, rest) = self.rest.split_at_checked(header.frame_bytes)?;
                    self.rest = rest;
                    return Some(Frame {
                        header,
                        payload: frame.get(header.header_bytes..)?,
                    });
                }
                Err(CodecError::Truncated { .. }) => return None,
                Err(_) => {
                    // Garbage: go on at the next byte that could begin a sync word.
                    let tail = self.rest.get(1..).unwrap_or_default();
                    let step = 1 + memchr::memchr(0xff, tail).unwrap_or(tail.len());
                    self.skipped += step;
                    self.rest = self.rest.get(step..).unwrap_or_default();
                }
            }
        }
    }
}
