//! What the kernel says about this process (proc(5)), under the names that Prometheus client
//! libraries agreed on.

use super::text::{Exposition, Type};
use std::fs;

/// Clock ticks a second in `/proc/self/stat`: `USER_HZ`, 100 on all Linux but Alpha.
const TICKS_A_SECOND: f64 = 100.0;

/// Appends the process's own figures; one that the kernel does not tell is left out.
pub(super) fn collect(document: &mut Exposition) {
    if let Some(bytes) = resident_bytes() {
        let help = "Memory in use.";
        document.single("process_resident_memory_bytes", Type::Gauge, help, bytes);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // The listing itself holds one of them.
        let count = entries.count().saturating_sub(1) as f64;
        document.single(
            "process_open_fds",
            Type::Gauge,
            "Open file descriptors.",
            count,
        );
    }
    if let Some(seconds) = cpu_seconds() {
        let help = "CPU time used, user and system.";
        document.single("process_cpu_seconds_total", Type::Counter, help, seconds);
    }
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The command name, in parentheses, may hold anything; fields are counted after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_this_process_are_plausible() {
        let memory = resident_bytes().unwrap();
        assert!((1e6..1e12).contains(&memory), "{memory}");
        let (before, begun) = (cpu_seconds().unwrap(), std::time::Instant::now());
        while cpu_seconds().unwrap() <= before {
            assert!(begun.elapsed().as_secs() < 30, "work shows in the CPU time");
        }
    }
}
