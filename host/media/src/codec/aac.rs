//! `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).

use super::CodecError;
use super::bits::{BitReader, BitWriter};
use crate::frame::Audio;
use bytes::Bytes;

const WHAT: &str = "AudioSpecificConfig";
const RATES_HZ: [u32; 13] = [
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
const EXPLICIT_RATE: u32 = 15;
const SBR: u8 = 5;
const PS: u8 = 29;
/// `syncExtensionType` that announces SBR behind the core's configuration, and PS behind that.
const SYNC_SBR: u32 = 0x2b7;
const SYNC_PS: u32 = 0x548;

/// What an AAC decoder must know before the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Audio object type of the core: 2 for AAC-LC.
    pub object_type: u8,
    /// Of the core, in Hz.
    pub sample_rate_hz: u32,
    /// `channelConfiguration`; 0 when a program config element says it.
    pub channel_configuration: u8,
    /// Of the core, as coded.
    pub channels: u8,
    /// Samples a frame of the core: 1024, or 960 where the configuration says so.
    pub samples_per_frame: u32,
    /// Signalled bandwidth extension: the output's sample rate in Hz.
    pub sbr_rate_hz: Option<u32>,
    /// Signalled parametric stereo.
    pub ps: bool,
}

impl AudioSpecificConfig {
    /// AAC-LC, or another core without extensions, as ADTS describes it.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`] for channel configuration 0, [`CodecError::Invalid`] for
    /// those that are reserved.
    pub fn new(
        object_type: u8,
        sample_rate_hz: u32,
        configuration: u8,
    ) -> Result<Self, CodecError> {
        if configuration == 0 {
            return Err(CodecError::Unsupported {
                what: "AAC channel layout inside the frames",
            });
        }
        Ok(Self {
            object_type,
            sample_rate_hz,
            channel_configuration: configuration,
            channels: channels_of(configuration)?,
            samples_per_frame: 1024,
            sbr_rate_hz: None,
            ps: false,
        })
    }

    /// Reads a configuration; what follows the parts named here is not read.
    ///
    /// # Errors
    /// When it is cut short or names a reserved rate or channel configuration;
    /// [`CodecError::Unsupported`] for object types that are no AAC.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut bits = BitReader::new(WHAT, bytes);
        let mut object_type = parse_object_type(&mut bits)?;
        let sample_rate_hz = parse_rate(&mut bits)?;
        let channel_configuration = bits.byte(4)?;
        let ps = object_type == PS;
        let mut sbr_rate_hz = None;
        if matches!(object_type, SBR | PS) {
            sbr_rate_hz = Some(parse_rate(&mut bits)?);
            object_type = parse_object_type(&mut bits)?;
        }
        // GASpecificConfig (§4.4.1): Main, LC, SSR, LTP and their error resilient kin.
        if !matches!(object_type, 1..=4 | 17 | 19 | 23) {
            return Err(CodecError::Unsupported {
                what: "MPEG-4 audio other than AAC",
            });
        }
        let samples_per_frame = if bits.flag()? { 960 } else { 1024 };
        if bits.flag()? {
            bits.skip(14)?; // coreCoderDelay
        }
        let extension = bits.flag()?;
        let channels = match channel_configuration {
            0 => parse_program_config(&mut bits)?,
            given => channels_of(given)?,
        };
        let mut config = Self {
            object_type,
            sample_rate_hz,
            channel_configuration,
            channels,
            samples_per_frame,
            sbr_rate_hz,
            ps,
        };
        if sbr_rate_hz.is_none() && !extension {
            // Absence is no error: the field is there for decoders that know it.
            let _ = config.parse_sync_extension(&mut bits);
        }
        Ok(config)
    }

    /// The backward compatible way to signal SBR and PS (§1.6.5).
    fn parse_sync_extension(&mut self, bits: &mut BitReader<'_>) -> Result<(), CodecError> {
        if bits.bits(11)? != SYNC_SBR || parse_object_type(bits)? != SBR || !bits.flag()? {
            return Ok(());
        }
        self.sbr_rate_hz = Some(parse_rate(bits)?);
        self.ps = bits.bits(11)? == SYNC_PS && bits.flag()?;
        Ok(())
    }

    /// The configuration's bytes; SBR and PS are signalled hierarchically, ahead of the core.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`] when a program config element would be needed.
    pub fn build(&self) -> Result<Bytes, CodecError> {
        if self.channel_configuration == 0 {
            return Err(CodecError::Unsupported {
                what: "writing an AAC program config element",
            });
        }
        let mut bits = BitWriter::default();
        let outer = match (self.sbr_rate_hz, self.ps) {
            (None, _) => self.object_type,
            (Some(_), false) => SBR,
            (Some(_), true) => PS,
        };
        put_object_type(&mut bits, outer);
        put_rate(&mut bits, self.sample_rate_hz);
        bits.bits(4, self.channel_configuration.into());
        if let Some(rate) = self.sbr_rate_hz {
            put_rate(&mut bits, rate);
            put_object_type(&mut bits, self.object_type);
        }
        bits.bits(1, u32::from(self.samples_per_frame == 960));
        bits.bits(2, 0); // dependsOnCoreCoder, extensionFlag
        Ok(bits.finish().into())
    }

    /// As a track describes it.
    pub const fn audio(&self) -> Audio {
        Audio {
            sample_rate_hz: self.sample_rate_hz,
            channels: self.channels,
        }
    }

    /// RFC 6381 §3.3, such as `mp4a.40.2`; `.5` and `.29` where SBR and PS are signalled.
    pub fn codec_string(&self) -> String {
        let object_type = match (self.sbr_rate_hz, self.ps) {
            (None, _) => self.object_type,
            (Some(_), false) => SBR,
            (Some(_), true) => PS,
        };
        format!("mp4a.40.{object_type}")
    }
}

