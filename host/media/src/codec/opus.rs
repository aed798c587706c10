//! Opus: identification header and packet durations (RFC 6716, RFC 7845; `dOps` by
//! "Encapsulation of Opus in ISO Base Media File Format" §4.3.2).

use super::CodecError;
use crate::frame::Audio;
use bytes::{BufMut, Bytes, BytesMut};

const WHAT: &str = "OpusHead";
const MAGIC: &[u8; 8] = b"OpusHead";
/// The longest packet (RFC 6716 §3.2.5): 120 ms.
pub const MAX_PACKET_SAMPLES: u32 = 5_760;
/// Samples a second of every decoder's output.
pub const RATE_HZ: u32 = 48_000;

/// The identification header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// 1 to 255.
    pub channels: u8,
    /// Samples at 48 kHz to be dropped at the start.
    pub pre_skip: u16,
    /// Of what was encoded, in Hz; 0 if unknown. Says nothing of the decoder's output.
    pub input_rate_hz: u32,
    /// Q7.8 dB to be applied.
    pub gain: i16,
    /// 0: mono or stereo; 1: Vorbis order; 255: discrete channels.
    pub mapping_family: u8,
    /// Unless the family is 0: how streams become channels.
    pub mapping: Option<Mapping>,
}

/// The channel mapping table (RFC 7845 §5.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Streams in each packet.
    pub streams: u8,
    /// Those that are stereo.
    pub coupled: u8,
    /// For each channel, a decoded channel; 255 is silence.
    pub channels: Vec<u8>,
}

impl Head {
    /// Mono or stereo, as libopus encodes it.
    pub const fn new(channels: u8) -> Self {
        Self {
            channels,
            // 6.5 ms of look-ahead at 48 kHz: libopus's default.
            pre_skip: 312,
            input_rate_hz: RATE_HZ,
            gain: 0,
            mapping_family: 0,
            mapping: None,
        }
    }

    /// With the mapping of family 1 for 3 to 8 channels (RFC 7845 §5.1.1.2).
    ///
    /// # Errors
    /// For 0 or more than 8 channels.
    pub fn surround(channels: u8) -> Result<Self, CodecError> {
        let (coupled, order): (u8, &[u8]) = match channels {
            1 | 2 => return Ok(Self::new(channels)),
            3 => (1, &[0, 2, 1]),
            4 => (2, &[0, 1, 2, 3]),
            5 => (2, &[0, 4, 1, 2, 3]),
            6 => (2, &[0, 4, 1, 2, 3, 5]),
            7 => (2, &[0, 4, 1, 2, 3, 5, 6]),
            8 => (3, &[0, 6, 1, 2, 3, 4, 5, 7]),
            other => return Err(invalid("number of Opus channels", other)),
        };
        Ok(Self {
            mapping_family: 1,
            mapping: Some(Mapping {
                streams: channels - coupled,
                coupled,
                channels: order.to_vec(),
            }),
            ..Self::new(channels)
        })
    }

