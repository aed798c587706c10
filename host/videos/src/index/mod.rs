//! The index: what a look into the folder gave, and what FFmpeg says of each file. In memory only,
//! and made again at each start.

mod refresh;
mod view;

pub(crate) use refresh::keep_fresh;
pub use view::{Page, State, Video};

use crate::shelf::{Found, Key, Scan, Stamp};
use parking_lot::RwLock;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::time::{Duration, SystemTime};

/// What was written to since so long is still being written.
const SETTLED: Duration = Duration::from_secs(3);

/// All videos, by name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    shown: RwLock<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    entries: BTreeMap<String, Entry>,
    /// Put in or removed since the last look into the folder began.
    touched: BTreeSet<String>,
    left_out: usize,
    /// The folder was looked through once.
    complete: bool,
}

/// One video.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) title: Option<String>,
    pub(crate) state: State,
    /// Why there is no picture of it, once one was tried for.
    pub(crate) no_picture: Option<String>,
}

impl Entry {
    pub(crate) fn new(stamp: Stamp, title: Option<String>, state: State) -> Self {
        Self {
            stamp,
            title,
            state,
            no_picture: None,
        }
    }
}

impl Index {
    pub(crate) fn get(&self, name: &str) -> Option<Entry> {
        self.shown.read().entries.get(name).cloned()
    }

    /// Puts a video in, or in place of what it was.
    pub(crate) fn put(&self, name: &str, entry: Entry) {
        let mut shown = self.shown.write();
        shown.touched.insert(name.to_owned());
        shown.entries.insert(name.to_owned(), entry);
    }

    pub(crate) fn remove(&self, name: &str) {
        let mut shown = self.shown.write();
        shown.touched.insert(name.to_owned());
        shown.entries.remove(name);
    }

    /// Videos by name after the one given.
    pub(crate) fn page(&self, after: Option<&str>, limit: usize) -> Page {
        let shown = self.shown.read();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = shown.entries.range::<str, _>((from, Bound::Unbounded));
        let videos: Vec<Video> = rest
            .by_ref()
            .take(limit)
            .map(|(name, entry)| Video::of(name, entry))
            .collect();
        let last = videos.last().map(|video| video.name.clone());
        Page {
            next: rest.next().and(last),
            total: shown.entries.len(),
            left_out: shown.left_out,
            complete: shown.complete,
            videos,
        }
    }

    /// Adds what FFmpeg says of a file, if the file is still the one that was looked at.
    pub(crate) fn judge(&self, name: &str, stamp: &Stamp, state: State) {
        self.change(name, stamp, |entry| entry.state = state);
    }

    /// Notes that there is no picture of it, so that it is not tried for again and again.
    pub(crate) fn no_picture(&self, name: &str, stamp: &Stamp, why: String) {
        self.change(name, stamp, |entry| entry.no_picture = Some(why));
    }

    fn change(&self, name: &str, stamp: &Stamp, change: impl FnOnce(&mut Entry)) {
        let mut shown = self.shown.write();
        let entry = shown.entries.get_mut(name);
        if let Some(entry) = entry.filter(|entry| entry.stamp == *stamp) {
            change(entry);
        }
    }

    /// A look into the folder begins: what is put in or removed from now on is newer than it.
    fn begin(&self) {
        self.shown.write().touched.clear();
    }

    /// Those of a scan that are new, or not what they were.
    fn unknown(&self, scan: &Scan) -> Vec<String> {
        let shown = self.shown.read();
        let known = |found: &&Found| {
            let entry = shown.entries.get(&found.name);
            entry.is_some_and(|entry| entry.stamp == found.stamp)
        };
        let unknown = scan.found.iter().filter(|found| !known(found));
        unknown.map(|found| found.name.clone()).collect()
    }

