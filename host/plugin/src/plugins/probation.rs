//! A new version has to prove itself; one that fails is taken back.

use std::time::Duration;

/// When a new version is taken back by itself, if the one before is still kept.
///
/// Failures are traps, deadlines, too much memory and answers out of bounds. An answer that is an
/// error of the policy's own is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probation {
    /// How long after the switch failures are counted.
    pub time: Duration,
    /// This many failures ...
    pub first_failures: u32,
    /// ... among this many first calls are too many.
    pub first_calls: u32,
    /// This many failures ...
    pub window_failures: u32,
    /// ... within this time are too many.
    pub window: Duration,
}

impl Default for Probation {
    /// Ten minutes; 5 of the first 100 calls, or 10 within 60 s.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(600),
            first_failures: 5,
            first_calls: 100,
            window_failures: 10,
            window: Duration::from_secs(60),
        }
    }
}
