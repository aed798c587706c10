//! When packets that were not received just now are due: by their program clock.

use super::PACKET_BYTES;
use super::packet::{Adaptation, Packet, Pcr, Pid};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// Clock references come at least ten times a second (ISO/IEC 13818-1 §2.7.2); what is further
/// apart is a jump, not time that passes.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// Lets packets go in real time.
///
/// The clock is that of the first PID that carries one. It is followed from one anchor on, so
/// that nothing adds up over hours.
#[derive(Debug, Default)]
pub struct Pacer {
    clock: Option<Clock>,
    /// Media time let go so far, jumps left out.
    elapsed: Duration,
}

#[derive(Debug)]
struct Clock {
    pid: Pid,
    last: Pcr,
    due: Instant,
}

impl Pacer {
    /// No clock known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes from the front of `packets` what may go at `now`. If something stays, it is due at
    /// the time returned.
    pub fn take(&mut self, now: Instant, packets: &mut Bytes) -> (Bytes, Option<Instant>) {
        let mut at = 0;
        let packet_at = |packets: &Bytes, at| {
            let packet = Packet::new(packets.get(at..)?.first_chunk()?)?;
            Some((packet.pid(), packet.adaptation().and_then(Adaptation::pcr)))
        };
        while at < packets.len() {
            if let Some((pid, Some(pcr))) = packet_at(packets, at)
                && let Some(due) = self.due(now, pid, pcr)
                && due > now
            {
                return (packets.split_to(at), Some(due));
            }
            at += PACKET_BYTES;
        }
        (std::mem::take(packets), None)
    }

    /// Media time let go so far.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// When a clock reference is due; the same one asked about again has not moved.
    fn due(&mut self, now: Instant, pid: Pid, pcr: Pcr) -> Option<Instant> {
        let clock = self.clock.get_or_insert(Clock {
            pid,
            last: pcr,
            due: now,
        });
        if clock.pid != pid {
            return None;
        }
        let step = pcr.wrapping_since(clock.last);
        let step = Duration::from_nanos(step.saturating_mul(1_000) / 27);
        clock.last = pcr;
        if step <= LONGEST_STEP {
            clock.due += step;
            self.elapsed += step;
        } else {
            clock.due = clock.due.max(now);
        }
        // Whoever could not keep up goes on from here, and catches nothing up in a burst.
        if now.saturating_duration_since(clock.due) > LONGEST_STEP {
            clock.due = now;
        }
        Some(clock.due)
    }
}
