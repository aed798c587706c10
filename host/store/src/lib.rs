//! What is kept over restarts, in SQL: the document that is wanted, the history of decisions, and
//! what plugins keep over their calls. SQLite in WAL mode, in one file; its schema is versioned
//! (`migrations/`).
//!
//! One host uses a database. Whatever happens to it (locked, full, stopped, deleted) is an error
//! for whoever asks then, and passes by itself: the connection is opened again, and what was
//! last said to be kept is there. Changes of the document are waited for ([`Store::keep_wanted`]), and so are questions to the
//! history; nothing else is. [`Store`] takes what is to be kept
//! into memory and returns at once; the [`Writer`], a task of its own, puts it into the database
//! in batches. While that cannot be written, a warning says so and
//! everything goes on: plugins' keys wait, decisions wait until their queue is full, and are
//! then dropped and counted.

#![forbid(unsafe_code)]

mod accounts;
mod audit;
mod backup;
mod database;
mod decisions;
mod error;
mod kv;
mod place;
mod schema;
mod seat;
mod wanted;
mod writer;

pub use accounts::{AccountChange, AccountRow};
pub use backup::{BackupError, backup, restore};
pub use error::StoreError;
pub use kv::KvEntry;
pub use place::{BadServerUrl, Place, ServerUrl};
pub use wanted::Wanted;
pub use writer::Writer;

use database::Database;
use kv::Kv;
use model::Label;
use model::history::{Figures, Line, Query, Retention};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, mpsc};

/// Decisions that wait for the writer.
const QUEUE: usize = 4_096;

/// Where and how much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The database.
    pub place: Place,
    /// Which decisions are kept; looked at about once a minute.
    pub retention: Retention,
}

/// Handle to the store; clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    lines: mpsc::Sender<Line>,
}

/// What the handle and the writer have in common.
struct Shared {
    database: OnceLock<Database>,
    kv: Kv,
    degraded: Mutex<Option<String>>,
    written: AtomicU64,
    dropped: AtomicU64,
    /// A change could not be kept: the writer looks after the database.
    failed: Notify,
}

impl Store {
    /// Opens the database, and brings its schema up to date.
    ///
    /// One that cannot be opened is no failure: the writer tries again and again, and until
    /// it succeeds the store is empty and keeps nothing. The error says why.
    pub async fn open(settings: Settings) -> (Self, Writer, Option<StoreError>) {
        let (sender, lines) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            database: OnceLock::new(),
            kv: Kv::default(),
            degraded: Mutex::default(),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failed: Notify::new(),
        });
        let failed = match Database::open(&settings.place).await {
            Ok((database, entries)) => {
                shared.kv.load(entries);
                // Nobody else has the handle yet.
                let _ = shared.database.set(database);
                None
            }
            Err(error) => {
                *shared.degraded.lock() = Some(error.to_string());
                Some(error)
            }
        };
        let writer = Writer::new(settings, shared.clone(), lines);
        let store = Self {
            shared,
            lines: sender,
        };
        (store, writer, failed)
    }

    /// The id that the next decision should have: ids grow over restarts.
    pub fn next_decision_id(&self) -> u64 {
        match self.shared.database.get() {
            Some(database) => database.last_id() + 1,
            // More than any counted so far, whatever the database holds.
            None => unix_ms(),
        }
    }

    /// Takes a decision for the history. False if it was dropped, because too many wait.
    pub fn keep(&self, line: Line) -> bool {
        let taken = self.lines.try_send(line).is_ok();
        if !taken {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Decisions that were written, as lines of JSON, oldest first.
    ///
    /// # Errors
    /// While the database cannot be read.
    pub async fn decisions(&self, query: &Query) -> Result<Vec<String>, StoreError> {
        self.database()?.decisions(query).await
    }

    /// Everything that a plugin keeps.
    pub fn kv(&self, plugin: &Label) -> Vec<(String, KvEntry)> {
        self.shared.kv.of(plugin.as_str())
    }

    /// An entry of a plugin was written, or removed if none.
    pub fn put_kv(&self, plugin: &Label, key: &str, entry: Option<KvEntry>) {
        self.shared.kv.put(plugin.as_str(), key, entry);
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.shared.database.get().ok_or(StoreError::NotOpen)
    }

    /// How it fares.
    pub fn figures(&self) -> Figures {
        Figures {
            degraded: self.shared.degraded.lock().clone(),
            written: self.shared.written.load(Ordering::Relaxed),
            dropped: self.shared.dropped.load(Ordering::Relaxed),
            queued: self.lines.max_capacity() - self.lines.capacity(),
        }
    }
}

pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
