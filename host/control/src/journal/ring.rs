//! The newest events, bounded in number and in bytes.

use super::Told;
use std::collections::VecDeque;
use std::sync::Arc;

/// Events kept for those who come back.
const MAX_EVENTS: usize = 4_096;

/// What their texts may take.
const MAX_BYTES: usize = 4 << 20;

/// Consecutive events, the newest last.
#[derive(Debug, Default)]
pub(super) struct Ring {
    kept: VecDeque<Arc<Told>>,
    bytes: usize,
    /// The number of the oldest that is kept.
    first: u64,
}

impl Ring {
    /// The number of the next event.
    pub(super) fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// The number of the oldest event that is kept.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn push(&mut self, told: Arc<Told>) {
        self.bytes += told.message.len();
        self.kept.push_back(told);
        while self.kept.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= oldest.message.len();
            self.first += 1;
        }
    }

    /// Events were lost before they got here; what came before them is no longer complete.
    pub(super) fn skip(&mut self, count: u64) {
        self.first = self.next().saturating_add(count);
        self.kept.clear();
        self.bytes = 0;
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<Told>> {
        let at = number.checked_sub(self.first)?;
        self.kept.get(usize::try_from(at).ok()?)
    }
}