/// The rate behind a `samplingFrequencyIndex`, in Hz.
pub fn rate_of_index(index: u8) -> Option<u32> {
    RATES_HZ.get(usize::from(index)).copied()
}

/// The `samplingFrequencyIndex` of a rate in Hz.
pub fn index_of_rate(rate_hz: u32) -> Option<u8> {
    RATES_HZ
        .iter()
        .position(|rate| *rate == rate_hz)
        .map(|index| index as u8)
}

fn channels_of(configuration: u8) -> Result<u8, CodecError> {
    match configuration {
        1..=6 => Ok(configuration),
        7 | 12 | 14 => Ok(8),
        11 => Ok(7),
        other => Err(CodecError::Invalid {
            what: "AAC channelConfiguration",
            value: other.into(),
        }),
    }
}

fn parse_object_type(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    match bits.byte(5)? {
        31 => Ok(32 + bits.byte(6)?),
        object_type => Ok(object_type),
    }
}

fn put_object_type(bits: &mut BitWriter, object_type: u8) {
    if object_type >= 31 {
        bits.bits(5, 31);
        bits.bits(6, object_type.saturating_sub(32).into());
    } else {
        bits.bits(5, object_type.into());
    }
}

fn parse_rate(bits: &mut BitReader<'_>) -> Result<u32, CodecError> {
    let index = bits.bits(4)?;
    let rate = match index {
        EXPLICIT_RATE => Some(bits.bits(24)?).filter(|rate| *rate > 0),
        index => rate_of_index(index as u8),
    };
    rate.ok_or(CodecError::Invalid {
        what: "AAC samplingFrequencyIndex",
        value: index.into(),
    })
}

fn put_rate(bits: &mut BitWriter, rate_hz: u32) {
    match index_of_rate(rate_hz) {
        Some(index) => bits.bits(4, index.into()),
        None => {
            bits.bits(4, EXPLICIT_RATE);
            bits.bits(24, rate_hz);
        }
    }
}

/// Counts the channels of a `program_config_element` (§4.4.1.1).
fn parse_program_config(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    bits.skip(4 + 2 + 4)?; // tag, object type, rate
    let groups = [bits.bits(4)?, bits.bits(4)?, bits.bits(4)?]; // front, side, back
    let lfe = bits.byte(2)?;
    bits.skip(3 + 4)?; // associated data, coupling channels
    for mixdown_bits in [4, 4, 3] {
        if bits.flag()? {
            bits.skip(mixdown_bits)?;
        }
    }
    let mut channels = lfe;
    for _ in 0..groups.iter().sum() {
        channels += if bits.flag()? { 2 } else { 1 };
        bits.skip(4)?;
    }
    Ok(channels)
}
