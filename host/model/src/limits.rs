//! What plugins may take.

use crate::Label;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Limits of one plugin; `[plugins.limits]` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Time that a call may compute, counted in 1 ms slices of its own running time, so that a
    /// busy machine does not fail an honest guest. Four times as long by the clock ends it too;
    /// HTTP requests do not count.
    pub deadline_ms: u64,
    /// Linear memory of an instance, bytes.
    pub memory_bytes: usize,
    /// Bytes that a call may hand to the host at once.
    pub returned_bytes: usize,
    /// Calls at the same time; more wait.
    pub instances: u32,
    /// Lines that it may log a second, over all calls. One call may write 64.
    pub log_lines_per_second: u32,
    /// Keys in `kv`.
    pub kv_keys: usize,
    /// Bytes of keys and values together in `kv`.
    pub kv_bytes: usize,
    /// Time that all HTTP requests of a call may take together.
    pub http_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline_ms: 50,
            memory_bytes: 64 << 20,
            returned_bytes: 1 << 20,
            instances: 16,
            log_lines_per_second: 50,
            kv_keys: 1_024,
            kv_bytes: 256 << 10,
            http_ms: 2_000,
        }
    }
}

impl Limits {
    /// When the clock ends a call, however little of it the guest was given.
    pub const fn wall(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.saturating_mul(4))
    }
}

/// Limits of all plugins, and of the plane they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLimits {
    /// Of plugins that are not named below.
    pub default: Limits,
    /// Of a plugin of that name; whether it is installed does not matter.
    pub named: BTreeMap<Label, Limits>,
    /// Calls of all plugins at the same time; more wait.
    pub instances: u32,
    /// Component size, bytes.
    pub component_bytes: usize,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            default: Limits::default(),
            named: BTreeMap::new(),
            instances: 64,
            component_bytes: 64 << 20,
        }
    }
}

impl PluginLimits {
    /// Those of one plugin.
    pub fn of(&self, name: &str) -> &Limits {
        self.named.get(name).unwrap_or(&self.default)
    }

    /// The most memory that an instance of any plugin may have, bytes.
    pub fn most_memory_bytes(&self) -> usize {
        let named = self.named.values().map(|limits| limits.memory_bytes);
        named.fold(self.default.memory_bytes, usize::max)
    }
}
