//! What is known of a child while it runs; shared by its pipes, its watch and the census.

use crate::{Progress, Trouble};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Lines of its own kept to explain its end.
const LAST_LINES: usize = 5;
/// Bytes of those lines.
const LAST_BYTES: usize = 2 << 10;

/// Signs of life of one child.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// Pipes it reads; while there is none, it feeds itself.
    pub(crate) inputs: AtomicUsize,
    /// Writers that wait for it to read.
    pub(crate) waiting: AtomicUsize,
    /// Bytes it was given.
    pub(crate) taken: AtomicU64,
    /// Bytes that were had from it.
    pub(crate) made: AtomicU64,
    known: Mutex<Known>,
}

/// What changes a few times a second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Percent of one core since the last look.
    pub(crate) cpu_percent: f64,
    pub(crate) rss_bytes: u64,
}

#[derive(Debug, Default)]
struct Known {
    progress: Option<Progress>,
    usage: Usage,
    said: Vec<u8>,
    verdict: Option<Trouble>,
}

impl Vitals {
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.known.lock().progress
    }

    pub(crate) fn show_progress(&self, progress: Progress) {
        self.known.lock().progress = Some(progress);
    }

    pub(crate) fn usage(&self) -> Usage {
        self.known.lock().usage
    }

    pub(crate) fn show_usage(&self, usage: Usage) {
        self.known.lock().usage = usage;
    }

    /// Why it was killed, if this host did that.
    pub(crate) fn verdict(&self) -> Option<Trouble> {
        self.known.lock().verdict
    }

    /// It is about to be killed for this.
    pub(crate) fn condemn(&self, trouble: Trouble) {
        self.known.lock().verdict = Some(trouble);
    }

    /// It said this; however much that is, no more than its end is kept.
    pub(crate) fn hear(&self, words: &[u8]) {
        let said = &mut self.known.lock().said;
        said.extend_from_slice(words);
        let beyond = said.len().saturating_sub(LAST_BYTES);
        said.drain(..beyond);
    }

    /// Its last lines, without what a terminal would act upon.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        let known = self.known.lock();
        let text = String::from_utf8_lossy(&known.said);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>())
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        let from = lines.len().saturating_sub(LAST_LINES);
        lines.into_iter().skip(from).collect()
    }

    pub(crate) fn add(counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_no_more_however_much_is_said() {
        let vitals = Vitals::default();
        for n in 0..1_000 {
            vitals.hear(format!("line {n}\r\n\n").as_bytes());
        }
        let last: Vec<String> = (995..1_000).map(|n| format!("line {n}")).collect();
        assert_eq!(vitals.last_lines(), last);
        vitals.hear(&[b'x'; 1 << 20]);
        assert!(vitals.last_lines().concat().len() <= LAST_BYTES);
        vitals.hear(b"\n\x1b[31mred\x07\n");
        assert_eq!(vitals.last_lines().last().unwrap(), "[31mred");
    }
}
