//! Processor time.

use serde::Serialize;
use std::fs;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// Clock ticks a second in `/proc`: `USER_HZ`, 100 on all Linux but Alpha.
const TICKS_A_SECOND: f64 = 100.0;

/// Processor time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Cpu {
    /// Logical processors that this process may use.
    cores: usize,
    /// Share of all of the machine's processors that is busy, 0 to 100, since it was last asked
    /// for; the first time since the machine started.
    host_percent: Option<f64>,
    /// What this process takes, 100 for one whole processor, since it was last asked for; the
    /// first time since it started.
    process_percent: Option<f64>,
    /// Load averages over 1, 5 and 15 minutes.
    load: Vec<f64>,
}

/// Totals at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    at: Instant,
    host: Option<Host>,
    process_s: Option<f64>,
}

/// The machine's, in ticks since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Host {
    busy: u64,
    all: u64,
}

impl Sample {
    pub(super) fn take() -> Self {
        Self {
            at: Instant::now(),
            host: fs::read_to_string("/proc/stat")
                .ok()
                .and_then(|stat| host(&stat)),
            process_s: process_seconds(),
        }
    }
}

impl Cpu {
    pub(super) fn between(before: Option<Sample>, now: Sample) -> Self {
        let since = |before: Sample| now.at.duration_since(before.at);
        let (elapsed, host_before, process_before) = match before {
            Some(before) => (Some(since(before)), before.host, before.process_s),
            None => (process_age(), Some(Host::default()), Some(0.0)),
        };
        let host = now.host.zip(host_before).and_then(|(now, before)| {
            let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
            Some(percent(
                now.busy.saturating_sub(before.busy) as f64,
                all as f64,
            ))
        });
        let process = now.process_s.zip(process_before).zip(elapsed);
        let process = process.map(|((now, before), elapsed)| {
            percent((now - before).max(0.0), elapsed.as_secs_f64().max(0.01))
        });
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            host_percent: host,
            process_percent: process,
            load: load(),
        }
    }
}

/// One decimal is all that it is good for.
fn percent(part: f64, whole: f64) -> f64 {
    (part / whole * 1000.0).round() / 10.0
}

/// Processor time that this process used so far, user and system, in seconds.
pub(crate) fn process_seconds() -> Option<f64> {
    let ticks = |nth| field_of_stat(nth);
    Some((ticks(11)? + ticks(12)?) / TICKS_A_SECOND)
}

/// For how long this process has run.
fn process_age() -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let started = field_of_stat(19)? / TICKS_A_SECOND;
    Duration::try_from_secs_f64(uptime - started).ok()
}

/// Of `/proc/self/stat`, counted from the state on: the name before it may hold anything.
fn field_of_stat(nth: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(nth)?.parse().ok()
}

/// user, nice, system, idle, iowait, irq, softirq, steal; what follows is within user.
fn host(stat: &str) -> Option<Host> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks = line
        .split_whitespace()
        .take(8)
        .map(|ticks| ticks.parse::<u64>());
    let ticks: Vec<u64> = ticks.collect::<Result<_, _>>().ok()?;
    let idle = ticks.get(3)? + ticks.get(4)?;
    let all: u64 = ticks.iter().sum();
    Some(Host {
        busy: all.saturating_sub(idle),
        all,
    })
}

fn load() -> Vec<f64> {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages = text.split_whitespace().take(3);
    averages
        .filter_map(|average| average.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_for_disks_is_not_busy() {
        let stat = "cpu  10 1 4 80 5 0 0 0 7 0\ncpu0 1 2 3 4 5 6 7 8\n";
        assert_eq!(host(stat), Some(Host { busy: 15, all: 100 }));
        assert_eq!(host("cpu  1 2 x"), None);
        assert_eq!(host(""), None);
    }

    #[test]
    fn work_shows_in_the_time_of_this_process() {
        let (before, begun) = (Sample::take(), Instant::now());
        while process_seconds().unwrap() <= before.process_s.unwrap() {
            assert!(begun.elapsed().as_secs() < 30, "work shows");
        }
        let cpu = Cpu::between(Some(before), Sample::take());
        assert!(cpu.process_percent.unwrap() > 0.0 && cpu.cores > 0);
        assert_eq!(cpu.load.len(), 3);
        let first = Cpu::between(None, Sample::take());
        assert!(
            (0.0..=100.0).contains(&first.host_percent.unwrap()),
            "{first:?}"
        );
    }
}
