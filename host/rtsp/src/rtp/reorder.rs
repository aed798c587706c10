//! Packets in their order, as far as that can be had without much waiting.

use super::Packet;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Packets held while one is missing.
const MAX_HELD: usize = 256;

/// How long a missing packet is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A step beyond this is a sender that began anew, not loss (RFC 3550 appendix A.1).
const MAX_STEP: u64 = 3000;

/// Puts the packets of one sender in order. What is missing for 100 ms, or for 256 packets, is
/// given up.
#[derive(Debug, Default)]
pub struct Reorder {
    /// Extended sequence number that is to follow.
    next: Option<u64>,
    ssrc: u32,
    held: BTreeMap<u64, Packet>,
    /// Since when one is missing.
    waiting: Option<Instant>,
    /// A packet far off: if the next one follows it, the sender began anew.
    astray: Option<u16>,
    lost: u64,
}

impl Reorder {
    /// Takes a packet, appends those that are in order now to `out`.
    pub fn push(&mut self, now: Instant, packet: Packet, out: &mut Vec<Packet>) {
        let sequence = packet.header.sequence;
        let next = match self.next {
            Some(next) if packet.header.ssrc == self.ssrc => next,
            _ => self.begin(&packet, out),
        };
        let number = extend(next, sequence);
        if number.abs_diff(next) > MAX_STEP {
            if self.astray.replace(sequence.wrapping_add(1)) != Some(sequence) {
                return;
            }
            self.begin(&packet, out);
            self.held.insert(self.next.unwrap_or_default(), packet);
        } else if number < next {
            return; // twice, or too late
        } else {
            self.held.insert(number, packet);
        }
        self.astray = None;
        self.release(now, out);
    }

    /// Gives up what was waited for long enough; to be called when nothing comes, too.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Packet>) {
        self.release(now, out);
    }

    /// When to call [`Reorder::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.map(|since| since + PATIENCE)
    }

    /// Packets given up so far.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// A sender's first packet: what is held of another goes out first.
    fn begin(&mut self, packet: &Packet, out: &mut Vec<Packet>) -> u64 {
        out.extend(std::mem::take(&mut self.held).into_values());
        self.waiting = None;
        self.ssrc = packet.header.ssrc;
        // One turn ahead, so that packets before the first have a number too.
        let next = (1 << 16) + u64::from(packet.header.sequence);
        self.next = Some(next);
        next
    }

    fn release(&mut self, now: Instant, out: &mut Vec<Packet>) {
        while let Some((&first, _)) = self.held.first_key_value() {
            let next = self.next.unwrap_or(first);
            if first > next {
                let since = *self.waiting.get_or_insert(now);
                if now < since + PATIENCE && self.held.len() <= MAX_HELD {
                    return;
                }
                self.lost += first - next;
            }
            self.waiting = None;
            out.extend(self.held.remove(&first));
            self.next = Some(first + 1);
        }
        self.waiting = None;
    }
}

/// The extended number nearest to `next` that ends in `sequence`.
fn extend(next: u64, sequence: u16) -> u64 {
    let ahead = sequence.wrapping_sub(next as u16);
    match ahead < 0x8000 {
        true => next + u64::from(ahead),
        false => next.saturating_sub(u64::from(ahead.wrapping_neg())),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // A test's time has to begin somewhere.
mod tests {
    use super::*;
    use crate::rtp::Header;
    use bytes::Bytes;

    fn packet(sequence: u16) -> Packet {
        let header = Header {
            sequence,
            ..Header::default()
        };
        let payload = Bytes::new();
        Packet { header, payload }
    }

    fn fed(reorder: &mut Reorder, now: Instant, sequences: &[u16]) -> Vec<u16> {
        let mut out = Vec::new();
        for sequence in sequences {
            reorder.push(now, packet(*sequence), &mut out);
        }
        out.iter().map(|packet| packet.header.sequence).collect()
    }

    #[test]
    fn order_is_restored_over_a_wrap_and_doubles_are_dropped() {
        let mut reorder = Reorder::default();
        let now = Instant::now();
        let out = fed(
            &mut reorder,
            now,
            &[65533, 65535, 65534, 65534, 1, 0, 65533, 2],
        );
        assert_eq!(out, [65533, 65534, 65535, 0, 1, 2]);
        assert_eq!(reorder.lost(), 0);
    }

    #[test]
    fn a_missing_packet_is_waited_for_only_so_long() {
        let mut reorder = Reorder::default();
        let now = Instant::now();
        assert_eq!(fed(&mut reorder, now, &[1, 3, 4]), [1]);
        let mut out = Vec::new();
        assert_eq!(reorder.poll_timeout(), Some(now + PATIENCE));
        reorder.handle_timeout(now + PATIENCE, &mut out);
        assert_eq!(out.len(), 2);
        assert_eq!((reorder.lost(), reorder.poll_timeout()), (1, None));
        let many: Vec<u16> = (6..6 + MAX_HELD as u16 + 1).collect();
        assert_eq!(fed(&mut reorder, now, &many), many);
        assert_eq!(reorder.lost(), 2);
    }

    #[test]
    fn a_sender_that_begins_anew_is_followed_but_a_stray_packet_is_not() {
        let mut reorder = Reorder::default();
        let now = Instant::now();
        assert_eq!(fed(&mut reorder, now, &[1, 30_000, 2]), [1, 2]);
        assert_eq!(
            fed(&mut reorder, now, &[40_000, 40_001, 40_002]),
            [40_001, 40_002]
        );
    }
}
