//! `AV1CodecConfigurationRecord` (AV1 in ISOBMFF §2.3.3).

use super::obu::sequence_header;
use super::sequence::SequenceHeader;
use crate::codec::CodecError;
use crate::frame::Video;
use bytes::{BufMut, Bytes, BytesMut};

const WHAT: &str = "AV1CodecConfigurationRecord";
/// Marker and version 1.
const MARKER: u8 = 0x81;
/// More OBUs than this are no configuration.
const MAX_OBUS_BYTES: usize = 64 << 10;

/// Profile, level and sample form of a stream, and its sequence header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecoderConfig {
    /// `seq_profile`.
    pub profile: u8,
    /// `seq_level_idx_0`.
    pub level_idx: u8,
    /// `seq_tier_0`.
    pub tier: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Luma alone.
    pub monochrome: bool,
    /// Chroma has half the width.
    pub subsampling_x: bool,
    /// Chroma has half the height.
    pub subsampling_y: bool,
    /// `chroma_sample_position`.
    pub sample_position: u8,
    /// Frames to decode before the first is shown, less one; at most 15.
    pub initial_delay_minus_one: Option<u8>,
    /// The sequence header with its OBU header, and perhaps metadata; empty if it is only sent
    /// with the key frames.
    pub obus: Bytes,
}

impl DecoderConfig {
    /// From a sequence header OBU, as [`super::sequence_header`] finds it.
    ///
    /// # Errors
    /// When there is none in `obus`, or it does not parse.
    pub fn new(obus: &Bytes) -> Result<Self, CodecError> {
        let found = sequence_header(obus).ok_or(CodecError::Truncated {
            what: "AV1 sequence header",
            bytes: obus.len(),
        })?;
        let header = SequenceHeader::parse(found.payload)?;
        Ok(Self {
            profile: header.profile,
            level_idx: header.level_idx,
            tier: header.tier,
            bit_depth: header.color.bit_depth,
            monochrome: header.color.monochrome,
            subsampling_x: header.color.subsampling_x,
            subsampling_y: header.color.subsampling_y,
            sample_position: header.color.sample_position,
            initial_delay_minus_one: None,
            obus: obus.slice_ref(found.whole),
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is cut short, of another version, or unreasonably long.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        let Some(&[marker, profile, form, delay]) = record.first_chunk() else {
            return Err(CodecError::Truncated {
                what: WHAT,
                bytes: record.len(),
            });
        };
        let invalid = |value: u64| CodecError::Invalid { what: WHAT, value };
        if marker != MARKER {
            return Err(invalid(marker.into()));
        }
        if record.len() > MAX_OBUS_BYTES {
            return Err(invalid(record.len() as u64));
        }
        Ok(Self {
            profile: profile >> 5,
            level_idx: profile & 0x1F,
            tier: form >> 7,
            bit_depth: match (form & 0x40 != 0, form & 0x20 != 0) {
                (false, _) => 8,
                (true, false) => 10,
                (true, true) => 12,
            },
            monochrome: form & 0x10 != 0,
            subsampling_x: form & 0x08 != 0,
            subsampling_y: form & 0x04 != 0,
            sample_position: form & 0x03,
            initial_delay_minus_one: (delay & 0x10 != 0).then_some(delay & 0x0F),
            obus: record.slice(4..),
        })
    }

    /// The record's bytes.
    pub fn build(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(4 + self.obus.len());
        out.put_u8(MARKER);
        out.put_u8(self.profile << 5 | self.level_idx & 0x1F);
        out.put_u8(
            self.tier << 7
                | u8::from(self.bit_depth > 8) << 6
                | u8::from(self.bit_depth > 10) << 5
                | u8::from(self.monochrome) << 4
                | u8::from(self.subsampling_x) << 3
                | u8::from(self.subsampling_y) << 2
                | self.sample_position & 3,
        );
        out.put_u8(
            self.initial_delay_minus_one
                .map_or(0, |delay| 0x10 | delay & 0x0F),
        );
        out.put_slice(&self.obus);
        out.freeze()
    }

    /// Size and rate by the sequence header in the record.
    ///
    /// # Errors
    /// When the record has none, or it does not parse.
    pub fn video(&self) -> Result<Video, CodecError> {
        Ok(self.sequence_header()?.video)
    }

    /// The sequence header in the record.
    ///
    /// # Errors
    /// As [`Self::video`].
    pub fn sequence_header(&self) -> Result<SequenceHeader, CodecError> {
        let found = sequence_header(&self.obus).ok_or(CodecError::Truncated {
            what: "AV1 sequence header",
            bytes: self.obus.len(),
        })?;
        SequenceHeader::parse(found.payload)
    }

    /// AV1 in ISOBMFF §5, such as `av01.0.04M.08`; with colour behind it where that is known
    /// to differ from what the short form means (8 fields of BT.709, limited range, 4:2:0).
    pub fn codec_string(&self) -> String {
        let tier = if self.tier == 1 { 'H' } else { 'M' };
        let short = format!(
            "av01.{}.{:02}{tier}.{:02}",
            self.profile, self.level_idx, self.bit_depth
        );
        let Ok(SequenceHeader { color, .. }) = self.sequence_header() else {
            return short;
        };
        let said = |code: u8| if code == 2 { 1 } else { code };
        let long = format!(
            "{}.{}{}{}.{:02}.{:02}.{:02}.{}",
            u8::from(color.monochrome),
            u8::from(color.subsampling_x),
            u8::from(color.subsampling_y),
            color.sample_position,
            said(color.primaries),
            said(color.transfer),
            said(color.matrix),
            u8::from(color.full_range),
        );
        if long == "0.110.01.01.01.0" {
            short
        } else {
            format!("{short}.{long}")
        }
    }
}
