//! Sequence parameter sets (ITU-T H.265 §7.3.2.2, §7.3.3, annex E).

use crate::codec::CodecError;
use crate::codec::bits::BitReader;
use crate::codec::h264::{SQUARE, fps_milli, parse_sample_aspect};
use crate::codec::nal;
use crate::frame::Video;

const WHAT: &str = "H.265 SPS";
/// Above level 6.2 (16 888 samples a side); keeps arithmetic far from overflow.
const MAX_SIDE: u32 = 65_535;

/// What a decoder must be able to do (§7.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// `general_profile_space`, 0 to 3.
    pub profile_space: u8,
    /// `general_tier_flag`.
    pub high_tier: bool,
    /// `general_profile_idc`, 0 to 31.
    pub profile_idc: u8,
    /// `general_profile_compatibility_flag[0]` in the most significant bit.
    pub compatibility: u32,
    /// The 48 bits from `general_progressive_source_flag` on.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level's number.
    pub level_idc: u8,
}

/// What a sequence parameter set says about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// Of the whole stream, all sub-layers.
    pub general: ProfileTierLevel,
    /// `sps_max_sub_layers_minus1 + 1`.
    pub temporal_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub temporal_id_nested: bool,
    /// `sps_seq_parameter_set_id`.
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
    /// `sps_max_num_reorder_pics` of the highest layer: pictures that may be decoded before one
    /// that is shown earlier; `None` if it does not parse.
    pub reorder: Option<u8>,
}

impl Sps {
    /// Reads a NAL unit, its two-byte header and emulation prevention included.
    ///
    /// Only the frame rate stands behind the reference picture sets; if they or the VUI do
    /// not parse, the rate is 0 and the rest holds.
    ///
    /// # Errors
    /// When the fields up to the bit depths are cut short or out of range.
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        let rbsp = nal::unescape(nal);
        let mut bits = BitReader::new(WHAT, &rbsp);
        bits.skip(16 + 4)?; // NAL header, sps_video_parameter_set_id
        let max_sub_layers_minus1 = bits.byte(3)?;
        let temporal_id_nested = bits.flag()?;
        let general = ProfileTierLevel::parse(&mut bits, max_sub_layers_minus1)?;
        let id = bits.ue_max("sps_seq_parameter_set_id", 15)? as u8;
        let chroma_format_idc = bits.ue_max("chroma_format_idc", 3)? as u8;
        if chroma_format_idc == 3 {
            bits.skip(1)?; // separate_colour_plane_flag
        }
        let (width, height) = parse_size(&mut bits, chroma_format_idc)?;
        let bit_depth_luma = 8 + bits.ue_max("bit_depth_luma_minus8", 8)? as u8;
        let bit_depth_chroma = 8 + bits.ue_max("bit_depth_chroma_minus8", 8)? as u8;
        let order = parse_order(&mut bits, max_sub_layers_minus1);
        let reorder = order.as_ref().ok().map(|order| order.reorder);
        let mut sample_aspect = SQUARE;
        let rate = order.and_then(|order| parse_rate(&mut bits, &order, &mut sample_aspect));
        let fps_milli = rate.unwrap_or(0);
        Ok(Self {
            general,
            temporal_layers: max_sub_layers_minus1 + 1,
            temporal_id_nested,
            id,
            chroma_format_idc,
            bit_depth_luma,
            bit_depth_chroma,
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

impl ProfileTierLevel {
    fn parse(bits: &mut BitReader<'_>, max_sub_layers_minus1: u8) -> Result<Self, CodecError> {
        let profile_space = bits.byte(2)?;
        let high_tier = bits.flag()?;
        let profile_idc = bits.byte(5)?;
        let compatibility = bits.bits(32)?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = bits.byte(8)?;
        }
        let level_idc = bits.byte(8)?;
        let mut present = Vec::with_capacity(8);
        for _ in 0..max_sub_layers_minus1 {
            present.push((bits.flag()?, bits.flag()?));
        }
        if max_sub_layers_minus1 > 0 {
            bits.skip(2 * usize::from(8 - max_sub_layers_minus1))?; // reserved_zero_2bits
        }
        for (profile, level) in present {
            bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
        }
        Ok(Self {
            profile_space,
            high_tier,
            profile_idc,
            compatibility,
            constraints,
            level_idc,
        })
    }
}

/// Width and height in luma samples, conformance window applied (§7.4.3.2.1).
fn parse_size(bits: &mut BitReader<'_>, chroma: u8) -> Result<(u32, u32), CodecError> {
    let width = bits.ue_max("pic_width_in_luma_samples", MAX_SIDE)?;
    let height = bits.ue_max("pic_height_in_luma_samples", MAX_SIDE)?;
    let window = if bits.flag()? {
        [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?]
    } else {
        [0; 4]
    };
    let [left, right, top, bottom] = window.map(u64::from);
    let unit_x = if matches!(chroma, 1 | 2) { 2 } else { 1 };
    let unit_y = if chroma == 1 { 2 } else { 1 };
    let cropped = |size: u32, cut: u64| match u64::from(size).checked_sub(cut) {
        Some(left) if left > 0 => Ok(left as u32),
        _ => Err(CodecError::Invalid {
            what: "H.265 SPS conformance window",
            value: cut,
        }),
    };
    Ok((
        cropped(width, unit_x * (left + right))?,
        cropped(height, unit_y * (top + bottom))?,
    ))
}

/// What stands between the bit depths and the block sizes.
struct Order {
    poc_bits: u32,
    reorder: u8,
}

fn parse_order(bits: &mut BitReader<'_>, max_sub_layers_minus1: u8) -> Result<Order, CodecError> {
    let poc_bits = bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)? + 4;
    let first = if bits.flag()? {
        0
    } else {
        max_sub_layers_minus1
    };
    let mut reorder = 0;
    for _ in first..=max_sub_layers_minus1 {
        bits.ue()?; // sps_max_dec_pic_buffering_minus1
        reorder = bits.ue_max("sps_max_num_reorder_pics", 16)? as u8;
        bits.ue()?; // sps_max_latency_increase_plus1
    }
    Ok(Order { poc_bits, reorder })
}

/// Everything from the block sizes to the VUI's timing.
fn parse_rate(
    bits: &mut BitReader<'_>,
    order: &Order,
    sample_aspect: &mut (u16, u16),
) -> Result<u32, CodecError> {
    skip_codes(bits, 6)?; // block sizes and transform depths
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag()? {
        bits.skip(8)?; // PCM bit depths
        skip_codes(bits, 2)?;
        bits.skip(1)?;
    }
    skip_reference_sets(bits)?;
    if bits.flag()? {
        let count = bits.ue_max("num_long_term_ref_pics_sps", 32)?;
        bits.skip(count as usize * (order.poc_bits as usize + 1))?;
    }
    bits.skip(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.flag()? {
        *sample_aspect = parse_sample_aspect(bits)?;
        parse_vui_rate(bits)
    } else {
        Ok(0)
    }
}

fn skip_codes(bits: &mut BitReader<'_>, count: u32) -> Result<(), CodecError> {
    for _ in 0..count {
        bits.ue()?;
    }
    Ok(())
}

/// §7.3.4.
fn skip_scaling_lists(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    for size in 0..4u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.ue()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            let coefficients = 64.min(1 << (4 + 2 * size));
            if size > 1 {
                bits.se()?; // scaling_list_dc_coef_minus8
            }
            skip_codes(bits, coefficients)?;
        }
    }
    Ok(())
}

