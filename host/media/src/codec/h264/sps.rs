//! Sequence parameter sets (ITU-T H.264 §7.3.2.1.1, annex E).

use crate::codec::CodecError;
use crate::codec::bits::BitReader;
use crate::codec::nal;
use crate::frame::Video;

const WHAT: &str = "H.264 SPS";
/// Larger than any level allows; keeps arithmetic far from overflow.
const MAX_MACROBLOCKS_A_SIDE: u32 = 4096;

/// What a sequence parameter set says about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`.
    pub profile_idc: u8,
    /// `constraint_set0_flag` (most significant) to `reserved_zero_2bits`.
    pub constraints: u8,
    /// `level_idc`: ten times the level's number.
    pub level_idc: u8,
    /// `seq_parameter_set_id`.
    pub id: u8,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits a luma sample.
    pub bit_depth_luma: u8,
    /// Bits a chroma sample.
    pub bit_depth_chroma: u8,
    /// Size and rate.
    pub video: Video,
    /// Width to height of a sample; (1, 1) if it is not signalled.
    pub sample_aspect: (u16, u16),
    /// `max_num_reorder_frames`: pictures that may be decoded before one that is shown earlier;
    /// `None` if it is not signalled.
    pub reorder: Option<u8>,
}

impl Sps {
    /// Reads a NAL unit, header byte and emulation prevention included.
    ///
    /// A VUI that is cut short costs only the frame rate: encoders in the field do that.
    ///
    /// # Errors
    /// When the fields up to the cropping are cut short or out of range.
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        let rbsp = nal::unescape(nal);
        let mut bits = BitReader::new(WHAT, &rbsp);
        bits.skip(8)?;
        let profile_idc = bits.byte(8)?;
        let constraints = bits.byte(8)?;
        let level_idc = bits.byte(8)?;
        let id = bits.ue_max("seq_parameter_set_id", 31)? as u8;
        let samples = Samples::parse(&mut bits, profile_idc)?;
        skip_reference_fields(&mut bits)?;
        let (width, height) = parse_size(&mut bits, &samples)?;
        let mut sample_aspect = SQUARE;
        let rate = parse_vui_rate(&mut bits, &mut sample_aspect).unwrap_or_default();
        let reorder = match rate {
            Some(_) => parse_vui_reorder(&mut bits).unwrap_or_default(),
            None => None,
        };
        let fps_milli = rate.unwrap_or(0);
        Ok(Self {
            profile_idc,
            constraints,
            level_idc,
            id,
            chroma_format_idc: samples.chroma_format_idc,
            bit_depth_luma: samples.bit_depth_luma,
            bit_depth_chroma: samples.bit_depth_chroma,
            video: Video {
                width,
                height,
                fps_milli,
            },
            sample_aspect,
            reorder,
        })
    }
}

/// The fields that only the high profiles write.
struct Samples {
    chroma_format_idc: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
    bit_depth_chroma: u8,
}

