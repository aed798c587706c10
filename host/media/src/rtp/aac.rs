//! AAC-hbr (RFC 3640 §3.3.6): 13 bits of size and 3 of index before each access unit.

use super::nal::Head;
use bytes::{Bytes, BytesMut};

/// Access units of one packet beyond which it is not a real one.
const MAX_UNITS: usize = 64;

/// The largest that 13 bits can tell.
pub(super) const MAX_UNIT_BYTES: usize = 0x1fff;

/// Length of the headers in bits, and the one header: before a unit, or before a part of it.
pub(super) fn head(unit_bytes: usize) -> Head {
    let header = (unit_bytes as u16) << 3;
    let [high, low] = header.to_be_bytes();
    Head::new(&[0, 16, high, low])
}

/// What one payload brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// Whole units, each 1024 samples after the last.
    Units(Vec<Bytes>),
    /// A part of one of so many bytes.
    Part(usize, Bytes),
}

/// Takes a payload apart; `None` if it contradicts itself.
pub(super) fn parse(payload: &Bytes) -> Option<Parsed> {
    let bits = payload.get(..2)?;
    let bits = bits
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let count = bits / 16;
    if bits % 16 != 0 || count == 0 || count > MAX_UNITS {
        return None;
    }
    let headers = payload.get(2..2 + 2 * count)?;
    let sizes = headers.chunks_exact(2).map(|pair| match pair {
        [high, low] => usize::from(u16::from_be_bytes([*high, *low]) >> 3),
        _ => 0,
    });
    let mut rest = payload.slice(2 + 2 * count..);
    let mut units = Vec::with_capacity(count);
    for size in sizes {
        if size > rest.len() {
            let whole = count == 1 && !rest.is_empty();
            return whole.then_some(Parsed::Part(size, rest));
        }
        units.push(rest.split_to(size));
    }
    Some(Parsed::Units(units))
}

/// A unit that comes in parts.
#[derive(Debug, Default)]
pub(super) struct Parts {
    timestamp: u32,
    wanted: usize,
    bytes: BytesMut,
}

impl Parts {
    /// Adds a part; the unit once it is whole.
    pub(super) fn push(&mut self, timestamp: u32, wanted: usize, part: &Bytes) -> Option<Bytes> {
        if (self.timestamp, self.wanted) != (timestamp, wanted) {
            self.clear();
            (self.timestamp, self.wanted) = (timestamp, wanted);
        }
        self.bytes.extend_from_slice(part);
        if self.bytes.len() < wanted {
            return None;
        }
        let whole = self.bytes.split().freeze();
        self.clear();
        (whole.len() == wanted).then_some(whole)
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.wanted = 0;
    }
}
