//! PAT and PMT, read.

use super::kind::{StreamKind, descriptor_loop};
use super::section::crc32;
use crate::ts::packet::Pid;

/// Why a section was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PsiError {
    /// Its lengths contradict each other.
    #[error("section of {len} bytes is shorter than its own fields say")]
    Truncated {
        /// Bytes of the section.
        len: usize,
    },
    /// Damaged on the way.
    #[error("section CRC is wrong: the table was damaged on the way")]
    Crc,
    /// Another table than expected on this PID.
    #[error("table id 0x{found:02x} where 0x{expected:02x} belongs")]
    TableId {
        /// What came.
        found: u8,
        /// What should have come.
        expected: u8,
    },
    /// Announced for later (`current_next_indicator` 0).
    #[error("section is not in force yet")]
    NotCurrent,
}

/// One program of the PAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatEntry {
    /// `program_number`; never 0 (which is the network PID).
    pub number: u16,
    /// Where its PMT is.
    pub pmt_pid: Pid,
}

/// Program association table, one section of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pat {
    /// `transport_stream_id`.
    pub stream_id: u16,
    /// 0 to 31.
    pub version: u8,
    /// In the order of the table; at most 253.
    pub programs: Vec<PatEntry>,
}

/// One elementary stream of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PmtStream {
    /// Where it is.
    pub pid: Pid,
    /// `stream_type`.
    pub stream_type: u8,
    /// What that and the descriptors mean.
    pub kind: StreamKind,
    /// From the ISO 639 language descriptor.
    pub language: Option<[u8; 3]>,
}

/// Program map table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pmt {
    /// `program_number`.
    pub number: u16,
    /// 0 to 31.
    pub version: u8,
    /// Which PID carries the clock.
    pub pcr_pid: Pid,
    /// In the order of the table; at most 202.
    pub streams: Vec<PmtStream>,
}

impl Pat {
    /// Reads a section with table id 0.
    pub fn parse(section: &[u8]) -> Result<Self, PsiError> {
        let (stream_id, version, body) = long_section(section, 0x00)?;
        let programs = body
            .as_chunks::<4>()
            .0
            .iter()
            .map(|[a, b, c, d]| (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
            .filter(|(number, _)| *number != 0)
            .map(|(number, pid)| PatEntry {
                number,
                pmt_pid: Pid::new(pid),
            })
            .collect();
        Ok(Self {
            stream_id,
            version,
            programs,
        })
    }
}

impl Pmt {
    /// Reads a section with table id 2.
    pub fn parse(section: &[u8]) -> Result<Self, PsiError> {
        let truncated = PsiError::Truncated { len: section.len() };
        let (number, version, body) = long_section(section, 0x02)?;
        let (&[pcr_high, pcr_low, info_high, info_low], body) =
            body.split_first_chunk().ok_or(truncated)?;
        let info = length12(info_high, info_low);
        let (_, mut rest) = body.split_at_checked(info).ok_or(truncated)?;
        let mut streams = Vec::new();
        while let Some((&[stream_type, pid_high, pid_low, info_high, info_low], after)) =
            rest.split_first_chunk()
        {
            let info = length12(info_high, info_low);
            let (descriptors, after) = after.split_at_checked(info).ok_or(truncated)?;
            streams.push(PmtStream {
                pid: Pid::new(u16::from_be_bytes([pid_high, pid_low])),
                stream_type,
                kind: StreamKind::of(stream_type, descriptors),
                language: language(descriptors),
            });
            rest = after;
        }
        let pcr_pid = Pid::new(u16::from_be_bytes([pcr_high, pcr_low]));
        Ok(Self {
            number,
            version,
            pcr_pid,
            streams,
        })
    }
}

/// The id extension, the version and the body of a section of the long form.
fn long_section(section: &[u8], expected: u8) -> Result<(u16, u8, &[u8]), PsiError> {
    let truncated = PsiError::Truncated { len: section.len() };
    let (body, _crc) = section.split_last_chunk::<4>().ok_or(truncated)?;
    let (&[found, _, _, id_high, id_low, flags, _, _], body) =
        body.split_first_chunk().ok_or(truncated)?;
    if found != expected {
        return Err(PsiError::TableId { found, expected });
    }
    if crc32(section) != 0 {
        return Err(PsiError::Crc);
    }
    if flags & 1 == 0 {
        return Err(PsiError::NotCurrent);
    }
    Ok((
        u16::from_be_bytes([id_high, id_low]),
        flags >> 1 & 0x1F,
        body,
    ))
}

fn length12(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x0F, low]))
}

fn language(descriptors: &[u8]) -> Option<[u8; 3]> {
    descriptor_loop(descriptors)
        .find(|(tag, _)| *tag == 0x0A)
        .and_then(|(_, body)| body.first_chunk().copied())
        .filter(|code| code.iter().all(u8::is_ascii_alphanumeric))
}