    /// Takes over what a scan found, with the titles of those that are new.
    fn take(&self, scan: Scan, mut titles: HashMap<String, String>, now: SystemTime) {
        let mut guard = self.shown.write();
        let shown = &mut *guard;
        let mut before = std::mem::take(&mut shown.entries);
        for name in &shown.touched {
            if let Some(entry) = before.remove(name) {
                shown.entries.insert(name.clone(), entry);
            }
        }
        for found in scan.found {
            if shown.touched.contains(&found.name) {
                continue;
            }
            let same = before.remove(&found.name);
            let same = same.filter(|entry| entry.stamp == found.stamp);
            let title = titles.remove(&found.name);
            let mut entry = same.unwrap_or_else(|| Entry::new(found.stamp, title, State::Changing));
            if let State::Changing = entry.state {
                // A time in the future says nothing.
                let still = now.duration_since(entry.stamp.modified);
                if still.is_err() || still.is_ok_and(|still| still >= SETTLED) {
                    entry.state = State::Waiting;
                }
            }
            shown.entries.insert(found.name, entry);
        }
        shown.left_out = scan.left_out;
        shown.complete = true;
    }

    /// The next file that FFmpeg has not been asked about.
    fn next_waiting(&self) -> Option<(String, Stamp)> {
        let shown = self.shown.read();
        let mut entries = shown.entries.iter();
        let (name, entry) = entries.find(|(_, entry)| matches!(entry.state, State::Waiting))?;
        Some((name.clone(), entry.stamp.clone()))
    }

    /// The names of all, and what their pictures are kept by.
    fn kept(&self) -> (HashSet<String>, HashSet<Key>) {
        let shown = self.shown.read();
        let keys = shown.entries.iter();
        let keys = keys.map(|(name, entry)| Key::of(name, &entry.stamp));
        (shown.entries.keys().cloned().collect(), keys.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn found(name: &str, age_s: u64) -> Found {
        Found {
            name: name.to_owned(),
            stamp: stamp(age_s),
        }
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000)
    }

    fn stamp(age_s: u64) -> Stamp {
        Stamp {
            bytes: 1,
            modified: now() - Duration::from_secs(age_s),
            inode: 1,
        }
    }

    fn take(index: &Index, names: &[(&str, u64)]) {
        let scan = Scan {
            found: names.iter().map(|&(name, age)| found(name, age)).collect(),
            left_out: 0,
        };
        index.take(scan, HashMap::new(), now());
    }

    fn names(page: &Page) -> Vec<&str> {
        page.videos
            .iter()
            .map(|video| video.name.as_str())
            .collect()
    }

    #[test]
    fn what_was_put_in_or_removed_during_a_scan_is_newer_than_the_scan() {
        let index = Index::default();
        take(&index, &[("a", 9), ("b", 9)]);
        index.begin();
        let entry = Entry::new(stamp(0), None, State::Unfit("no".to_owned()));
        index.put("c", entry);
        index.remove("a");
        take(&index, &[("a", 9), ("b", 9)]);
        assert_eq!(names(&index.page(None, 9)), ["b", "c"]);
        index.begin();
        take(&index, &[("b", 9)]);
        assert_eq!(names(&index.page(None, 9)), ["b"], "the next scan knows");
    }

    #[test]
    fn a_file_is_looked_at_once_it_is_left_alone_and_again_when_it_changes() {
        let index = Index::default();
        take(&index, &[("a", 1)]);
        assert!(index.next_waiting().is_none(), "still being written");
        take(&index, &[("a", 9)]);
        let (name, stamp) = index.next_waiting().unwrap();
        index.judge(&name, &stamp, State::Unfit("no".to_owned()));
        take(&index, &[("a", 9)]);
        assert!(index.next_waiting().is_none(), "known");
        take(&index, &[("a", 8)]);
        assert!(index.next_waiting().is_some());
        index.judge(&name, &stamp, State::Unfit("of what it was".to_owned()));
        assert!(
            index.next_waiting().is_some(),
            "of what it is, nothing is known"
        );
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let index = Index::default();
        take(&index, &[("a", 9), ("b", 9), ("c", 9)]);
        let first = index.page(None, 2);
        assert_eq!((names(&first), first.total), (vec!["a", "b"], 3));
        let second = index.page(first.next.as_deref(), 2);
        assert_eq!((names(&second), second.next.as_deref()), (vec!["c"], None));
    }
}
