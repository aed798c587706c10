//! The newest decisions of one kind, bounded in count and bytes.

use super::Decision;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

/// Decisions kept.
pub(super) const MAX_DECISIONS: usize = 1_000;
/// Bytes that their questions, answers and tapes may take, as JSON.
pub(super) const MAX_BYTES: usize = 8 << 20;

#[derive(Debug, Default)]
pub(super) struct Ring {
    kept: VecDeque<(usize, Arc<Decision>)>,
    bytes: usize,
    /// One more than the newest id that was let go; 0 as long as none was.
    whole_from: u64,
}

impl Ring {
    pub(super) fn push(&mut self, decision: Arc<Decision>) {
        let bytes = weight(&decision);
        self.bytes += bytes;
        self.kept.push_back((bytes, decision));
        while self.kept.len() > MAX_DECISIONS || (self.bytes > MAX_BYTES && self.kept.len() > 1) {
            if let Some((bytes, gone)) = self.kept.pop_front() {
                self.bytes -= bytes;
                self.whole_from = gone.id + 1;
            }
        }
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Decision>> {
        self.kept.iter().map(|(_, decision)| decision)
    }

    /// From this id on the ring has every decision of its kind; 0: it has let none go.
    pub(super) const fn whole_from(&self) -> u64 {
        self.whole_from
    }
}

/// Bytes as JSON, without making it.
fn weight(decision: &Decision) -> usize {
    let mut count = Count(size_of::<Decision>());
    // Counting cannot fail.
    let _ = serde_json::to_writer(&mut count, &*decision.question);
    let _ = serde_json::to_writer(&mut count, &decision.answer);
    let _ = serde_json::to_writer(&mut count, &decision.tape);
    count.0 + decision.refused.iter().map(String::len).sum::<usize>()
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
