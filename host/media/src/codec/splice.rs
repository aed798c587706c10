//! What a splice information section says (ANSI/SCTE 35 §9.6 to §10.3): as much of it as playlists
//! and manifests need.

use super::CodecError;
use super::bits::BitReader;
use super::scte35::check;
use crate::Ticks90k;
use crate::timeline::TS_WRAP;

/// Which way a splice leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Away from the programme: a break begins.
    Out,
    /// Back to it.
    In,
    /// Neither: a chapter, a programme's start, a private command.
    Other,
}

/// One section, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice {
    /// Which way it leads.
    pub direction: Direction,
    /// `splice_event_id`, or `segmentation_event_id`.
    pub event: Option<u32>,
    /// The event of that number is called off.
    pub cancelled: bool,
    /// When, on the clock of the programme modulo 2^33, `pts_adjustment` applied; `None`: at once.
    pub time: Option<Ticks90k>,
    /// How long the break or the segment is meant to last.
    pub duration: Option<Ticks90k>,
    /// `splice_null`: only says that somebody is there.
    pub heartbeat: bool,
}

impl Splice {
    const fn of(direction: Direction) -> Self {
        Self {
            direction,
            event: None,
            cancelled: false,
            time: None,
            duration: None,
            heartbeat: false,
        }
    }

    /// Reads a whole section. What is encrypted, and commands that are not known here, are
    /// [`Direction::Other`] at once.
    ///
    /// # Errors
    /// When [`check`] fails, or a field goes beyond the section.
    pub fn read(section: &[u8]) -> Result<Self, CodecError> {
        check(section)?;
        let body = section.get(..section.len() - CRC_BYTES).unwrap_or_default();
        let mut bits = BitReader::new(WHAT, body);
        bits.skip(8 + 4 + 12 + 8)?;
        let encrypted = bits.flag()?;
        bits.skip(6)?;
        let adjustment = long(&mut bits, 33)?;
        bits.skip(8 + 12)?;
        let length = bits.bits(12)?;
        let kind = bits.bits(8)?;
        if encrypted {
            return Ok(Self::of(Direction::Other));
        }
        let mut splice = match kind {
            SPLICE_NULL => Self {
                heartbeat: true,
                ..Self::of(Direction::Other)
            },
            SPLICE_INSERT => insert(&mut bits)?,
            TIME_SIGNAL => {
                let time = splice_time(&mut bits)?;
                // Older equipment does not tell the length of its command.
                let end = match length {
                    0xFFF => body.len() - bits.left() / 8,
                    told => COMMAND_AT + told as usize,
                };
                let descriptors = body.get(end..).unwrap_or_default();
                let segment = segmentation(descriptors)?;
                Self {
                    time,
                    ..segment.unwrap_or(Self::of(Direction::Other))
                }
            }
            _ => Self::of(Direction::Other),
        };
        splice.time = splice
            .time
            .map(|time| Ticks90k((time.0 + adjustment).rem_euclid(TS_WRAP)));
        Ok(splice)
    }
}

/// A field of 33 to 63 bits.
fn long(bits: &mut BitReader<'_>, count: u32) -> Result<i64, CodecError> {
    let high = i64::from(bits.bits(count - 32)?);
    Ok((high << 32) | i64::from(bits.bits(32)?))
}

const WHAT: &str = "SCTE-35 section";
const CRC_BYTES: usize = 4;
/// Where the command begins.
const COMMAND_AT: usize = 14;

/// `splice_command_type` (§9.6.1).
const SPLICE_NULL: u32 = 0;
const SPLICE_INSERT: u32 = 5;
const TIME_SIGNAL: u32 = 6;

/// `splice_insert()` (§9.7.3).
fn insert(bits: &mut BitReader<'_>) -> Result<Splice, CodecError> {
    let event = Some(bits.bits(32)?);
    let cancelled = bits.flag()?;
    bits.skip(7)?;
    if cancelled {
        return Ok(Splice {
            event,
            cancelled,
            ..Splice::of(Direction::Other)
        });
    }
    let out = bits.flag()?;
    let whole_program = bits.flag()?;
    let has_duration = bits.flag()?;
    let immediate = bits.flag()?;
    bits.skip(4)?;
    let mut time = None;
    if whole_program {
        if !immediate {
            time = splice_time(bits)?;
        }
    } else {
        // Components splice by themselves; the first tells when.
        for component in 0..bits.bits(8)? {
            bits.skip(8)?;
            let own = if immediate { None } else { splice_time(bits)? };
            if component == 0 {
                time = own;
            }
        }
    }
    let duration = if has_duration {
        bits.skip(7)?;
        Some(Ticks90k(long(bits, 33)?))
    } else {
        None
    };
    let direction = if out { Direction::Out } else { Direction::In };
    Ok(Splice {
        event,
        time,
        duration,
        ..Splice::of(direction)
    })
}