impl Samples {
    fn parse(bits: &mut BitReader<'_>, profile_idc: u8) -> Result<Self, CodecError> {
        let mut samples = Self {
            chroma_format_idc: 1,
            separate_planes: false,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
        };
        // The list of §7.3.2.1.1.
        if !matches!(
            profile_idc,
            100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
        ) {
            return Ok(samples);
        }
        samples.chroma_format_idc = bits.ue_max("chroma_format_idc", 3)? as u8;
        if samples.chroma_format_idc == 3 {
            samples.separate_planes = bits.flag()?;
        }
        samples.bit_depth_luma = 8 + bits.ue_max("bit_depth_luma_minus8", 6)? as u8;
        samples.bit_depth_chroma = 8 + bits.ue_max("bit_depth_chroma_minus8", 6)? as u8;
        bits.skip(1)?; // qpprime_y_zero_transform_bypass_flag
        if bits.flag()? {
            let lists = if samples.chroma_format_idc == 3 {
                12
            } else {
                8
            };
            for list in 0..lists {
                if bits.flag()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(samples)
    }
}

/// §7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Result<(), CodecError> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(bits.se()?) & 0xff;
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn skip_reference_fields(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    bits.ue_max("log2_max_frame_num_minus4", 12)?;
    match bits.ue_max("pic_order_cnt_type", 2)? {
        0 => {
            bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)?;
        }
        1 => {
            bits.skip(1)?;
            bits.se()?;
            bits.se()?;
            let cycle = bits.ue_max("num_ref_frames_in_pic_order_cnt_cycle", 255)?;
            for _ in 0..cycle {
                bits.se()?;
            }
        }
        _ => {}
    }
    bits.ue()?; // max_num_ref_frames
    bits.skip(1) // gaps_in_frame_num_value_allowed_flag
}

/// Width and height in luma samples, cropping applied (§7.4.2.1.1, equations 7-19 to 7-22).
fn parse_size(bits: &mut BitReader<'_>, samples: &Samples) -> Result<(u32, u32), CodecError> {
    let max = MAX_MACROBLOCKS_A_SIDE - 1;
    let width = 16 * (bits.ue_max("pic_width_in_mbs_minus1", max)? + 1);
    let map_units = bits.ue_max("pic_height_in_map_units_minus1", max)? + 1;
    let fields = if bits.flag()? { 1 } else { 2 };
    if fields == 2 {
        bits.skip(1)?; // mb_adaptive_frame_field_flag
    }
    bits.skip(1)?; // direct_8x8_inference_flag
    let height = 16 * map_units * fields;
    if !bits.flag()? {
        return Ok((width, height));
    }
    let planes = if samples.separate_planes {
        0
    } else {
        samples.chroma_format_idc
    };
    let unit_x = if matches!(planes, 1 | 2) { 2 } else { 1 };
    let unit_y = if planes == 1 { 2 } else { 1 } * fields;
    let (left, right) = (bits.ue()?, bits.ue()?);
    let (top, bottom) = (bits.ue()?, bits.ue()?);
    let cropped = |size: u32, unit: u32, a: u32, b: u32| {
        let cut = u64::from(unit) * (u64::from(a) + u64::from(b));
        match u64::from(size).checked_sub(cut) {
            Some(left) if left > 0 => Ok(left as u32),
            _ => Err(CodecError::Invalid {
                what: "H.264 SPS cropping",
                value: cut,
            }),
        }
    };
    Ok((
        cropped(width, unit_x, left, right)?,
        cropped(height, unit_y, top, bottom)?,
    ))
}

pub(in crate::codec) const SQUARE: (u16, u16) = (1, 1);

/// The VUI's sample aspect ratio (§E.2.1, table E-1; the same in H.265).
pub(in crate::codec) fn parse_sample_aspect(
    bits: &mut BitReader<'_>,
) -> Result<(u16, u16), CodecError> {
    const EXTENDED: u8 = 255;
    const KNOWN: [(u16, u16); 17] = [
        SQUARE,
        SQUARE,
        (12, 11),
        (10, 11),
        (16, 11),
        (40, 33),
        (24, 11),
        (20, 11),
        (32, 11),
        (80, 33),
        (18, 11),
        (15, 11),
        (64, 33),
        (160, 99),
        (4, 3),
        (3, 2),
        (2, 1),
    ];
    if !bits.flag()? {
        return Ok(SQUARE);
    }
    let ratio = match bits.byte(8)? {
        EXTENDED => (bits.bits(16)? as u16, bits.bits(16)? as u16),
        known => KNOWN.get(usize::from(known)).copied().unwrap_or(SQUARE),
    };
    // Zero means unspecified.
    Ok(if ratio.0 == 0 || ratio.1 == 0 {
        SQUARE
    } else {
        ratio
    })
}

/// Frames per 1000 s from the VUI's timing (§E.2.1), 0 if it has none; `None` without a VUI.
fn parse_vui_rate(
    bits: &mut BitReader<'_>,
    sample_aspect: &mut (u16, u16),
) -> Result<Option<u32>, CodecError> {
    if !bits.flag()? {
        return Ok(None);
    }
    *sample_aspect = parse_sample_aspect(bits)?;
    if bits.flag()? {
        bits.skip(1)?; // overscan_appropriate_flag
    }
    if bits.flag()? {
        bits.skip(4)?; // video_format, video_full_range_flag
        if bits.flag()? {
            bits.skip(24)?; // colour primaries, transfer, matrix
        }
    }
    if bits.flag()? {
        bits.ue()?; // chroma_sample_loc_type_top_field
        bits.ue()?;
    }
    if !bits.flag()? {
        return Ok(Some(0));
    }
    let units_in_tick = bits.bits(32)?;
    let time_scale = bits.bits(32)?;
    bits.skip(1)?; // fixed_frame_rate_flag
    // A tick is a field's time, whether or not fields are coded.
    Ok(Some(fps_milli(time_scale, 2 * u64::from(units_in_tick))))
}

/// `max_num_reorder_frames`, behind the VUI's timing (§E.1.1).
fn parse_vui_reorder(bits: &mut BitReader<'_>) -> Result<Option<u8>, CodecError> {
    let nal_hrd = bits.flag()?;
    if nal_hrd {
        skip_hrd(bits)?;
    }
    let vcl_hrd = bits.flag()?;
    if vcl_hrd {
        skip_hrd(bits)?;
    }
    if nal_hrd || vcl_hrd {
        bits.skip(1)?; // low_delay_hrd_flag
    }
    bits.skip(1)?; // pic_struct_present_flag
    if !bits.flag()? {
        return Ok(None);
    }
    bits.skip(1)?; // motion_vectors_over_pic_boundaries_flag
    for _ in 0..4 {
        bits.ue()?; // sizes of pictures and macroblocks, lengths of motion vectors
    }
    Ok(Some(bits.ue_max("max_num_reorder_frames", 16)? as u8))
}

/// §E.1.2.
fn skip_hrd(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    let count = bits.ue_max("cpb_cnt_minus1", 31)? + 1;
    bits.skip(8)?; // bit_rate_scale, cpb_size_scale
    for _ in 0..count {
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?; // cbr_flag
    }
    bits.skip(20) // lengths of delays and offsets
}

/// `time_scale / ticks_a_frame` in frames per 1000 s, rounded; 0 when it makes no sense.
pub(in crate::codec) fn fps_milli(time_scale: u32, ticks_a_frame: u64) -> u32 {
    let scaled = u64::from(time_scale) * 1000;
    (scaled + ticks_a_frame / 2)
        .checked_div(ticks_a_frame)
        .and_then(|fps| u32::try_from(fps).ok())
        .filter(|fps| *fps <= 1_000_000)
        .unwrap_or(0)
}
