//! What the kernel says about this process, under the names that Prometheus client libraries
//! agreed on.

use super::text::{Exposition, Type};
use crate::machine;

/// Appends the process's own figures; one that the kernel does not tell is left out.
pub(super) fn collect(document: &mut Exposition) {
    if let Some(bytes) = machine::resident_bytes() {
        let (name, help) = ("process_resident_memory_bytes", "Memory in use.");
        document.single(name, Type::Gauge, help, bytes as f64);
    }
    if let Some(count) = machine::open_files() {
        let (name, help) = ("process_open_fds", "Open file descriptors.");
        document.single(name, Type::Gauge, help, count as f64);
    }
    if let Some(seconds) = machine::process_seconds() {
        let help = "CPU time used, user and system.";
        document.single("process_cpu_seconds_total", Type::Counter, help, seconds);
    }
}
