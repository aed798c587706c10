//! Splice information sections (ANSI/SCTE 35 §9.6): whole or not, and on which clock.

use super::CodecError;
use crate::Ticks90k;
use crate::timeline::TS_WRAP;
use crate::ts::psi::crc32;
use bytes::{Bytes, BytesMut};

const WHAT: &str = "SCTE-35 section";
/// `table_id` of a `splice_info_section`.
pub const TABLE_ID: u8 = 0xFC;
/// Up to and with `splice_command_type`, and the CRC.
const MIN_BYTES: usize = 14 + 4;
/// `pts_adjustment`: the lowest bit of the first byte is the highest of its 33.
const ADJUSTMENT: std::ops::Range<usize> = 4..9;

/// Whether `section` is one, whole and undamaged.
///
/// # Errors
/// When it is another table, shorter than its fields, or its CRC is wrong.
pub fn check(section: &[u8]) -> Result<(), CodecError> {
    let truncated = CodecError::Truncated {
        what: WHAT,
        bytes: section.len(),
    };
    if section.len() < MIN_BYTES {
        return Err(truncated);
    }
    match section.first() {
        Some(&TABLE_ID) if crc32(section) == 0 => Ok(()),
        Some(&TABLE_ID) => Err(CodecError::Invalid {
            what: "CRC of an SCTE-35 section",
            value: crc32(section).into(),
        }),
        other => Err(CodecError::Invalid {
            what: "table id of an SCTE-35 section",
            value: other.copied().unwrap_or_default().into(),
        }),
    }
}

/// The section with all its splice times `by` later, by `pts_adjustment` (§9.6), which stands
/// outside of what may be encrypted. As it is if `by` is zero or it is too short.
pub fn shift(section: &Bytes, by: Ticks90k) -> Bytes {
    let by = by.0.rem_euclid(TS_WRAP);
    if by == 0 || section.len() < MIN_BYTES {
        return section.clone();
    }
    let mut moved = BytesMut::from(&section[..]);
    if let Some([first, rest @ ..]) = moved.get_mut(ADJUSTMENT) {
        let low = rest
            .iter()
            .fold(0i64, |all, byte| all << 8 | i64::from(*byte));
        let sum = ((i64::from(*first & 1) << 32 | low) + by).rem_euclid(TS_WRAP);
        let [.., high, a, b, c, d] = sum.to_be_bytes();
        *first = *first & 0xFE | high;
        rest.copy_from_slice(&[a, b, c, d]);
    }
    let body = moved.len().saturating_sub(4);
    let crc = crc32(moved.get(..body).unwrap_or_default());
    moved.truncate(body);
    moved.extend_from_slice(&crc.to_be_bytes());
    moved.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of SCTE 35 §14.1: a time signal.
    const TIME_SIGNAL: &[u8] = &[
        0xFC, 0x30, 0x34, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xF0, 0x05, 0x06, 0xFE,
        0x72, 0xBD, 0x00, 0x50, 0x00, 0x1E, 0x02, 0x1C, 0x43, 0x55, 0x45, 0x49, 0x48, 0x00, 0x00,
        0x8E, 0x7F, 0xCF, 0x00, 0x01, 0xA5, 0x99, 0xB0, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x2C,
        0xA0, 0xA1, 0x8A, 0x34, 0x02, 0x00, 0x9A, 0xC9, 0xD1, 0x7E,
    ];

    #[test]
    fn the_standards_example_is_whole_and_any_flipped_bit_is_not() {
        assert_eq!(check(TIME_SIGNAL), Ok(()));
        for at in 0..TIME_SIGNAL.len() {
            let mut broken = TIME_SIGNAL.to_vec();
            broken[at] ^= 0x10;
            assert!(check(&broken).is_err(), "{at}");
        }
    }

    #[test]
    fn a_shift_moves_the_adjustment_round_its_33_bits_and_back() {
        let section = Bytes::from_static(TIME_SIGNAL);
        let later = shift(&section, Ticks90k(TS_WRAP - 1));
        assert_eq!(check(&later), Ok(()));
        assert_eq!(later[4..9], [0x01, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(shift(&later, Ticks90k(1)), section);
        assert_eq!(shift(&section, Ticks90k::ZERO), section);
    }
}