/// The short-term reference picture sets (§7.3.7); each may build on the one before it.
fn skip_reference_sets(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    const MAX_PICTURES: u32 = 16;
    let sets = bits.ue_max("num_short_term_ref_pic_sets", 64)?;
    let mut pictures = 0; // of the set before (NumDeltaPocs)
    for set in 0..sets {
        if set > 0 && bits.flag()? {
            bits.skip(1)?; // delta_rps_sign
            bits.ue()?;
            let mut kept = 0;
            for _ in 0..=pictures {
                // used_by_curr_pic_flag, else use_delta_flag
                if bits.flag()? || bits.flag()? {
                    kept += 1;
                }
            }
            pictures = kept;
        } else {
            let negative = bits.ue_max("num_negative_pics", MAX_PICTURES)?;
            let positive = bits.ue_max("num_positive_pics", MAX_PICTURES)?;
            pictures = negative + positive;
            for _ in 0..pictures {
                bits.ue()?; // delta_poc_minus1
                bits.skip(1)?;
            }
        }
    }
    Ok(())
}

/// Frames per 1000 s from the VUI's timing (§E.2.1), behind its sample aspect; 0 if there is none.
fn parse_vui_rate(bits: &mut BitReader<'_>) -> Result<u32, CodecError> {
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
        skip_codes(bits, 2)?; // chroma_sample_loc_type
    }
    bits.skip(3)?; // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
    if bits.flag()? {
        skip_codes(bits, 4)?; // default display window
    }
    if !bits.flag()? {
        return Ok(0);
    }
    let units_in_tick = bits.bits(32)?;
    let time_scale = bits.bits(32)?;
    Ok(fps_milli(time_scale, units_in_tick.into()))
}
