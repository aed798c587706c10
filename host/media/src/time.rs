//! Media time: 90 kHz, signed, unwrapped.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in media time, or a distance between two, in 1/90000 s.
///
/// Unwrapped: 2^63 ticks last three million years. Wire formats wrap (MPEG-TS after 2^33
/// ticks, 26.5 h; RTMP after 2^32 ms, 49.7 days) and are unwrapped at the edge by
/// [`crate::timeline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks90k(pub i64);

impl Ticks90k {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(90_000);

    /// From milliseconds, exactly; saturates.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(90))
    }

    /// To milliseconds, rounded towards negative infinity.
    pub const fn as_ms(self) -> i64 {
        self.0.div_euclid(90)
    }

    /// To seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 90_000.0
    }

    /// As a duration; zero if negative.
    pub fn as_duration(self) -> Duration {
        let ticks = u64::try_from(self.0).unwrap_or(0);
        Duration::from_nanos((u128::from(ticks) * 100_000 / 9) as u64)
    }
}

impl Add for Ticks90k {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Ticks90k {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Ticks90k {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Ticks90k {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.as_secs_f64())
    }
}
