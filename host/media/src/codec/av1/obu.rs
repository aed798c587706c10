//! Open bitstream units of a temporal unit in the low-overhead format (AV1 §5.2, §5.3).

use crate::codec::bits::BitReader;

/// What an OBU holds (AV1 §6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObuKind {
    /// Size, profile and tools of what follows.
    SequenceHeader,
    /// The start of a temporal unit; containers that frame units leave it out.
    TemporalDelimiter,
    /// A frame's header alone.
    FrameHeader,
    /// A frame's tiles.
    TileGroup,
    /// HDR figures, timecodes and the like.
    Metadata,
    /// A header with its tiles.
    Frame,
    /// A frame's header, repeated.
    RedundantFrameHeader,
    /// Tiles of large scale tile coding.
    TileList,
    /// Stuffing.
    Padding,
    /// Reserved.
    Other(u8),
}

/// One unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obu<'a> {
    /// What it holds.
    pub kind: ObuKind,
    /// With its header and size field.
    pub whole: &'a [u8],
    /// Without them.
    pub payload: &'a [u8],
}

/// The units of a temporal unit; ends at the first one whose lengths do not add up.
///
/// A unit without a size field reaches to the end, as the last unit of a sample may
/// (AV1 in ISOBMFF §2.4).
pub fn obus(bytes: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (obu, after) = take(rest)?;
        rest = after;
        Some(obu)
    })
}

/// Whether a unit belongs into a frame's payload: all but delimiters, padding and tile lists
/// (AV1 in ISOBMFF §2.4).
pub const fn in_frame(kind: ObuKind) -> bool {
    !matches!(
        kind,
        ObuKind::TemporalDelimiter | ObuKind::TileList | ObuKind::Padding
    )
}

/// The first sequence header of a temporal unit, with its OBU header.
pub fn sequence_header(unit: &[u8]) -> Option<Obu<'_>> {
    obus(unit).find(|obu| obu.kind == ObuKind::SequenceHeader)
}

/// Whether decoding may begin at this temporal unit: its first frame is a key frame and shown
/// (AV1 §7.6.1; the sequence header may come out of band).
pub fn is_key(unit: &[u8]) -> bool {
    obus(unit)
        .find(|obu| matches!(obu.kind, ObuKind::Frame | ObuKind::FrameHeader))
        .is_some_and(|obu| {
            // show_existing_frame 0, frame_type KEY_FRAME (0), show_frame 1 (AV1 §5.9.2).
            // Still pictures with a reduced header have none of these and are no streams.
            let mut bits = BitReader::new("AV1 frame header", obu.payload);
            bits.bits(4) == Ok(0b0001)
        })
}

fn take(bytes: &[u8]) -> Option<(Obu<'_>, &[u8])> {
    let (&header, rest) = bytes.split_first()?;
    if header & 0x80 != 0 {
        return None; // obu_forbidden_bit
    }
    let has_extension = header & 0x04 != 0;
    let rest = rest.get(usize::from(has_extension)..)?;
    let (length, body) = if header & 0x02 != 0 {
        leb128(rest)?
    } else {
        (rest.len(), rest)
    };
    let (payload, after) = body.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - after.len())?;
    let kind = kind_of(header >> 3 & 0x0F);
    Some((
        Obu {
            kind,
            whole,
            payload,
        },
        after,
    ))
}

/// `leb128()` (AV1 §4.10.5), at most eight bytes.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((value as usize, bytes.get(at + 1..)?));
        }
    }
    None
}

const fn kind_of(value: u8) -> ObuKind {
    match value {
        1 => ObuKind::SequenceHeader,
        2 => ObuKind::TemporalDelimiter,
        3 => ObuKind::FrameHeader,
        4 => ObuKind::TileGroup,
        5 => ObuKind::Metadata,
        6 => ObuKind::Frame,
        7 => ObuKind::RedundantFrameHeader,
        8 => ObuKind::TileList,
        15 => ObuKind::Padding,
        other => ObuKind::Other(other),
    }
}
