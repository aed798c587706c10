//! Marked datagrams of a transport stream, paced.

use crate::marker::{DATAGRAM, Mark, PACKET, mark_datagram};
use crate::os;
use anyhow::{Result, ensure};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a sender sends what is due.
const TICK: Duration = Duration::from_millis(1);

/// Most datagrams handed out at once: what the kernel takes as one segmented send.
const MOST: usize = 48;

/// Which datagrams are sent, and which of them count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Datagrams in a second, of each stream.
    pub(crate) per_second: u64,
    /// Seconds before counting begins.
    pub(crate) warm_up: Duration,
    /// Seconds that count.
    pub(crate) window: Duration,
}

impl Schedule {
    /// At about this many megabits a second.
    pub(crate) fn new(megabits: f64, warm_up: Duration, window: Duration) -> Self {
        Self {
            per_second: (megabits * 1e6 / 8.0 / DATAGRAM as f64) as u64,
            warm_up,
            window,
        }
    }

    /// The sequence numbers that count.
    pub(crate) fn counted(&self) -> Range<u64> {
        let after = |time: Duration| (self.per_second as f64 * time.as_secs_f64()) as u64;
        after(self.warm_up)..after(self.warm_up + self.window)
    }
}

/// Hands out datagrams when they are due, back to back, until `stop` or a little after those
/// that count.
pub(crate) fn pace(
    packets: &[u8],
    schedule: &Schedule,
    stop: &AtomicBool,
    mut send: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<()> {
    os::sleep_precisely();
    let mut loops = Loop::new(packets)?;
    let mut buffer = vec![0; MOST * DATAGRAM];
    let (began, mut sequence) = (Instant::now(), 0);
    let end = schedule.counted().end + schedule.per_second / 4;
    while sequence < end && !stop.load(Ordering::Relaxed) {
        let elapsed = began.elapsed();
        let due = (elapsed.as_secs_f64() * schedule.per_second as f64) as u64;
        while sequence < due.min(end) {
            let count = (due.min(end) - sequence).min(MOST as u64) as usize;
            let batch = buffer.get_mut(..count * DATAGRAM).unwrap_or_default();
            for datagram in batch.chunks_exact_mut(DATAGRAM) {
                loops.fill(datagram);
                mark_datagram(
                    datagram,
                    Mark {
                        sequence,
                        sent_ns: os::monotonic_ns(),
                    },
                );
                sequence += 1;
            }
            send(batch)?;
        }
        std::thread::sleep(TICK.saturating_sub(began.elapsed() - elapsed));
    }
    Ok(())
}

/// Transport packets without end, their continuity counters going on from round to round.
struct Loop<'a> {
    packets: &'a [u8],
    at: usize,
    /// By PID: the next counter.
    continuity: Vec<u8>,
}

impl<'a> Loop<'a> {
    fn new(packets: &'a [u8]) -> Result<Self> {
        ensure!(
            !packets.is_empty() && packets.len().is_multiple_of(PACKET),
            "no transport stream"
        );
        Ok(Self {
            packets,
            at: 0,
            continuity: vec![0; 1 << 13],
        })
    }

    /// Fills six of a datagram's seven packets.
    fn fill(&mut self, datagram: &mut [u8]) {
        for packet in datagram.chunks_exact_mut(PACKET).take(6) {
            let next = self
                .packets
                .get(self.at..self.at + PACKET)
                .unwrap_or_default();
            packet.copy_from_slice(next);
            self.at = (self.at + PACKET) % self.packets.len();
            self.number(packet);
        }
    }

    /// Counts packets that have a payload (ISO/IEC 13818-1 §2.4.3.3).
    fn number(&mut self, packet: &mut [u8]) {
        let [_, high, low, control, ..] = packet else {
            return;
        };
        let pid = usize::from(*high & 0x1F) << 8 | usize::from(*low);
        if let Some(next) = self
            .continuity
            .get_mut(pid)
            .filter(|_| *control & 0x10 != 0)
        {
            *control = *control & 0xF0 | *next;
            *next = (*next + 1) & 0xF;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_counts_is_sent_once_and_continuity_survives_the_loop() {
        let packets: Vec<u8> = (0..9)
            .flat_map(|n| [&[0x47, 0, 0x20, 0x10 | n][..], &[n; 184]].concat())
            .collect();
        let times = Duration::from_millis(50);
        let schedule = Schedule {
            per_second: 2000,
            warm_up: times,
            window: times,
        };
        assert_eq!(schedule.counted(), 100..200);
        let mut sent = Vec::new();
        let mut take = |batch: &[u8]| {
            sent.extend_from_slice(batch);
            Ok(())
        };
        pace(&packets, &schedule, &AtomicBool::new(false), &mut take).unwrap();
        let media = sent.chunks(PACKET).filter(|packet| packet[1] != 0x1F);
        assert!(
            media
                .zip((0..16).cycle())
                .all(|(packet, n)| packet[3] & 0xF == n)
        );
        let sequences = sent
            .chunks(DATAGRAM)
            .map(|one| crate::marker::mark_of(one).unwrap().sequence);
        assert!(sequences.eq(0..700));
    }
}
