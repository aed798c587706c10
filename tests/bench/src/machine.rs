//! What processes and the whole machine used.

use crate::os;
use anyhow::{Context, Result};
use std::time::Duration;

/// Processor time of a process and its children, as of one moment.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let mut total = os::cpu_time(pid).with_context(|| format!("process {pid} is gone"))?;
    for child in children(pid) {
        // What one used that ends just now is lost from the account.
        total += os::cpu_time(child).unwrap_or_default();
    }
    Ok(total)
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let kilobytes = status(pid, "VmRSS:")?;
    let kilobytes: u64 = kilobytes.trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

/// How many threads a process has.
pub(crate) fn threads(pid: u32) -> Result<usize> {
    Ok(status(pid, "Threads:")?.parse()?)
}

/// A line of proc_pid_status(5).
fn status(pid: u32, name: &str) -> Result<String> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    Ok(value
        .with_context(|| format!("no {name}"))?
        .trim()
        .to_owned())
}

/// How busy all processors have been since it was made.
pub(crate) struct Busyness(Ticks);

#[derive(Clone, Copy)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Busyness {
    /// From now on.
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self(Ticks::now()?))
    }

    /// Percent of all processors; near 100 the latencies say little.
    pub(crate) fn percent(&self) -> Result<f64> {
        let now = Ticks::now()?;
        let all = (now.all - self.0.all).max(1);
        Ok(100.0 * (now.busy - self.0.busy) as f64 / all as f64)
    }
}

impl Ticks {
    /// proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
    fn now() -> Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
        let first = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = first
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|word| word.parse().ok())
            .collect();
        let all: u64 = ticks.iter().sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Ok(Self {
            busy: all - idle,
            all,
        })
    }
}

fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}
