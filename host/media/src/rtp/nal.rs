//! What the payload formats of H.264 (RFC 6184) and H.265 (RFC 7798) have in common: units that
//! travel alone, several in one packet, or one in several.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    H264,
    Hevc,
}

/// Types of the structures that hold units (RFC 6184 §5.2, RFC 7798 §4.4).
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const AGGREGATION: u8 = 48;
const FRAGMENTATION: u8 = 49;

const START: u8 = 0x80;
const END: u8 = 0x40;

/// A payload's first bytes that are not of the unit it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    pub(super) bytes: [u8; 4],
    pub(super) len: u8,
}

impl Head {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut head = Self::default();
        for (to, from) in head.bytes.iter_mut().zip(bytes) {
            *to = *from;
            head.len += 1;
        }
        head
    }
}

impl Kind {
    /// Of a unit's own header.
    pub(super) const fn header_bytes(self) -> usize {
        match self {
            Self::H264 => 1,
            Self::Hevc => 2,
        }
    }

    fn unit_type(self, first: u8) -> u8 {
        match self {
            Self::H264 => first & 0x1f,
            Self::Hevc => (first >> 1) & 0x3f,
        }
    }

    /// The first byte of a header with another type in it.
    fn retyped(self, first: u8, kind: u8) -> u8 {
        match self {
            Self::H264 => (first & 0xe0) | kind,
            Self::Hevc => (first & 0x81) | kind << 1,
        }
    }

    /// The fragments of a unit, each with its head; at most `room` bytes each.
    pub(super) fn fragments(self, nal: &Bytes, room: usize) -> Vec<(Head, Bytes)> {
        let header = self.header_bytes();
        let (Some(&first), Some(&second)) = (nal.first(), nal.get(header - 1)) else {
            return Vec::new();
        };
        let kind = self.unit_type(first);
        let body = nal.slice(header..);
        let step = room.saturating_sub(header + 1).max(1);
        let count = body.len().div_ceil(step);
        let fragment = |index: usize| {
            let (from, to) = (index * step, ((index + 1) * step).min(body.len()));
            let start = if index == 0 { START } else { 0 };
            let end = if index + 1 == count { END } else { 0 };
            let flags = start | end | kind;
            let head = match self {
                Self::H264 => Head::new(&[self.retyped(first, FU_A), flags]),
                Self::Hevc => Head::new(&[self.retyped(first, FRAGMENTATION), second, flags]),
            };
            (head, body.slice(from..to))
        };
        (0..count).map(fragment).collect()
    }

    /// One payload of several small units; `None` if they do not fit.
    pub(super) fn aggregate(self, nals: &[&[u8]], room: usize) -> Option<Bytes> {
        let first = *nals.first()?.first()?;
        let mut out = BytesMut::new();
        match self {
            Self::H264 => out.put_u8(self.retyped(first, STAP_A)),
            Self::Hevc => out.put_slice(&[AGGREGATION << 1, 1]),
        }
        for nal in nals {
            out.put_u16(u16::try_from(nal.len()).ok()?);
            out.put_slice(nal);
        }
        (out.len() <= room).then(|| out.freeze())
    }
}

/// What a payload holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// Whole units.
    Units(Vec<Bytes>),
    /// A part of one.
    Fragment {
        /// The unit's own header.
        header: [u8; 2],
        start: bool,
        end: bool,
        body: Bytes,
    },
}

/// Takes a payload apart; `None` if it is cut short or of a structure that nobody may send here.
pub(super) fn parse(kind: Kind, payload: &Bytes) -> Option<Parsed> {
    let first = *payload.first()?;
    let unit_type = kind.unit_type(first);
    match (kind, unit_type) {
        (Kind::H264, 1..=23) => Some(Parsed::Units(vec![payload.clone()])),
        (Kind::H264, STAP_A) => aggregated(payload.slice(1..)).map(Parsed::Units),
        (Kind::H264, FU_A) => {
            let flags = *payload.get(1)?;
            fragment(
                [kind.retyped(first, flags & 0x1f), 0],
                flags,
                payload.slice(2..),
            )
        }
        (Kind::Hevc, 0..AGGREGATION) if payload.len() >= 2 => {
            Some(Parsed::Units(vec![payload.clone()]))
        }
        (Kind::Hevc, AGGREGATION) if payload.len() >= 2 => {
            aggregated(payload.slice(2..)).map(Parsed::Units)
        }
        (Kind::Hevc, FRAGMENTATION) => {
            let (second, flags) = (*payload.get(1)?, *payload.get(2)?);
            let header = [kind.retyped(first, flags & 0x3f), second];
            fragment(header, flags, payload.slice(3..))
        }
        _ => None,
    }
}

fn fragment(header: [u8; 2], flags: u8, body: Bytes) -> Option<Parsed> {
    let (start, end) = (flags & START != 0, flags & END != 0);
    Some(Parsed::Fragment {
        header,
        start,
        end,
        body,
    })
}

fn aggregated(mut rest: Bytes) -> Option<Vec<Bytes>> {
    let mut units = Vec::new();
    while rest.len() >= 2 {
        let length = usize::from(rest.get_u16());
        if length > rest.len() {
            return None;
        }
        let unit = rest.split_to(length);
        if !unit.is_empty() {
            units.push(unit);
        }
    }
    rest.is_empty().then_some(units)
}
