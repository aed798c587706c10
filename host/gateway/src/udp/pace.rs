//! Gathering dense traffic: a little wait before the next read makes one batch of many.
//!
//! Each batch costs a wake-up here and in every reader, and a system call for each output;
//! each datagram in it costs little more. Thin traffic never waits.

use super::timerfd::Timer;
use std::io;
use std::time::{Duration, Instant};

/// How long datagrams may gather. The budget for added latency is 2 ms at the 99th percentile.
const GATHER: Duration = Duration::from_micros(700);

/// A read is worth waiting for if so many datagrams are expected meanwhile: from about 30 Mb/s.
pub(super) const READ: f64 = 2.0;

/// The same of a batch that goes to many outputs: from about 8 Mb/s.
pub(super) const FAN_OUT: f64 = 0.5;

/// Decides when to wait, and waits more finely than the runtime's timers, which count whole
/// milliseconds.
#[derive(Debug)]
pub(super) struct Pace {
    timer: Timer,
    rate: Rate,
    /// Datagrams expected while gathering from which on it pays to wait.
    dense: f64,
}

impl Pace {
    pub(super) fn new(dense: f64) -> io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
            rate: Rate::new(Instant::now()),
            dense,
        })
    }

    /// Notes a batch; true if it pays to wait before the next.
    pub(super) fn is_dense(&mut self, datagrams: usize, now: Instant) -> bool {
        self.rate.note(datagrams, now) * GATHER.as_secs_f64() >= self.dense
    }

    /// Notes datagrams that came while they were gathered.
    pub(super) fn note(&mut self, datagrams: usize) {
        self.rate.count += datagrams;
    }

    /// Lets datagrams gather.
    pub(super) async fn gather(&mut self) -> io::Result<()> {
        self.timer.sleep(GATHER).await
    }
}

/// Datagrams per second, over windows of a few milliseconds.
#[derive(Debug)]
struct Rate {
    since: Instant,
    count: usize,
    per_second: f64,
}

impl Rate {
    const WINDOW: Duration = Duration::from_millis(10);

    fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
            per_second: 0.0,
        }
    }

    fn note(&mut self, datagrams: usize, now: Instant) -> f64 {
        self.count += datagrams;
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= Self::WINDOW {
            self.per_second = self.count as f64 / elapsed.as_secs_f64();
            (self.since, self.count) = (now, 0);
        }
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_traffic_within_two_windows() {
        let t0 = Instant::now();
        let mut rate = Rate::new(t0);
        let mut last = 0.0;
        for ms in 1..=20 {
            last = rate.note(5, t0 + Duration::from_millis(ms));
        }
        assert!((4500.0..=5500.0).contains(&last), "{last}");
        assert!(
            rate.note(1, t0 + Duration::from_secs(1)) < 10.0,
            "a pause is thin"
        );
    }

    #[tokio::test]
    async fn gathering_lasts_its_time_every_time() {
        let mut pace = Pace::new(READ).unwrap();
        for _ in 0..20 {
            let before = Instant::now();
            pace.gather().await.unwrap();
            assert!(before.elapsed() >= GATHER);
        }
    }
}
