//! The sequence header (AV1 §5.5).

use crate::codec::CodecError;
use crate::codec::bits::BitReader;
use crate::frame::Video;

const WHAT: &str = "AV1 sequence header";

/// What a sequence header says of its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceHeader {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx[0]`: 0 is level 2.0, 31 no limit.
    pub level_idx: u8,
    /// `seq_tier[0]`: 1 is High.
    pub tier: u8,
    /// The largest picture, and the rate where timing is signalled.
    pub video: Video,
    /// How samples are coded.
    pub color: Color,
}

/// `color_config` (AV1 §5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Luma alone.
    pub monochrome: bool,
    /// Chroma has half the width.
    pub subsampling_x: bool,
    /// Chroma has half the height.
    pub subsampling_y: bool,
    /// `chroma_sample_position`; 0 if unknown.
    pub sample_position: u8,
    /// ISO/IEC 23091-2 code; 2 if not signalled.
    pub primaries: u8,
    /// ISO/IEC 23091-2 code; 2 if not signalled.
    pub transfer: u8,
    /// ISO/IEC 23091-2 code; 2 if not signalled.
    pub matrix: u8,
    /// Samples use all values.
    pub full_range: bool,
}

impl SequenceHeader {
    /// Reads the payload of a sequence header OBU.
    ///
    /// # Errors
    /// When it is cut short or names a reserved profile.
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        let mut bits = BitReader::new(WHAT, payload);
        let profile = bits.byte(3)?;
        if profile > 2 {
            return Err(CodecError::Invalid {
                what: "AV1 seq_profile",
                value: profile.into(),
            });
        }
        bits.skip(1)?; // still_picture
        let reduced = bits.flag()?;
        let (fps_milli, level_idx, tier) = if reduced {
            (0, bits.byte(5)?, 0)
        } else {
            let (fps_milli, delay_bits) = timing(&mut bits)?;
            let (level_idx, tier) = operating_points(&mut bits, delay_bits)?;
            (fps_milli, level_idx, tier)
        };
        let width_bits = bits.bits(4)? + 1;
        let height_bits = bits.bits(4)? + 1;
        let width = bits.bits(width_bits)? + 1;
        let height = bits.bits(height_bits)? + 1;
        skip_tools(&mut bits, reduced)?;
        let color = Color::parse(&mut bits, profile)?;
        Ok(Self {
            profile,
            level_idx,
            tier,
            video: Video {
                width,
                height,
                fps_milli,
            },
            color,
        })
    }
}

impl Color {
    fn parse(bits: &mut BitReader<'_>, profile: u8) -> Result<Self, CodecError> {
        let high = bits.flag()?;
        let twelve = profile == 2 && high && bits.flag()?;
        let bit_depth = match (twelve, high) {
            (true, _) => 12,
            (false, true) => 10,
            (false, false) => 8,
        };
        let monochrome = profile != 1 && bits.flag()?;
        let (primaries, transfer, matrix) = if bits.flag()? {
            (bits.byte(8)?, bits.byte(8)?, bits.byte(8)?)
        } else {
            (2, 2, 2)
        };
        let mut color = Self {
            bit_depth,
            monochrome,
            subsampling_x: true,
            subsampling_y: true,
            sample_position: 0,
            primaries,
            transfer,
            matrix,
            full_range: true,
        };
        // sRGB: BT.709 primaries, the sRGB curve, identity matrix.
        if !monochrome && (primaries, transfer, matrix) == (1, 13, 0) {
            (color.subsampling_x, color.subsampling_y) = (false, false);
            return Ok(color);
        }
        color.full_range = bits.flag()?;
        if monochrome {
            return Ok(color);
        }
        (color.subsampling_x, color.subsampling_y) = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if twelve => {
                let x = bits.flag()?;
                (x, x && bits.flag()?)
            }
            _ => (true, false),
        };
        if color.subsampling_x && color.subsampling_y {
            color.sample_position = bits.byte(2)?;
        }
        Ok(color)
    }
}

/// `timing_info` and `decoder_model_info`: frames per 1000 s (0 if not equal or not said), and
/// the length of buffer delays in bits, if there is a decoder model.
fn timing(bits: &mut BitReader<'_>) -> Result<(u32, Option<u32>), CodecError> {
    if !bits.flag()? {
        return Ok((0, None));
    }
    let tick = u64::from(bits.bits(32)?);
    let scale = u64::from(bits.bits(32)?);
    let mut fps_milli = 0;
    if bits.flag()? {
        // num_ticks_per_picture_minus_1 is uvlc(), which is ue(v) by another name (§4.10.3).
        let ticks = u64::from(bits.ue()?) + 1;
        let rate = (scale * 1000).checked_div(tick * ticks).unwrap_or(0);
        fps_milli = u32::try_from(rate).unwrap_or(0);
    }
    if !bits.flag()? {
        return Ok((fps_milli, None));
    }
    let delay_bits = bits.bits(5)? + 1;
    bits.skip(32 + 5 + 5)?;
    Ok((fps_milli, Some(delay_bits)))
}

/// Level and tier of the first operating point, which is the whole stream.
fn operating_points(
    bits: &mut BitReader<'_>,
    delay_bits: Option<u32>,
) -> Result<(u8, u8), CodecError> {
    let display_delays = bits.flag()?;
    let count = bits.bits(5)? + 1;
    let mut first = None;
    for _ in 0..count {
        bits.skip(12)?; // operating_point_idc
        let level = bits.byte(5)?;
        let tier = if level > 7 { bits.byte(1)? } else { 0 };
        first.get_or_insert((level, tier));
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits as usize + 1)?;
        }
        if display_delays && bits.flag()? {
            bits.skip(4)?;
        }
    }
    Ok(first.unwrap_or_default())
}

/// From frame ids to loop restoration: coding tools, of which only the lengths matter here.
fn skip_tools(bits: &mut BitReader<'_>, reduced: bool) -> Result<(), CodecError> {
    if !reduced && bits.flag()? {
        bits.skip(4 + 3)?; // frame id lengths
    }
    bits.skip(3)?; // superblock size, filter intra, intra edge filter
    if !reduced {
        bits.skip(4)?; // interintra, masked, warped, dual filter
        let order_hint = bits.flag()?;
        if order_hint {
            bits.skip(2)?;
        }
        let screen_content = bits.flag()? || bits.flag()?;
        if screen_content && !bits.flag()? {
            bits.skip(1)?; // seq_force_integer_mv
        }
        if order_hint {
            bits.skip(3)?;
        }
    }
    bits.skip(3) // superres, cdef, restoration
}