/// `splice_time()` (§9.8.1).
fn splice_time(bits: &mut BitReader<'_>) -> Result<Option<Ticks90k>, CodecError> {
    if !bits.flag()? {
        bits.skip(7)?;
        return Ok(None);
    }
    bits.skip(6)?;
    Ok(Some(Ticks90k(long(bits, 33)?)))
}

/// The first segmentation descriptor of a descriptor loop (§10.3.3).
fn segmentation(descriptors: &[u8]) -> Result<Option<Splice>, CodecError> {
    let mut rest = descriptors.get(2..).unwrap_or_default();
    while let [tag, length, after @ ..] = rest {
        let (body, next) = after
            .split_at_checked(usize::from(*length))
            .unwrap_or((after, &[]));
        if let (2, Some(body)) = (*tag, body.strip_prefix(b"CUEI")) {
            return segment(body).map(Some);
        }
        rest = next;
    }
    Ok(None)
}

fn segment(body: &[u8]) -> Result<Splice, CodecError> {
    let mut bits = BitReader::new(WHAT, body);
    let event = Some(bits.bits(32)?);
    let cancelled = bits.flag()?;
    bits.skip(7)?;
    if cancelled {
        return Ok(Splice {
            event,
            cancelled,
            ..Splice::of(Direction::Other)
        });
    }
    let whole_program = bits.flag()?;
    let has_duration = bits.flag()?;
    bits.skip(6)?;
    if !whole_program {
        for _ in 0..bits.bits(8)? {
            bits.skip(48)?;
        }
    }
    let duration = if has_duration {
        Some(Ticks90k(long(&mut bits, 40)?))
    } else {
        None
    };
    bits.skip(8)?;
    let upid_bytes = bits.bits(8)?;
    bits.skip(8 * upid_bytes as usize)?;
    Ok(Splice {
        event,
        duration,
        ..Splice::of(direction(bits.bits(8)?))
    })
}

/// By `segmentation_type_id` (§10.3.3.1): breaks, advertisements, placement opportunities and
/// blocks of either, whose ends are odd.
const fn direction(kind: u32) -> Direction {
    match kind {
        0x22 | 0x30 | 0x32 | 0x34 | 0x36 | 0x44 | 0x46 => Direction::Out,
        0x23 | 0x31 | 0x33 | 0x35 | 0x37 | 0x45 | 0x47 => Direction::In,
        _ => Direction::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    /// The examples of SCTE 35 §14, as other decoders read them.
    #[test]
    fn the_standards_examples_say_what_the_standard_says_of_them() {
        let start = Splice::read(&bytes(
            "FC3034000000000000FFFFF00506FE72BD0050001E021C435545494800008E7FCF0001A599B00808000000002CA0A18A3402009AC9D17E",
        ));
        assert_eq!(
            start,
            Ok(Splice {
                event: Some(0x4800_008E),
                time: Some(Ticks90k(0x0_72BD_0050)),
                duration: Some(Ticks90k(0x1_A599B0)),
                ..Splice::of(Direction::Out)
            })
        );
        let insert = Splice::read(&bytes(
            "FC302F000000000000FFFFF014054800008F7FEFFE7369C02EFE0052CCF500000000000A0008435545490000013562DBA30A",
        ));
        assert_eq!(
            insert,
            Ok(Splice {
                event: Some(0x4800_008F),
                time: Some(Ticks90k(0x0_7369_C02E)),
                duration: Some(Ticks90k(0x52_CCF5)),
                ..Splice::of(Direction::Out)
            })
        );
        let end = Splice::read(&bytes(
            "FC302F000000000000FFFFF00506FEAEBFFF640019021743554549480000087F9F0808000000002CA56CF5170000951DB0A8",
        ));
        assert_eq!(
            end.map(|it| (it.direction, it.event)),
            Ok((Direction::Other, Some(0x4800_0008)))
        );
    }

    #[test]
    fn a_section_that_ends_within_a_field_is_an_error() {
        let whole = bytes(
            "FC302F000000000000FFFFF014054800008F7FEFFE7369C02EFE0052CCF500000000000A0008435545490000013562DBA30A",
        );
        for end in 14..30 {
            let mut cut = whole[..end].to_vec();
            let crc = crate::ts::psi::crc32(&cut);
            cut.extend(crc.to_be_bytes());
            assert!(Splice::read(&cut).is_err(), "{end}");
        }
    }
}
