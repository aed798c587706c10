//! What a plugin may take.

use std::time::Duration;

/// Limits of every call, the same for all plugins.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time that a call may compute, counted in 1 ms slices of its own running time, so that a
    /// busy machine does not fail an honest guest. Four times as long by the clock ends it too.
    pub deadline: Duration,
    /// Linear memory of an instance, bytes.
    pub memory_bytes: usize,
    /// Bytes that a call may hand to the host at once.
    pub returned_bytes: usize,
    /// Calls at the same time; more wait.
    pub instances: u32,
    /// Component size, bytes.
    pub component_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(50),
            memory_bytes: 64 << 20,
            returned_bytes: 1 << 20,
            instances: 32,
            component_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// The deadline in ticks of the epoch; at least one.
    pub(crate) fn slices(&self) -> u64 {
        u64::try_from(self.deadline.as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// When the clock ends a call, however little of it the guest was given.
    pub(crate) fn wall(&self) -> Duration {
        self.deadline.saturating_mul(4)
    }
}
