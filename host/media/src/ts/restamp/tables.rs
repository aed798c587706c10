//! Versions of PAT and PMT over a change of source.

use crate::ts::PACKET_BYTES;
use crate::ts::packet::{Packet, Pid};
use crate::ts::psi::{Pat, crc32};
use std::collections::HashMap;

/// More tables than any sane multiplex repeats; beyond it they pass as they are.
const MAX_TABLES: usize = 512;

/// The tables sent last. Only sections that lie within one packet, as PAT and PMT nearly
/// always do, are followed; others pass as they are.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pmt_pids: Vec<Pid>,
    sent: HashMap<Key, Sent>,
}

/// PID, table id, id extension, section number.
type Key = (Pid, u8, [u8; 2], u8);

#[derive(Debug)]
struct Sent {
    /// Without version and CRC.
    content: Vec<u8>,
    version: u8,
}

impl Tables {
    /// Whether the PID carries PAT or PMT.
    pub(super) fn carries(&self, pid: Pid) -> bool {
        pid == Pid::PAT || self.pmt_pids.contains(&pid)
    }

    /// Remembers what passes untouched.
    pub(super) fn note(&mut self, packet: Packet<'_>) {
        if let Some(section) = section_of(packet) {
            self.version(packet.pid(), section, true);
        }
    }

    /// Gives the section in `bytes` the version that follows from what was sent.
    pub(super) fn rewrite(&mut self, bytes: &mut [u8; PACKET_BYTES]) {
        let Some(packet) = Packet::new(bytes) else {
            return;
        };
        let Some(section) = section_of(packet) else {
            return;
        };
        let Some(version) = self.version(packet.pid(), section, false) else {
            return;
        };
        let Some(start) = packet.payload_offset() else {
            return;
        };
        let start = start + 1 + usize::from(packet.payload().first().copied().unwrap_or(0));
        let end = start + section.len();
        let Some(section) = bytes.get_mut(start..end) else {
            return;
        };
        set_version(section, version);
    }

    /// The version to send a section with; none if it is not followed.
    fn version(&mut self, pid: Pid, section: &[u8], as_it_is: bool) -> Option<u8> {
        let &[table, _, _, id_high, id_low, flags, number, _] = section.first_chunk()?;
        if crc32(section) != 0 {
            return None;
        }
        if pid == Pid::PAT
            && let Ok(pat) = Pat::parse(section)
        {
            self.pmt_pids = pat.programs.iter().map(|entry| entry.pmt_pid).collect();
        }
        let came = flags >> 1 & 0x1F;
        let content = content(section);
        let key = (pid, table, [id_high, id_low], number);
        let full = self.sent.len() >= MAX_TABLES;
        if let Some(sent) = self.sent.get_mut(&key) {
            if as_it_is {
                sent.version = came;
            } else if sent.content != content {
                sent.version = (sent.version + 1) & 0x1F;
            }
            sent.content = content;
            return Some(sent.version);
        }
        if !full {
            self.sent.insert(
                key,
                Sent {
                    content,
                    version: came,
                },
            );
        }
        Some(came)
    }
}

/// The section that starts and ends in `packet`, if there is one.
fn section_of<'a>(packet: Packet<'a>) -> Option<&'a [u8]> {
    let (&pointer, payload) = packet.payload().split_first()?;
    let section = payload.get(usize::from(pointer)..)?;
    let &[_, high, low] = section.first_chunk()?;
    section.get(..3 + usize::from(u16::from_be_bytes([high & 0x0F, low])))
}

fn content(section: &[u8]) -> Vec<u8> {
    let body = section
        .get(..section.len().saturating_sub(4))
        .unwrap_or_default();
    let mut content = body.to_vec();
    if let Some(flags) = content.get_mut(5) {
        *flags &= 0xC1;
    }
    content
}

fn set_version(section: &mut [u8], version: u8) {
    if let Some(flags) = section.get_mut(5) {
        *flags = *flags & 0xC1 | version << 1;
    }
    if let Some((body, crc)) = section.split_last_chunk_mut::<4>() {
        *crc = crc32(body).to_be_bytes();
    }
}