    /// Reads `OpusHead`.
    ///
    /// # Errors
    /// When it is cut short, of another major version, or maps channels that do not exist.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| truncated(bytes))?;
        let (&[version, channels, s0, s1, r0, r1, r2, r3, g0, g1, family], table) =
            rest.split_first_chunk().ok_or_else(|| truncated(bytes))?;
        if version & 0xF0 != 0 {
            return Err(invalid("OpusHead version", version));
        }
        Self {
            channels,
            pre_skip: u16::from_le_bytes([s0, s1]),
            input_rate_hz: u32::from_le_bytes([r0, r1, r2, r3]),
            gain: i16::from_le_bytes([g0, g1]),
            mapping_family: family,
            mapping: None,
        }
        .with_table(table, bytes)
    }

    /// Reads the contents of a `dOps` box.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_dops(bytes: &[u8]) -> Result<Self, CodecError> {
        let (&[version, channels, s0, s1, r0, r1, r2, r3, g0, g1, family], table) =
            bytes.split_first_chunk().ok_or_else(|| truncated(bytes))?;
        if version != 0 {
            return Err(invalid("dOps version", version));
        }
        Self {
            channels,
            pre_skip: u16::from_be_bytes([s0, s1]),
            input_rate_hz: u32::from_be_bytes([r0, r1, r2, r3]),
            gain: i16::from_be_bytes([g0, g1]),
            mapping_family: family,
            mapping: None,
        }
        .with_table(table, bytes)
    }

    /// `OpusHead`.
    pub fn build(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(32);
        out.put_slice(MAGIC);
        out.put_slice(&[1, self.channels]);
        out.put_u16_le(self.pre_skip);
        out.put_u32_le(self.input_rate_hz);
        out.put_i16_le(self.gain);
        self.put_table(&mut out);
        out.freeze()
    }

    /// The contents of a `dOps` box.
    pub fn build_dops(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(32);
        out.put_slice(&[0, self.channels]);
        out.put_u16(self.pre_skip);
        out.put_u32(self.input_rate_hz);
        out.put_i16(self.gain);
        self.put_table(&mut out);
        out.freeze()
    }

    /// As a track describes it.
    pub const fn audio(&self) -> Audio {
        Audio {
            sample_rate_hz: RATE_HZ,
            channels: self.channels,
        }
    }

    fn with_table(mut self, table: &[u8], whole: &[u8]) -> Result<Self, CodecError> {
        if self.channels == 0 || (self.mapping_family == 0 && self.channels > 2) {
            return Err(invalid("number of Opus channels", self.channels));
        }
        if self.mapping_family == 0 {
            return Ok(self);
        }
        let (&[streams, coupled], rest) =
            table.split_first_chunk().ok_or_else(|| truncated(whole))?;
        let channels = rest
            .get(..usize::from(self.channels))
            .ok_or_else(|| truncated(whole))?;
        let decoded = u16::from(streams) + u16::from(coupled);
        if streams == 0 || coupled > streams || decoded > 255 {
            return Err(invalid("number of Opus streams", streams));
        }
        let wrong = |index: &&u8| **index != 255 && u16::from(**index) >= decoded;
        if let Some(index) = channels.iter().find(wrong) {
            return Err(invalid("Opus channel mapping", *index));
        }
        self.mapping = Some(Mapping {
            streams,
            coupled,
            channels: channels.to_vec(),
        });
        Ok(self)
    }

    fn put_table(&self, out: &mut BytesMut) {
        out.put_u8(self.mapping_family);
        if let Some(mapping) = &self.mapping {
            out.put_slice(&[mapping.streams, mapping.coupled]);
            out.put_slice(&mapping.channels);
        }
    }
}

/// How long a packet sounds, in samples at 48 kHz, by its TOC byte (RFC 6716 §3.1, §3.2).
///
/// # Errors
/// When it is empty, cut short, has no frames, or is longer than 120 ms.
pub fn packet_samples(packet: &[u8]) -> Result<u32, CodecError> {
    const PACKET: &str = "Opus packet";
    let cut = CodecError::Truncated {
        what: PACKET,
        bytes: packet.len(),
    };
    let toc = *packet.first().ok_or(cut)?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1).ok_or(cut)? & 0x3F),
    };
    let samples = frames * frame_samples(toc >> 3);
    if samples == 0 || samples > MAX_PACKET_SAMPLES {
        return Err(CodecError::Invalid {
            what: "Opus packet duration in samples",
            value: samples.into(),
        });
    }
    Ok(samples)
}

/// Table 2 of RFC 6716.
const fn frame_samples(config: u8) -> u32 {
    match (config, config & 3) {
        (0..=11, 0) => 480,
        (0..=11, 1) => 960,
        (0..=11, 2) => 1_920,
        (0..=11, _) => 2_880,
        (12..=15, 0 | 2) => 480,
        (12..=15, _) => 960,
        (_, 0) => 120,
        (_, 1) => 240,
        (_, 2) => 480,
        (_, _) => 960,
    }
}

const fn truncated(bytes: &[u8]) -> CodecError {
    CodecError::Truncated {
        what: WHAT,
        bytes: bytes.len(),
    }
}

fn invalid(what: &'static str, value: u8) -> CodecError {
    CodecError::Invalid {
        what,
        value: value.into(),
    }
}
