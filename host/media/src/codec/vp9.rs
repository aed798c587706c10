//! VP9: the head of a frame, and `VPCodecConfigurationRecord`
//! (VP9 Bitstream & Decoding Process Specification §6.2; VP Codec ISO Media File Format
//! Binding §3).

use super::CodecError;
use super::bits::BitReader;
use crate::frame::Video;
use bytes::{BufMut, Bytes, BytesMut};

const WHAT: &str = "VPCodecConfigurationRecord";
const FRAME: &str = "VP9 frame header";
/// Bytes in the record; VP9 has no initialization data behind it.
const RECORD_BYTES: usize = 8;
const SYNC_CODE: u32 = 0x49_8342;

/// What a key frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFrame {
    /// 0 to 3.
    pub profile: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// As the record numbers it: 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
    pub subsampling: u8,
    /// Samples use all values.
    pub full_range: bool,
    /// `matrix_coefficients` (ISO/IEC 23091-2) of its colour space; 2 if unknown.
    pub matrix: u8,
    /// Rate is not signalled.
    pub video: Video,
}

/// The configuration of a stream, without the box's version and flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderConfig {
    /// 0 to 3.
    pub profile: u8,
    /// Ten times the level: 10, 11, 20 ... 62.
    pub level: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// 0 and 1 are 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
    pub subsampling: u8,
    /// Samples use all values.
    pub full_range: bool,
    /// ISO/IEC 23091-2 code; 2 if unknown.
    pub primaries: u8,
    /// ISO/IEC 23091-2 code; 2 if unknown.
    pub transfer: u8,
    /// ISO/IEC 23091-2 code; 2 if unknown.
    pub matrix: u8,
}

/// Whether decoding may begin at this frame or superframe, whose first frame comes first.
pub fn is_key(frame: &[u8]) -> bool {
    open(&mut BitReader::new(FRAME, frame)).is_ok_and(|head| head.is_some())
}

impl KeyFrame {
    /// Reads a frame; none if it is no key frame.
    ///
    /// # Errors
    /// When the header is cut short or has a value that VP9 forbids.
    pub fn parse(frame: &[u8]) -> Result<Option<Self>, CodecError> {
        let mut bits = BitReader::new(FRAME, frame);
        let Some(profile) = open(&mut bits)? else {
            return Ok(None);
        };
        bits.skip(2)?; // show_frame, error_resilient_mode
        let sync = bits.bits(24)?;
        if sync != SYNC_CODE {
            return Err(invalid(sync));
        }
        let bit_depth = match profile {
            0 | 1 => 8,
            _ if bits.flag()? => 12,
            _ => 10,
        };
        let space = bits.byte(3)?;
        let rgb = space == 7;
        let full_range = rgb || bits.flag()?;
        let subsampling = match (profile & 1 == 1, rgb) {
            (true, true) => {
                bits.skip(1)?;
                3
            }
            (true, false) => {
                let sampling = bits.bits(3)? >> 1;
                subsampling(sampling & 2 != 0, sampling & 1 != 0)?
            }
            (false, true) => return Err(invalid(space.into())),
            (false, false) => 1,
        };
        let width = bits.bits(16)? + 1;
        let height = bits.bits(16)? + 1;
        Ok(Some(Self {
            profile,
            bit_depth,
            subsampling,
            full_range,
            matrix: matrix_of(space),
            video: Video {
                width,
                height,
                fps_milli: 0,
            },
        }))
    }

    /// The record it belongs to. The level is the lowest that holds the size at 30 fps.
    pub const fn config(&self) -> DecoderConfig {
        DecoderConfig {
            profile: self.profile,
            level: level_of(self.video),
            bit_depth: self.bit_depth,
            subsampling: self.subsampling,
            full_range: self.full_range,
            primaries: 2,
            transfer: 2,
            matrix: self.matrix,
        }
    }
}

impl DecoderConfig {
    /// Reads a record; what follows its eight bytes is not read.
    ///
    /// # Errors
    /// When it is cut short, or names a depth or profile that VP9 does not have.
    pub fn parse(record: &[u8]) -> Result<Self, CodecError> {
        let Some(&[profile, level, form, primaries, transfer, matrix, _, _]) =
            record.first_chunk::<RECORD_BYTES>()
        else {
            return Err(CodecError::Truncated {
                what: WHAT,
                bytes: record.len(),
            });
        };
        let bit_depth = form >> 4;
        if profile > 3 || !matches!(bit_depth, 8 | 10 | 12) {
            return Err(CodecError::Invalid {
                what: WHAT,
                value: u64::from(profile) << 8 | u64::from(form),
            });
        }
        Ok(Self {
            profile,
            level,
            bit_depth,
            subsampling: form >> 1 & 7,
            full_range: form & 1 == 1,
            primaries,
            transfer,
            matrix,
        })
    }

    /// The record's bytes.
    pub fn build(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(RECORD_BYTES);
        out.put_slice(&[
            self.profile,
            self.level,
            self.bit_depth << 4 | (self.subsampling & 7) << 1 | u8::from(self.full_range),
            self.primaries,
            self.transfer,
            self.matrix,
            0,
            0,
        ]);
        out.freeze()
    }

    /// VP binding §4, such as `vp09.00.30.08`.
    pub fn codec_string(&self) -> String {
        format!(
            "vp09.{:02}.{:02}.{:02}",
            self.profile, self.level, self.bit_depth
        )
    }
}

/// Reads up to and with `frame_type`: the profile of a key frame, or none.
fn open(bits: &mut BitReader<'_>) -> Result<Option<u8>, CodecError> {
    let marker = bits.bits(2)?;
    if marker != 2 {
        return Err(invalid(marker));
    }
    let profile = bits.byte(1)? | bits.byte(1)? << 1;
    if profile == 3 {
        bits.skip(1)?;
    }
    let existing = bits.flag()?;
    Ok((!existing && !bits.flag()?).then_some(profile))
}

fn invalid(value: u32) -> CodecError {
    CodecError::Invalid {
        what: FRAME,
        value: value.into(),
    }
}

const fn subsampling(x: bool, y: bool) -> Result<u8, CodecError> {
    match (x, y) {
        (true, true) => Ok(1),
        (true, false) => Ok(2),
        (false, false) => Ok(3),
        (false, true) => Err(CodecError::Unsupported {
            what: "VP9 with 4:4:0 sampling",
        }),
    }
}

/// `color_space` (VP9 §7.2.2) as matrix coefficients.
const fn matrix_of(space: u8) -> u8 {
    match space {
        1 => 5,
        2 => 1,
        3 => 6,
        4 => 7,
        5 => 9,
        7 => 0,
        _ => 2,
    }
}

/// VP9 annex A, by samples of a picture; sides are not looked at.
const fn level_of(video: Video) -> u8 {
    match video.width as u64 * video.height as u64 {
        0..=36_864 => 10,
        36_865..=73_728 => 11,
        73_729..=122_880 => 20,
        122_881..=245_760 => 21,
        245_761..=552_960 => 30,
        552_961..=983_040 => 31,
        983_041..=2_228_224 => 40,
        2_228_225..=8_912_896 => 50,
        _ => 60,
    }
}
