//! The history of decisions: what outlives memory.

use std::time::Duration;

/// Decisions beyond any of these go, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Since they were made.
    pub max_age: Duration,
    /// How many.
    pub max_lines: u64,
    /// Bytes of their JSON together.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(7 * 24 * 3600),
            max_lines: 100_000,
            max_bytes: 512 << 20,
        }
    }
}
