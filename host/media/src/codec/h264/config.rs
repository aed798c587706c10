//! `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).

use super::{NalType, Sps};
use crate::codec::CodecError;
use crate::codec::nal::LengthSize;
use crate::frame::Video;
use bytes::{BufMut, Bytes, BytesMut};

const WHAT: &str = "AVCDecoderConfigurationRecord";
const MAX_SPS: usize = 31;
const MAX_PPS: usize = 255;

/// The parameter sets of a stream, and how its units are framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecoderConfig {
    /// `AVCProfileIndication`.
    pub profile_idc: u8,
    /// `profile_compatibility`: the constraint flags.
    pub constraints: u8,
    /// `AVCLevelIndication`.
    pub level_idc: u8,
    /// Of the units of each access unit.
    pub length_size: LengthSize,
    /// At least one and at most 31; each with its NAL header.
    pub sps: Vec<Bytes>,
    /// At most 255.
    pub pps: Vec<Bytes>,
}

impl DecoderConfig {
    /// From parameter sets; profile and level are those of the first SPS.
    ///
    /// # Errors
    /// When the first SPS does not parse, or a list is longer than the record can hold.
    pub fn new(sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<Self, CodecError> {
        let Some(first) = sps.first() else {
            return Err(CodecError::Invalid {
                what: "number of H.264 SPS",
                value: 0,
            });
        };
        let Sps {
            profile_idc,
            constraints,
            level_idc,
            ..
        } = Sps::parse(first)?;
        check_count("number of H.264 SPS", sps.len(), MAX_SPS)?;
        check_count("number of H.264 PPS", pps.len(), MAX_PPS)?;
        for set in sps.iter().chain(&pps) {
            check_count(
                "length of an H.264 parameter set",
                set.len(),
                u16::MAX.into(),
            )?;
        }
        let length_size = LengthSize::Four;
        Ok(Self {
            profile_idc,
            constraints,
            level_idc,
            length_size,
            sps,
            pps,
        })
    }

    /// Reads a record. Its extension for the high profiles repeats the SPS and is not read.
    ///
    /// # Errors
    /// When it is cut short, has another version than 1, or has no SPS.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        let truncated = CodecError::Truncated {
            what: WHAT,
            bytes: record.len(),
        };
        let Some(&[version, profile_idc, constraints, level_idc, lengths, count]) =
            record.first_chunk::<6>()
        else {
            return Err(truncated);
        };
        if version != 1 {
            return Err(CodecError::Invalid {
                what: WHAT,
                value: version.into(),
            });
        }
        let length_size = LengthSize::from_minus_one(lengths)?;
        let mut rest = record.slice(6..);
        let sps = take_sets(&mut rest, count & 0x1f, NalType::Sps).ok_or(truncated)?;
        if sps.is_empty() {
            return Err(CodecError::Invalid {
                what: "number of H.264 SPS",
                value: 0,
            });
        }
        let pps_count = *rest.first().ok_or(truncated)?;
        let mut rest = rest.slice(1..);
        let pps = take_sets(&mut rest, pps_count, NalType::Pps).ok_or(truncated)?;
        Ok(Self {
            profile_idc,
            constraints,
            level_idc,
            length_size,
            sps,
            pps,
        })
    }

    /// The record's bytes, with the extension that profiles above Extended need.
    pub fn build(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_slice(&[1, self.profile_idc, self.constraints, self.level_idc]);
        out.put_u8(0xfc | (self.length_size.bytes() - 1) as u8);
        out.put_u8(0xe0 | self.sps.len().min(MAX_SPS) as u8);
        put_sets(&mut out, &self.sps, MAX_SPS);
        out.put_u8(self.pps.len().min(MAX_PPS) as u8);
        put_sets(&mut out, &self.pps, MAX_PPS);
        let extension = !matches!(self.profile_idc, 66 | 77 | 88);
        if let (true, Some(Ok(sps))) = (extension, self.sps.first().map(|set| Sps::parse(set))) {
            out.put_u8(0xfc | sps.chroma_format_idc);
            out.put_u8(0xf8 | (sps.bit_depth_luma - 8));
            out.put_u8(0xf8 | (sps.bit_depth_chroma - 8));
            out.put_u8(0); // no SPS extensions
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

    /// RFC 6381 §3.3, such as `avc1.64001F`.
    pub fn codec_string(&self) -> String {
        format!(
            "avc1.{:02X}{:02X}{:02X}",
            self.profile_idc, self.constraints, self.level_idc
        )
    }
}

fn check_count(what: &'static str, count: usize, max: usize) -> Result<(), CodecError> {
    match count {
        count if count <= max => Ok(()),
        count => Err(CodecError::Invalid {
            what,
            value: count as u64,
        }),
    }
}

/// Takes `count` sets off the front; leaves out those of another type (seen in the field:
/// an SEI among the PPS).
fn take_sets(rest: &mut Bytes, count: u8, wanted: NalType) -> Option<Vec<Bytes>> {
    let mut sets = Vec::with_capacity(count.into());
    for _ in 0..count {
        let len = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let set = rest.get(2..2 + len).map(|set| rest.slice_ref(set))?;
        *rest = rest.slice(2 + len..);
        if NalType::of(&set) == Some(wanted) {
            sets.push(set);
        }
    }
    Some(sets)
}

fn put_sets(out: &mut BytesMut, sets: &[Bytes], max: usize) {
    for set in sets.iter().take(max) {
        let set = set
            .get(..set.len().min(u16::MAX.into()))
            .unwrap_or_default();
        out.put_u16(set.len() as u16);
        out.put_slice(set);
    }
}
