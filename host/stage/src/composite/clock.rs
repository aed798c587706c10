//! When frames are due, and how much sound belongs to each.

use std::time::Duration;

/// Samples of sound a second, of each channel.
pub(super) const SAMPLE_RATE: u32 = 48_000;

/// Frames a second, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    frames: u32,
    seconds: u32,
}

impl Rate {
    /// From frames in 1,000 s. What television rounds (29,970) is exact.
    pub(super) const fn of_milli(milli: u32) -> Self {
        let (frames, seconds) = match milli {
            23_970..=23_980 => (24_000, 1_001),
            29_960..=29_980 => (30_000, 1_001),
            59_930..=59_950 => (60_000, 1_001),
            0 => (1, 1),
            milli => (milli, 1_000),
        };
        Self { frames, seconds }
    }

    /// As FFmpeg takes it.
    pub(super) fn text(self) -> String {
        format!("{}/{}", self.frames, self.seconds)
    }

    /// When frame `n` is due, after frame 0.
    pub(super) const fn due(self, n: u64) -> Duration {
        let nanos = n as u128 * self.seconds as u128 * 1_000_000_000 / self.frames as u128;
        Duration::from_nanos(nanos as u64)
    }

    /// The sample of sound that frame `n` begins with.
    pub(super) const fn sample(self, n: u64) -> u64 {
        (n as u128 * self.seconds as u128 * SAMPLE_RATE as u128 / self.frames as u128) as u64
    }

    /// Samples that belong to frame `n`.
    pub(super) const fn samples(self, n: u64) -> usize {
        (self.sample(n + 1) - self.sample(n)) as usize
    }

    /// Frames in a time, rounded, at least one.
    pub(super) const fn frames_in(self, time: Duration) -> u64 {
        let nanos = time.as_nanos() * self.frames as u128 / self.seconds as u128;
        match (nanos + 500_000_000) / 1_000_000_000 {
            0 => 1,
            frames => frames as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_never_drifts_from_pictures() {
        for milli in [24_000, 25_000, 29_970, 30_000, 59_940, 12_345] {
            let rate = Rate::of_milli(milli);
            let made: usize = (0..100_000).map(|n| rate.samples(n)).sum();
            let due = rate.due(100_000).as_secs_f64() * f64::from(SAMPLE_RATE);
            assert!((made as f64 - due).abs() < 2.0, "{milli}");
        }
        assert_eq!(Rate::of_milli(29_970).text(), "30000/1001");
        assert_eq!(
            Rate::of_milli(29_970).due(30_000),
            Duration::from_secs(1_001)
        );
    }

    #[test]
    fn a_time_is_so_many_frames_and_never_none() {
        let rate = Rate::of_milli(30_000);
        assert_eq!(rate.frames_in(Duration::from_millis(500)), 15);
        assert_eq!(rate.frames_in(Duration::ZERO), 1);
    }
}
