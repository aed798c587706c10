//! `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1).

use super::{NalType, ProfileTierLevel, Sps};
use crate::codec::CodecError;
use crate::codec::nal::LengthSize;
use crate::frame::Video;
use bytes::{Buf, BufMut, Bytes, BytesMut};

const WHAT: &str = "HEVCDecoderConfigurationRecord";
/// Array types with `array_completeness` set: no such unit is in the stream itself.
const VPS_SPS_PPS: [u8; 3] = [0x80 | 32, 0x80 | 33, 0x80 | 34];

/// The parameter sets of a stream, and how its units are framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecoderConfig {
    /// What a decoder must be able to do.
    pub general: ProfileTierLevel,
    /// Of the units of each access unit.
    pub length_size: LengthSize,
    /// Each with its NAL header.
    pub vps: Vec<Bytes>,
    /// At least one.
    pub sps: Vec<Bytes>,
    /// Any number.
    pub pps: Vec<Bytes>,
}

impl DecoderConfig {
    /// From parameter sets; profile, tier and level are those of the first SPS.
    ///
    /// # Errors
    /// When the first SPS does not parse, or a set is longer than the record can hold.
    pub fn new(vps: Vec<Bytes>, sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<Self, CodecError> {
        let Some(first) = sps.first() else {
            return Err(CodecError::Invalid {
                what: "number of H.265 SPS",
                value: 0,
            });
        };
        let general = Sps::parse(first)?.general;
        for list in [&vps, &sps, &pps] {
            check_u16("number of H.265 parameter sets", list.len())?;
            for set in list {
                check_u16("length of an H.265 parameter set", set.len())?;
            }
        }
        Ok(Self {
            general,
            length_size: LengthSize::Four,
            vps,
            sps,
            pps,
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is cut short, has another version than 1, or has no SPS.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        let truncated = CodecError::Truncated {
            what: WHAT,
            bytes: record.len(),
        };
        let Some(head) = record.first_chunk::<23>() else {
            return Err(truncated);
        };
        let &[
            version,
            profile,
            c0,
            c1,
            c2,
            c3,
            k0,
            k1,
            k2,
            k3,
            k4,
            k5,
            level_idc,
            ..,
        ] = head;
        let [.., lengths, arrays] = *head;
        // Some muxers in the field wrote version 0 before the standard was final.
        if version > 1 {
            return Err(CodecError::Invalid {
                what: WHAT,
                value: version.into(),
            });
        }
        let mut config = Self {
            general: ProfileTierLevel {
                profile_space: profile >> 6,
                high_tier: profile & 0x20 != 0,
                profile_idc: profile & 0x1f,
                compatibility: u32::from_be_bytes([c0, c1, c2, c3]),
                constraints: [k0, k1, k2, k3, k4, k5],
                level_idc,
            },
            length_size: LengthSize::from_minus_one(lengths)?,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
        };
        let mut rest = record.slice(head.len()..);
        for _ in 0..arrays {
            config.take_array(&mut rest).ok_or(truncated)?;
        }
        if config.sps.is_empty() {
            return Err(CodecError::Invalid {
                what: "number of H.265 SPS",
                value: 0,
            });
        }
        Ok(config)
    }

    /// Takes one array off the front; units that are no parameter sets are left out.
    fn take_array(&mut self, rest: &mut Bytes) -> Option<()> {
        let (_, count) = (rest.try_get_u8().ok()?, rest.try_get_u16().ok()?);
        for _ in 0..count {
            let len = usize::from(rest.try_get_u16().ok()?);
            if rest.len() < len {
                return None;
            }
            let set = rest.split_to(len);
            match NalType::of(&set) {
                Some(NalType::Vps) => self.vps.push(set),
                Some(NalType::Sps) => self.sps.push(set),
                Some(NalType::Pps) => self.pps.push(set),
                _ => {}
            }
        }
        Some(())
    }

    /// The record's bytes. Frame rate and parallelism are written as unknown.
    pub fn build(&self) -> Bytes {
        let general = &self.general;
        let sps = self.sps.first().and_then(|set| Sps::parse(set).ok());
        let (chroma, luma_depth, chroma_depth) = sps.map_or((1, 8, 8), |sps| {
            (
                sps.chroma_format_idc,
                sps.bit_depth_luma,
                sps.bit_depth_chroma,
            )
        });
        let (layers, nested) = sps.map_or((1, true), |s| (s.temporal_layers, s.temporal_id_nested));
        let mut out = BytesMut::new();
        out.put_u8(1);
        out.put_u8(
            general.profile_space << 6 | u8::from(general.high_tier) << 5 | general.profile_idc,
        );
        out.put_u32(general.compatibility);
        out.put_slice(&general.constraints);
        out.put_u8(general.level_idc);
        out.put_u16(0xf000); // min_spatial_segmentation_idc
        out.put_u8(0xfc); // parallelismType
        out.put_u8(0xfc | chroma);
        out.put_u8(0xf8 | (luma_depth - 8));
        out.put_u8(0xf8 | (chroma_depth - 8));
        out.put_u16(0); // avgFrameRate
        let length_size = (self.length_size.bytes() - 1) as u8;
        out.put_u8((layers & 7) << 3 | u8::from(nested) << 2 | length_size);
        let lists = [&self.vps, &self.sps, &self.pps];
        out.put_u8(lists.iter().filter(|list| !list.is_empty()).count() as u8);
        for (list, kind) in lists.into_iter().zip(VPS_SPS_PPS) {
            put_array(&mut out, kind, list);
        }
        out.freeze()
    }

    /// Size and rate by the first SPS.
    ///
    /// # Errors
    /// When that SPS does not parse.
    pub fn video(&self) -> Result<Video, CodecError> {
        let first = self.sps.first().map(Bytes::as_ref).unwrap_or_default();
        Ok(Sps::parse(first)?.video)
    }

    /// ISO/IEC 14496-15 §E.3, such as `hvc1.1.6.L93.B0`.
    pub fn codec_string(&self) -> String {
        let general = &self.general;
        let space = ["", "A", "B", "C"]
            .get(usize::from(general.profile_space))
            .unwrap_or(&"");
        let tier = if general.high_tier { 'H' } else { 'L' };
        let mut name = format!(
            "hvc1.{space}{}.{:X}.{tier}{}",
            general.profile_idc,
            general.compatibility.reverse_bits(),
            general.level_idc
        );
        let used = general
            .constraints
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        for byte in general.constraints.iter().take(used) {
            name.push_str(&format!(".{byte:X}"));
        }
        name
    }
}

fn check_u16(what: &'static str, count: usize) -> Result<(), CodecError> {
    match u16::try_from(count) {
        Ok(_) => Ok(()),
        Err(_) => Err(CodecError::Invalid {
            what,
            value: count as u64,
        }),
    }
}

fn put_array(out: &mut BytesMut, kind: u8, list: &[Bytes]) {
    let max = usize::from(u16::MAX);
    if list.is_empty() {
        return;
    }
    out.put_u8(kind);
    out.put_u16(list.len().min(max) as u16);
    for set in list.iter().take(max) {
        let set = set.get(..set.len().min(max)).unwrap_or_default();
        out.put_u16(set.len() as u16);
        out.put_slice(set);
    }
}
