//! Requests that were refused: counted, and kept in the log at a bounded rate.

use super::attempts::group;
use model::Who;
use model::audit::Entry;
use serde_json::json;
use std::collections::HashMap;
use std::net::IpAddr;

/// Lines that one flush writes at most; what is beyond is counted in one more.
const LINES: usize = 64;

/// Refusals since the last flush: one line for each peer, name and action.
#[derive(Debug, Default)]
pub(super) struct Tally {
    lines: HashMap<(Option<IpAddr>, String, String), (Entry, u64)>,
    others: Option<(Entry, u64)>,
}

impl Tally {
    pub(super) fn add(&mut self, who: Option<&Who>, entry: Entry) {
        let name = who.map_or_else(String::new, |who| who.name.clone());
        let key = (entry.peer.map(group), name, entry.action.clone());
        if let Some((_, count)) = self.lines.get_mut(&key) {
            *count = count.saturating_add(1);
        } else if self.lines.len() < LINES {
            self.lines.insert(key, (entry, 1));
        } else {
            let (_, count) = self.others.get_or_insert((entry, 0));
            *count = count.saturating_add(1);
        }
    }

    /// The lines to write, each with how many it stands for.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        let lines = self.lines.drain().map(|(_, line)| line);
        let others = self.others.take().map(|(mut entry, count)| {
            (entry.who, entry.peer) = ("others".to_owned(), None);
            (entry.role, entry.tenant) = (None, None);
            (entry, count)
        });
        lines
            .chain(others)
            .map(|(mut entry, count)| {
                let why = entry.after.take();
                entry.after = Some(json!({ "why": why, "times": count }));
                entry
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::line;

    #[test]
    fn a_flood_becomes_a_few_lines_that_count_it() {
        let mut tally = Tally::default();
        for host in 0..200u8 {
            for _ in 0..5 {
                let mut entry = line(&Who::local(), "GET", "/api/v1/inputs");
                entry.peer = Some([192, 0, 2, host].into());
                tally.add(None, entry);
            }
        }
        let lines = tally.take();
        assert_eq!(lines.len(), LINES + 1);
        let times = |entry: &Entry| entry.after.as_ref().unwrap()["times"].as_u64().unwrap();
        assert_eq!(lines.iter().map(times).sum::<u64>(), 1_000);
        assert_eq!(lines.iter().filter(|line| times(line) == 5).count(), LINES);
        assert!(tally.take().is_empty());
    }
}
