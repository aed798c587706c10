//! Sections put together from packets.

use crate::ts::packet::Packet;

/// The longest section (private ones; PAT and PMT end at 1024).
pub const MAX_SECTION_BYTES: usize = 4096;

/// CRC of sections (ISO/IEC 13818-1 annex A); zero over a section with its own CRC.
pub fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        crc << 8 ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)]
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04C1_1DB7
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// Collects the sections of one PID, at most [`MAX_SECTION_BYTES`] at a time.
#[derive(Debug, Default)]
pub struct Sections {
    partial: Vec<u8>,
    collecting: bool,
    counter: Option<u8>,
}

impl Sections {
    /// Takes a packet of the PID, calls `complete` with each section that ends in it.
    ///
    /// Lengths are checked, the CRC is not. A lost packet drops the section it belonged to.
    pub fn push(&mut self, packet: Packet<'_>, mut complete: impl FnMut(&[u8])) {
        if !packet.has_payload() || packet.transport_error() || packet.scrambled() {
            return;
        }
        let counter = packet.continuity();
        let last = self.counter.replace(counter);
        if last == Some(counter) {
            return;
        }
        if last.is_some_and(|last| (last + 1) & 0x0F != counter) {
            self.reset();
        }
        let payload = packet.payload();
        if !packet.unit_start() {
            return self.extend(payload, &mut complete);
        }
        let Some((&pointer, payload)) = payload.split_first() else {
            return;
        };
        let Some((end, start)) = payload.split_at_checked(usize::from(pointer)) else {
            return self.reset();
        };
        self.extend(end, &mut complete);
        self.reset();
        self.collecting = true;
        self.extend(start, &mut complete);
    }

    fn reset(&mut self) {
        self.partial.clear();
        self.collecting = false;
    }

    fn extend(&mut self, bytes: &[u8], complete: &mut impl FnMut(&[u8])) {
        if !self.collecting {
            return;
        }
        self.partial.extend_from_slice(bytes);
        let mut rest = self.partial.as_slice();
        // 0xFF where a table id would be: stuffing up to the end of the packet.
        while let [id, high, low, ..] = rest {
            let length = 3 + usize::from(u16::from_be_bytes([high & 0x0F, *low]));
            if *id == 0xFF || length > MAX_SECTION_BYTES {
                return self.reset();
            }
            let Some((section, after)) = rest.split_at_checked(length) else {
                break;
            };
            complete(section);
            rest = after;
        }
        if rest.first() == Some(&0xFF) {
            return self.reset();
        }
        let done = self.partial.len() - rest.len();
        self.partial.drain(..done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_matches_the_check_value_of_crc32_mpeg2() {
        assert_eq!(crc32(b"123456789"), 0x0376_E6E7);
    }
}
