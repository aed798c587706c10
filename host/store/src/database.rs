//! The file: opened, brought to the newest schema, read and written.

use crate::decisions::{Row, number};
use crate::error::StoreError;
use crate::kv::{self, KvEntry};
use crate::unix_ms;
use model::history::{Query, Retention};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, QueryBuilder, SqlSafeStr, Sqlite, Transaction};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a statement waits for another program's lock.
const BUSY: Duration = Duration::from_secs(3);

/// One writes, the others read.
const CONNECTIONS: u32 = 3;

/// Decisions that one statement inserts.
const ROWS: usize = 64;

/// Every version of the schema, oldest first. A published one never changes.
fn migrations() -> Migrator {
    let first = include_str!("../migrations/0001_decisions_and_plugin_kv.sql");
    let second = include_str!("../migrations/0002_wanted.sql");
    let simple = |version, name: &'static str, sql: &'static str| {
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        simple(1, "decisions and plugin_kv", first),
        simple(2, "wanted", second),
    ])
}

/// An open file.
pub(crate) struct Database {
    pool: SqlitePool,
    last_id: u64,
    /// Of all lines in the file.
    bytes: AtomicU64,
}

impl Database {
    /// Opens or makes the file; also returns everything that plugins keep.
    pub(crate) async fn open(path: &Path) -> Result<(Self, Vec<kv::Row>), StoreError> {
        let at = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode this loses nothing when the process dies, and the newest
            // transactions at most when the machine does.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(2 * BUSY)
            .connect_with(options)
            .await
            .map_err(at)?;
        let migrated = migrations().run(&pool).await;
        migrated.map_err(|source| StoreError::Schema {
            path: path.to_owned(),
            source,
        })?;
        let sums = "SELECT COALESCE(MAX(id), 0), COALESCE(SUM(bytes), 0) FROM decisions";
        let (last_id, bytes): (i64, i64) =
            sqlx::query_as(sums).fetch_one(&pool).await.map_err(at)?;
        let all = "SELECT plugin, key, value, revision FROM plugin_kv";
        let rows: Vec<(String, String, Vec<u8>, i64)> =
            sqlx::query_as(all).fetch_all(&pool).await.map_err(at)?;
        let entries = rows.into_iter().map(|(plugin, key, value, revision)| {
            let revision = u64::try_from(revision).unwrap_or_default();
            (plugin, key, KvEntry { value, revision })
        });
        let entries = entries.collect();
        let database = Self {
            pool,
            last_id: u64::try_from(last_id).unwrap_or_default(),
            bytes: AtomicU64::new(u64::try_from(bytes).unwrap_or_default()),
        };
        Ok((database, entries))
    }

