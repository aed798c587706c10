//! NAL units in their two framings: behind start codes (H.264 and HEVC annex B, in MPEG-TS)
//! and behind lengths (ISO/IEC 14496-15, in FLV, MP4 and our frames).

use super::CodecError;
use bytes::{BufMut, BytesMut};
use memchr::memmem;
use std::borrow::Cow;

const START_CODE: [u8; 3] = [0, 0, 1];

/// NAL units of an Annex B byte stream, without start codes and trailing zero bytes.
///
/// What stands before the first start code is passed over; empty units are left out.
#[derive(Debug)]
pub struct AnnexB<'a> {
    bytes: &'a [u8],
    starts: memmem::FindIter<'a, 'static>,
    /// Where the unit in work begins, just behind its start code.
    begin: Option<usize>,
}

/// Iterates over an Annex B byte stream (ITU-T H.264 annex B, H.265 annex B).
pub fn annex_b(bytes: &[u8]) -> AnnexB<'_> {
    let mut starts = memmem::find_iter(bytes, &START_CODE);
    let begin = starts.next().map(|at| at + START_CODE.len());
    AnnexB {
        bytes,
        starts,
        begin,
    }
}

impl<'a> Iterator for AnnexB<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let begin = self.begin?;
            let next = self.starts.next();
            self.begin = next.map(|at| at + START_CODE.len());
            let nal = trim_zeros(self.bytes.get(begin..next.unwrap_or(self.bytes.len()))?);
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    }
}

/// A NAL unit never ends in a zero byte; zeros there belong to the next start code.
fn trim_zeros(nal: &[u8]) -> &[u8] {
    let len = nal
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    nal.get(..len).unwrap_or_default()
}

/// How many bytes a NAL unit's length takes (`lengthSizeMinusOne + 1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LengthSize {
    /// 1 byte.
    One,
    /// 2 bytes.
    Two,
    /// 4 bytes: what nearly everyone uses, and what our frames use.
    #[default]
    Four,
}

impl LengthSize {
    /// From the two bits of a decoder configuration record.
    ///
    /// # Errors
    /// [`CodecError::Invalid`] for 2 (three bytes), which ISO/IEC 14496-15 reserves.
    pub const fn from_minus_one(bits: u8) -> Result<Self, CodecError> {
        match bits & 3 {
            0 => Ok(Self::One),
            1 => Ok(Self::Two),
            3 => Ok(Self::Four),
            other => Err(CodecError::Invalid {
                what: "lengthSizeMinusOne",
                value: other as u64,
            }),
        }
    }

    /// In bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// NAL units of a length-prefixed access unit; ends after the first error.
#[derive(Debug, Clone)]
pub struct LengthPrefixed<'a> {
    rest: &'a [u8],
    size: LengthSize,
}

/// Iterates over a length-prefixed access unit. Empty units are left out.
pub const fn length_prefixed(bytes: &[u8], size: LengthSize) -> LengthPrefixed<'_> {
    LengthPrefixed { rest: bytes, size }
}

impl<'a> Iterator for LengthPrefixed<'a> {
    type Item = Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let split = self
                .rest
                .split_at_checked(self.size.bytes())
                .and_then(|(head, rest)| {
                    let len = head
                        .iter()
                        .fold(0usize, |len, byte| (len << 8) | usize::from(*byte));
                    rest.split_at_checked(len)
                });
            let Some((nal, rest)) = split else {
                let bytes = self.rest.len();
                self.rest = &[];
                return Some(Err(CodecError::Truncated {
                    what: "length-prefixed NAL unit",
                    bytes,
                }));
            };
            self.rest = rest;
            if !nal.is_empty() {
                return Some(Ok(nal));
            }
        }
        None
    }
}

/// Appends one NAL unit behind a 4-byte length.
///
/// A unit longer than `u32::MAX` cannot be written so, and is left out.
pub fn put_length_prefixed(nal: &[u8], out: &mut BytesMut) {
    if let Ok(len) = u32::try_from(nal.len()) {
        out.put_u32(len);
        out.put_slice(nal);
    }
}

/// Appends one NAL unit behind a 4-byte start code.
pub fn put_annex_b(nal: &[u8], out: &mut BytesMut) {
    out.reserve(nal.len() + 4);
    out.put_slice(&[0, 0, 0, 1]);
    out.put_slice(nal);
}

/// Appends those units of an Annex B stream that `keep` wants, each behind a 4-byte length.
pub fn to_length_prefixed(annexb: &[u8], keep: impl Fn(&[u8]) -> bool, out: &mut BytesMut) {
    out.reserve(annexb.len() + 16);
    for nal in annex_b(annexb).filter(|nal| keep(nal)) {
        put_length_prefixed(nal, out);
    }
}

/// Appends the units of a length-prefixed access unit, each behind a 4-byte start code.
///
/// # Errors
/// [`CodecError::Truncated`] when a length points past the end; the units before it are
/// written.
pub fn to_annex_b(prefixed: &[u8], size: LengthSize, out: &mut BytesMut) -> Result<(), CodecError> {
    out.reserve(prefixed.len() + 16);
    for nal in length_prefixed(prefixed, size) {
        put_annex_b(nal?, out);
    }
    Ok(())
}

/// The unit without emulation prevention bytes: `00 00 03` becomes `00 00`
/// (ITU-T H.264 §7.4.1.1, H.265 §7.4.2.3). Borrows if there are none.
pub fn unescape(nal: &[u8]) -> Cow<'_, [u8]> {
    let mut clean = Vec::new();
    let mut from = 0;
    for at in memmem::find_iter(nal, &[0, 0, 3]) {
        clean.extend_from_slice(nal.get(from..at + 2).unwrap_or_default());
        from = at + 3;
    }
    if from == 0 {
        return Cow::Borrowed(nal);
    }
    clean.extend_from_slice(nal.get(from..).unwrap_or_default());
    Cow::Owned(clean)
}
