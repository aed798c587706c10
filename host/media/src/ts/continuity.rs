//! The continuity counter of one PID (ISO/IEC 13818-1 §2.4.3.3).

use super::packet::{Adaptation, Packet};

/// What a packet's counter says about the packets before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// It is the next one, or the first, or carries no payload.
    Next,
    /// The one before, sent twice: to be ignored.
    Duplicate,
    /// Packets are missing.
    Gap,
    /// The counter jumps, as the packet itself announces.
    Announced,
}

/// Follows the counter of one PID.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counter(u8);

impl Counter {
    const SEEN: u8 = 0x80;
    const REPEATED: u8 = 0x40;

    /// Judges `packet`, and remembers its counter.
    pub fn judge(&mut self, packet: Packet<'_>) -> Continuity {
        if !packet.has_payload() {
            return Continuity::Next;
        }
        let found = packet.continuity();
        let before = *self;
        self.0 = Self::SEEN | found;
        let last = before.0 & 0x0F;
        if before.0 & Self::SEEN == 0 || found == (last + 1) & 0x0F {
            return Continuity::Next;
        }
        if packet.adaptation().is_some_and(Adaptation::discontinuity) {
            return Continuity::Announced;
        }
        // A packet may be sent twice, not three times.
        if found == last && before.0 & Self::REPEATED == 0 {
            self.0 |= Self::REPEATED;
            return Continuity::Duplicate;
        }
        Continuity::Gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ts::PACKET_BYTES;

    fn judge(counter: &mut Counter, control: u8, adaptation: &[u8]) -> Continuity {
        let mut bytes = [0xFF; PACKET_BYTES];
        bytes[..4].copy_from_slice(&[0x47, 1, 0, control]);
        bytes[4..4 + adaptation.len()].copy_from_slice(adaptation);
        counter.judge(Packet::new(&bytes).unwrap())
    }

    #[test]
    fn counts_wrap_and_gaps_show() {
        let mut counter = Counter::default();
        for control in [0x1E, 0x1F, 0x10, 0x11] {
            assert_eq!(judge(&mut counter, control, &[]), Continuity::Next);
        }
        assert_eq!(judge(&mut counter, 0x13, &[]), Continuity::Gap);
        assert_eq!(judge(&mut counter, 0x14, &[]), Continuity::Next);
    }

    #[test]
    fn one_duplicate_is_legal_and_a_third_copy_is_not() {
        let mut counter = Counter::default();
        assert_eq!(judge(&mut counter, 0x15, &[]), Continuity::Next);
        assert_eq!(judge(&mut counter, 0x15, &[]), Continuity::Duplicate);
        assert_eq!(judge(&mut counter, 0x15, &[]), Continuity::Gap);
    }

    #[test]
    fn packets_without_payload_do_not_count_and_announced_jumps_are_no_gap() {
        let mut counter = Counter::default();
        assert_eq!(judge(&mut counter, 0x15, &[]), Continuity::Next);
        assert_eq!(judge(&mut counter, 0x25, &[183, 0]), Continuity::Next);
        assert_eq!(judge(&mut counter, 0x3C, &[1, 0x80]), Continuity::Announced);
        assert_eq!(judge(&mut counter, 0x1D, &[]), Continuity::Next);
    }
}