    /// Connections to it.
    pub(crate) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// The greatest id when the file was opened; 0 if it was empty.
    pub(crate) const fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Writes all of it, or nothing.
    pub(crate) async fn write(
        &self,
        decisions: &[Row],
        kv: &[kv::Marked],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for rows in decisions.chunks(ROWS) {
            insert(&mut transaction, rows).await?;
        }
        for (plugin, key, entry) in kv {
            let statement = match entry {
                Some(entry) => sqlx::query(
                    "INSERT INTO plugin_kv (plugin, key, value, revision) VALUES (?, ?, ?, ?) \
                     ON CONFLICT (plugin, key) DO UPDATE \
                     SET value = excluded.value, revision = excluded.revision",
                )
                .bind(plugin)
                .bind(key)
                .bind(&entry.value)
                .bind(number(entry.revision)),
                None => sqlx::query("DELETE FROM plugin_kv WHERE plugin = ? AND key = ?")
                    .bind(plugin)
                    .bind(key),
            };
            statement.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        let bytes = decisions.iter().map(|row| row.line.len() as u64).sum();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Lines of JSON, oldest first.
    pub(crate) async fn decisions(&self, query: &Query) -> Result<Vec<String>, StoreError> {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT line FROM decisions WHERE 1 = 1");
        if let Some(kind) = query.kind {
            select.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(stream) = &query.stream {
            select.push(" AND stream = ").push_bind(stream.clone());
        }
        if let Some(plugin) = &query.plugin {
            select.push(" AND plugin = ").push_bind(plugin.clone());
        }
        if query.failed {
            select.push(" AND failed = 1");
        }
        if let Some(after) = query.after {
            select.push(" AND id > ").push_bind(number(after));
        }
        if let Some(before) = query.before {
            select.push(" AND id < ").push_bind(number(before));
        }
        let oldest_first = query.after.is_some();
        let order = if oldest_first { "ASC" } else { "DESC" };
        select.push(" ORDER BY id ").push(order);
        select
            .push(" LIMIT ")
            .push_bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
        let found: Vec<(String,)> = select.build_query_as().fetch_all(&self.pool).await?;
        let mut lines: Vec<_> = found.into_iter().map(|(line,)| line).collect();
        if !oldest_first {
            lines.reverse();
        }
        Ok(lines)
    }

    /// Removes decisions that are not to be kept any longer; returns how many.
    pub(crate) async fn prune(&self, retention: &Retention) -> Result<u64, StoreError> {
        let age_ms = u64::try_from(retention.max_age.as_millis()).unwrap_or(u64::MAX);
        let oldest = number(unix_ms().saturating_sub(age_ms));
        // Ids grow with time, so the table is in the order of time too. The newest line stays:
        // after a restart ids go on from it.
        let aged = "DELETE FROM decisions WHERE id < \
                    COALESCE((SELECT id FROM decisions WHERE at_unix_ms >= ? ORDER BY id LIMIT 1), \
                             9223372036854775807) \
                    AND id < (SELECT MAX(id) FROM decisions)";
        let mut removed = sqlx::query(aged)
            .bind(oldest)
            .execute(&self.pool)
            .await?
            .rows_affected();
        let counted = "DELETE FROM decisions WHERE id <= COALESCE(\
                       (SELECT id FROM decisions ORDER BY id DESC LIMIT 1 OFFSET ?), 0)";
        removed += sqlx::query(counted)
            .bind(number(retention.max_lines))
            .execute(&self.pool)
            .await?
            .rows_affected();
        removed += self.prune_bytes(retention.max_bytes).await?;
        if removed > 0 {
            self.count_bytes().await?;
        }
        Ok(removed)
    }

    /// Removes the oldest tenth, and again, as long as all of them are too large.
    async fn prune_bytes(&self, max_bytes: u64) -> Result<u64, StoreError> {
        let mut removed = 0;
        while self.count_bytes_if_above(max_bytes).await? {
            let tenth = "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions ORDER BY id \
                         LIMIT (SELECT COUNT(*) / 10 + 1 FROM decisions))";
            removed += sqlx::query(tenth)
                .execute(&self.pool)
                .await?
                .rows_affected();
            self.count_bytes().await?;
        }
        Ok(removed)
    }

    async fn count_bytes_if_above(&self, limit: u64) -> Result<bool, StoreError> {
        if self.bytes.load(Ordering::Relaxed) <= limit {
            return Ok(false);
        }
        self.count_bytes().await?;
        Ok(self.bytes.load(Ordering::Relaxed) > limit)
    }

    async fn count_bytes(&self) -> Result<(), StoreError> {
        let sum = "SELECT COALESCE(SUM(bytes), 0) FROM decisions";
        let (bytes,): (i64,) = sqlx::query_as(sum).fetch_one(&self.pool).await?;
        let bytes = u64::try_from(bytes).unwrap_or_default();
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for what is under way, and folds the log into the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn insert(transaction: &mut Transaction<'_, Sqlite>, rows: &[Row]) -> Result<(), StoreError> {
    // A batch whose commit failed half way may come again.
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT OR REPLACE INTO decisions \
         (id, at_unix_ms, kind, stream, plugin, failed, bytes, line) ",
    );
    insert.push_values(rows, |mut values, row| {
        values
            .push_bind(row.id)
            .push_bind(row.at_unix_ms)
            .push_bind(row.kind)
            .push_bind(row.stream.clone())
            .push_bind(row.plugin.clone())
            .push_bind(i64::from(row.failed))
            .push_bind(i64::try_from(row.line.len()).unwrap_or(i64::MAX))
            .push_bind(row.line.clone());
    });
    insert.build().execute(&mut **transaction).await?;
    Ok(())
}
