//! The task that writes: everything in batches, again and again until it is written.

use crate::database::Database;
use crate::decisions::Row;
use crate::error::StoreError;
use crate::kv::Marked;
use crate::{Settings, Shared};
use model::history::Line;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Decisions that one transaction takes. Writing their JSON takes about a millisecond.
const BATCH: usize = 128;

/// How often old decisions are looked for.
const PRUNE: Duration = Duration::from_secs(60);

/// How long to wait after a failure; a locked database has waited for its lock already.
const AGAIN: Duration = Duration::from_secs(1);

/// How often it is told that nothing can be written.
const WARN: Duration = Duration::from_secs(60);

/// How long the last batch may take when the host stops.
const LAST: Duration = Duration::from_millis(800);

/// Writes what the [`crate::Store`] took. Run it once, beside everything else.
pub struct Writer {
    settings: Settings,
    shared: Arc<Shared>,
    lines: mpsc::Receiver<Line>,
    /// Taken from the queue, not written yet.
    batch: Vec<Row>,
    /// Taken from the marks, not written yet.
    kv: Vec<Marked>,
    warned: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(
        settings: Settings,
        shared: Arc<Shared>,
        lines: mpsc::Receiver<Line>,
    ) -> Self {
        Self {
            settings,
            shared,
            lines,
            batch: Vec::new(),
            kv: Vec::new(),
            warned: None,
        }
    }

    /// Writes until told to stop, then what is left, for less than a second.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = self.write_on() => {}
            () = stop.cancelled() => {}
        }
        while self.take_waiting() {}
        let last = async {
            let written = self.write().await;
            if let Some(database) = self.shared.database.get() {
                database.close().await;
            }
            written
        };
        match tokio::time::timeout(LAST, last).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last decisions are not kept"),
            Err(_) => tracing::warn!("the last decisions are not kept: the database is too slow"),
        }
    }

    async fn write_on(&mut self) {
        let mut prune = tokio::time::interval(PRUNE);
        prune.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lines = Vec::with_capacity(BATCH);
        loop {
            let mut old = false;
            tokio::select! {
                taken = self.lines.recv_many(&mut lines, BATCH) => if taken == 0 {
                    return;
                },
                () = self.shared.kv.changed() => {}
                () = self.shared.failed.notified() => {}
                _ = prune.tick() => old = true,
            }
            self.batch.extend(lines.drain(..).map(Row::from));
            self.write_until_it_works().await;
            if old {
                self.prune().await;
            }
        }
    }

    /// Meanwhile the queue fills, and what does not fit is dropped by the store.
    async fn write_until_it_works(&mut self) {
        while let Err(error) = self.open_and_write().await {
            self.degrade(&error);
            tokio::time::sleep(AGAIN).await;
        }
        let failed = self.shared.degraded.lock().take();
        if failed.is_some() && self.shared.database.get().is_some() {
            self.warned = None;
            tracing::info!("the database can be written again");
        }
    }

    /// The database is opened even if nothing waits: others want to use it.
    async fn open_and_write(&mut self) -> Result<(), StoreError> {
        let database = self.database().await?;
        database.heal().await?;
        if database.was_renewed() {
            self.shared.kv.mark_all();
        }
        self.write().await
    }

    /// One transaction. On failure everything waits as it did.
    async fn write(&mut self) -> Result<(), StoreError> {
        self.kv.extend(self.shared.kv.take_marked());
        if self.batch.is_empty() && self.kv.is_empty() {
            return Ok(());
        }
        let database = self.database().await?;
        database.keep(&self.batch, &self.kv).await?;
        let written = self.batch.len() as u64;
        self.shared.written.fetch_add(written, Ordering::Relaxed);
        self.batch.clear();
        self.kv.clear();
        Ok(())
    }

    /// Opens the database if that did not work at the start.
    async fn database(&self) -> Result<&Database, StoreError> {
        if let Some(database) = self.shared.database.get() {
            return Ok(database);
        }
        let (database, entries) = Database::open(&self.settings.place).await?;
        self.shared.kv.load(entries);
        Ok(self.shared.database.get_or_init(|| database))
    }

    async fn prune(&mut self) {
        let Some(database) = self.shared.database.get() else {
            return;
        };
        match database.prune(&self.settings.retention).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "old decisions removed"),
            Err(error) => self.degrade(&error),
        }
    }

    fn degrade(&mut self, error: &StoreError) {
        *self.shared.degraded.lock() = Some(error.to_string());
        let now = Instant::now();
        if self
            .warned
            .is_some_and(|at| now.saturating_duration_since(at) < WARN)
        {
            return;
        }
        self.warned = Some(now);
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        tracing::warn!(
            place = %self.settings.place, %error, dropped,
            "decisions and what plugins keep are not written now; everything else goes on"
        );
    }

    /// Empties the queue into the batch; false when it was empty.
    fn take_waiting(&mut self) -> bool {
        match self.lines.try_recv() {
            Ok(line) => {
                self.batch.push(line.into());
                true
            }
            Err(_) => false,
        }
    }
}
