//! Memory.

use super::{kib, number};
use serde::Serialize;
use std::fs;
use utoipa::ToSchema;

/// Memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// The machine's.
    pub(crate) total_bytes: Option<u64>,
    /// What programs could still take.
    available_bytes: Option<u64>,
    /// What this process takes (resident set).
    process_bytes: Option<u64>,
    /// What this process and its children may take, if a control group limits it.
    limit_bytes: Option<u64>,
}

impl Memory {
    pub(super) fn read() -> Self {
        let table = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            total_bytes: kib(&table, "MemTotal"),
            available_bytes: kib(&table, "MemAvailable"),
            process_bytes: resident_bytes(),
            // Within a container this is its own; `max` is no number and no limit.
            limit_bytes: number("/sys/fs/cgroup/memory.max"),
        }
    }
}

/// Memory in use by this process.
pub(crate) fn resident_bytes() -> Option<u64> {
    kib(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS")
}
