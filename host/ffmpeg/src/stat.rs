//! A process as the kernel sees it: `/proc/PID/stat` (proc(5)).

use crate::sys;
use std::time::Duration;

/// A process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// When it began, in the kernel's own ticks: with its number that is its identity.
    pub(crate) began: u64,
    /// It was stopped by a signal.
    pub(crate) stopped: bool,
    /// Processor time it has used, in and for it.
    pub(crate) cpu: Duration,
    /// Memory it has, bytes.
    pub(crate) rss_bytes: u64,
}

impl Stat {
    /// Of a process that has not been waited for; none if it is gone.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&text, sys::ticks_per_second(), sys::page_bytes())
    }

    fn parse(text: &str, ticks_per_second: u64, page_bytes: u64) -> Option<Self> {
        // The name is in brackets, and may hold anything.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of them is the third of proc(5).
        let number = |nth: usize| fields.get(nth - 3)?.parse::<u64>().ok();
        let ticks = number(14)? + number(15)?;
        Some(Self {
            began: number(22)?,
            stopped: *fields.first()? == "T",
            cpu: Duration::from_millis(ticks * 1_000 / ticks_per_second.max(1)),
            rss_bytes: number(24)? * page_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_the_process_is_called() {
        let text = "77 (a) b (c) T 1 77 77 0 -1 4194304 500 0 0 0 150 50 0 0 20 0 1 0 98765 \
            2473984 233 18446744073709551615 1 1";
        let stat = Stat {
            began: 98_765,
            stopped: true,
            cpu: Duration::from_secs(2),
            rss_bytes: 233 * 4096,
        };
        assert_eq!(Stat::parse(text, 100, 4096), Some(stat));
        assert_eq!(Stat::parse("77 (x) S 1", 100, 4096), None);
    }

    #[test]
    fn this_process_has_memory_and_is_not_stopped() {
        let stat = Stat::of(std::process::id()).unwrap();
        assert!(stat.rss_bytes > 100_000 && !stat.stopped, "{stat:?}");
        assert_eq!(Stat::of(0), None);
    }
}
