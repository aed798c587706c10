//! Figures of a plugin's calls.

use crate::call::CallError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A plugin's calls since the host started, over all its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls made, failed ones included.
    pub calls: u64,
    /// Failed calls by [`CallError::code`].
    pub errors: Vec<(&'static str, u64)>,
    /// Time of all calls together, waiting for a free instance included.
    pub total: Duration,
    /// The longest call.
    pub max: Duration,
}

impl Stats {
    /// Failed calls of every code.
    pub fn failed(&self) -> u64 {
        self.errors.iter().map(|(_, count)| count).sum()
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    errors: [AtomicU64; CallError::CODES.len()],
    total_ns: AtomicU64,
    max_ns: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, took: Duration, error: Option<&CallError>) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Relaxed);
        self.total_ns.fetch_add(took, Relaxed);
        self.max_ns.fetch_max(took, Relaxed);
        let Some(error) = error else { return };
        let codes = CallError::CODES.iter().zip(&self.errors);
        for (_, count) in codes.filter(|(code, _)| **code == error.code()) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Stats {
        let counts = self.errors.iter().map(|count| count.load(Relaxed));
        Stats {
            calls: self.calls.load(Relaxed),
            errors: CallError::CODES.into_iter().zip(counts).collect(),
            total: Duration::from_nanos(self.total_ns.load(Relaxed)),
            max: Duration::from_nanos(self.max_ns.load(Relaxed)),
        }
    }
}
