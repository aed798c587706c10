//! Who runs now, for people to see.

use crate::vitals::Vitals;
use crate::{Error, Progress};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The children of a host; clones are the same.
#[derive(Clone, Default)]
pub struct Census(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    next: u64,
    /// In the order they began.
    running: BTreeMap<u64, Entry>,
}

struct Entry {
    what: &'static str,
    of: String,
    pid: u32,
    since: Instant,
    since_unix_ms: u64,
    vitals: Arc<Vitals>,
}

/// A child at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// What it is for, in a word or two.
    pub what: &'static str,
    /// For which stream, or whatever it is for.
    pub of: String,
    /// Its number.
    pub pid: u32,
    /// When it was started, Unix milliseconds.
    pub since_unix_ms: u64,
    /// And how long ago.
    pub uptime_ms: u64,
    /// Processor time over the last quarter of a second, percent of one core.
    pub cpu_percent: f64,
    /// Memory it has, bytes.
    pub rss_bytes: u64,
    /// How far it is; none before its first report.
    pub progress: Option<Progress>,
    /// Why it is being killed, if it is.
    pub trouble: Option<crate::Trouble>,
    /// The last lines of what it complained of, oldest first.
    pub words: Vec<String>,
}

/// A place in the book, given back when dropped.
pub(crate) struct Place {
    census: Census,
    number: u64,
}

impl Census {
    /// Children at once.
    pub const LIMIT: usize = 1_000;

    /// All that run, oldest first; at most [`Census::LIMIT`].
    pub fn list(&self) -> Vec<Running> {
        let now = Instant::now();
        let book = self.0.lock();
        book.running.values().map(|it| it.show(now)).collect()
    }

    /// Whether one more may be started.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.0.lock().running.len() {
            Self::LIMIT.. => Err(Error::TooMany { limit: Self::LIMIT }),
            _ => Ok(()),
        }
    }

    pub(crate) fn enter(
        &self,
        what: &'static str,
        of: String,
        pid: u32,
        vitals: Arc<Vitals>,
    ) -> Place {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let entry = Entry {
            what,
            of,
            pid,
            since: Instant::now(),
            since_unix_ms: unix.unwrap_or_default().as_millis() as u64,
            vitals,
        };
        let mut book = self.0.lock();
        let number = book.next;
        book.next += 1;
        book.running.insert(number, entry);
        Place {
            census: self.clone(),
            number,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.census.0.lock().running.remove(&self.number);
    }
}

impl Entry {
    fn show(&self, now: Instant) -> Running {
        let usage = self.vitals.usage();
        Running {
            what: self.what,
            of: self.of.clone(),
            pid: self.pid,
            since_unix_ms: self.since_unix_ms,
            uptime_ms: now.saturating_duration_since(self.since).as_millis() as u64,
            cpu_percent: usage.cpu_percent,
            rss_bytes: usage.rss_bytes,
            progress: self.vitals.progress(),
            trouble: self.vitals.verdict(),
            words: self.vitals.last_lines(),
        }
    }
}

impl fmt::Debug for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Census({})", self.0.lock().running.len())
    }
}
