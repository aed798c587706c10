//! Counting bytes and their rate, cheaply enough for every packet.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts bytes; knows the rate over the last second or so.
#[derive(Debug)]
pub struct Meter {
    bytes: AtomicU64,
    sample: Mutex<Sample>,
}

#[derive(Debug)]
struct Sample {
    at: Instant,
    bytes: u64,
    rate_bps: u64,
}

/// A rate is taken anew once its window is this long.
const WINDOW: Duration = Duration::from_secs(1);

impl Meter {
    /// Starts at zero.
    pub fn new(now: Instant) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            sample: Mutex::new(Sample {
                at: now,
                bytes: 0,
                rate_bps: 0,
            }),
        }
    }

    /// Counts bytes; wait-free.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes counted so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bits per second over the last window. Ask at least every few seconds (the registry's
    /// sweep does), or the window grows.
    pub fn rate_bps(&self, now: Instant) -> u64 {
        let mut sample = self.sample.lock();
        let elapsed = now.saturating_duration_since(sample.at);
        if elapsed >= WINDOW {
            let bytes = self.bytes();
            let bits = bytes.saturating_sub(sample.bytes) as f64 * 8.0;
            *sample = Sample {
                at: now,
                bytes,
                rate_bps: (bits / elapsed.as_secs_f64()) as u64,
            };
        }
        sample.rate_bps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_covers_the_last_full_window() {
        let t0 = Instant::now();
        let meter = Meter::new(t0);
        meter.add(125_000);
        assert_eq!(
            meter.rate_bps(t0 + Duration::from_millis(500)),
            0,
            "window not full yet"
        );
        assert_eq!(meter.rate_bps(t0 + Duration::from_secs(1)), 1_000_000);
        assert_eq!(meter.rate_bps(t0 + Duration::from_secs(2)), 0);
        assert_eq!(meter.bytes(), 125_000);
    }
}
