//! The history of decisions: written in batches, read by page, and removed when old.

use crate::database::{Database, LONG, in_time, number, text, unsigned, within};
use crate::error::StoreError;
use crate::kv;
use crate::unix_ms;
use model::history::{Line, Query, Retention};
use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments, AssertSqlSafe};
use std::sync::atomic::Ordering;

/// Decisions that one statement inserts.
const ROWS: usize = 64;

/// A line as it is written.
pub(crate) struct Row {
    id: i64,
    at_unix_ms: i64,
    kind: &'static str,
    stream: String,
    plugin: Option<String>,
    failed: bool,
    line: String,
}

impl From<Line> for Row {
    fn from(line: Line) -> Self {
        Self {
            id: number(line.id),
            at_unix_ms: number(line.at_unix_ms),
            kind: line.kind.as_str(),
            stream: text(&line.stream).into_owned(),
            plugin: line.plugin,
            failed: line.failed,
            line: (line.json)(),
        }
    }
}

impl Database {
    /// Writes all of it, or nothing.
    pub(crate) async fn keep(
        &self,
        decisions: &[Row],
        kv: &[kv::Marked],
    ) -> Result<(), StoreError> {
        in_time(async {
            let mut session = self.write().await?;
            for rows in decisions.chunks(ROWS) {
                insert(&mut session, rows).await?;
            }
            kv::put(&mut session, kv).await?;
            session.commit().await
        })
        .await?;
        let bytes = decisions.iter().map(|row| row.line.len() as u64).sum();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Lines of JSON, oldest first.
    pub(crate) async fn decisions(&self, query: &Query) -> Result<Vec<String>, StoreError> {
        let (select, values) = select(query)?;
        let mut lines: Vec<_> = in_time(async {
            let mut session = self.read().await?;
            let found: Vec<(String,)> = sqlx::query_as_with(AssertSqlSafe(select), values)
                .fetch_all(&mut *session)
                .await?;
            session.done();
            Ok(found.into_iter().map(|(line,)| line).collect())
        })
        .await?;
        if query.after.is_none() {
            lines.reverse();
        }
        Ok(lines)
    }

    /// Removes decisions that are not to be kept any longer; returns how many.
    pub(crate) async fn prune(&self, retention: &Retention) -> Result<u64, StoreError> {
        let mut removed = self.prune_aged(retention).await?;
        removed += self.prune_counted(retention.max_lines).await?;
        removed += self.prune_bytes(retention.max_bytes).await?;
        if removed > 0 {
            self.count_bytes().await?;
        }
        Ok(removed)
    }

    async fn prune_aged(&self, retention: &Retention) -> Result<u64, StoreError> {
        let age_ms = u64::try_from(retention.max_age.as_millis()).unwrap_or(u64::MAX);
        let oldest = number(unix_ms().saturating_sub(age_ms));
        // Ids grow with time, so the table is in the order of time too. The newest line stays:
        // after a restart ids go on from it.
        let aged = "DELETE FROM decisions WHERE id < \
                    COALESCE((SELECT id FROM decisions WHERE at_unix_ms >= $1 ORDER BY id LIMIT 1), \
                             9223372036854775807) \
                    AND id < (SELECT MAX(id) FROM decisions)";
        self.remove(aged, Some(oldest)).await
    }

    async fn prune_counted(&self, max_lines: u64) -> Result<u64, StoreError> {
        let counted = "DELETE FROM decisions WHERE id <= COALESCE(\
                       (SELECT id FROM decisions ORDER BY id DESC LIMIT 1 OFFSET $1), 0)";
        self.remove(counted, Some(number(max_lines))).await
    }

    /// Removes the oldest tenth, and again, as long as all of them are too large.
    async fn prune_bytes(&self, max_bytes: u64) -> Result<u64, StoreError> {
        let mut removed = 0;
        while self.count_bytes_if_above(max_bytes).await? {
            let tenth = "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions ORDER BY id \
                         LIMIT (SELECT COUNT(*) / 10 + 1 FROM decisions))";
            removed += self.remove(tenth, None).await?;
            self.count_bytes().await?;
        }
        Ok(removed)
    }

    async fn remove(&self, delete: &'static str, limit: Option<i64>) -> Result<u64, StoreError> {
        within(LONG, async {
            let mut session = self.writing().await?;
            let mut query = sqlx::query(delete);
            if let Some(limit) = limit {
                query = query.bind(limit);
            }
            let done = query.execute(&mut *session).await?;
            session.done();
            Ok(done.rows_affected())
        })
        .await
    }

    async fn count_bytes_if_above(&self, limit: u64) -> Result<bool, StoreError> {
        if self.bytes.load(Ordering::Relaxed) <= limit {
            return Ok(false);
        }
        self.count_bytes().await?;
        Ok(self.bytes.load(Ordering::Relaxed) > limit)
    }

    async fn count_bytes(&self) -> Result<(), StoreError> {
        let sum = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM decisions";
        let bytes = within(LONG, async {
            // By the connection that writes: it has just removed some.
            let mut session = self.writing().await?;
            let (bytes,): (i64,) = sqlx::query_as(sum).fetch_one(&mut *session).await?;
            session.done();
            Ok(unsigned(bytes))
        })
        .await?;
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

async fn insert(connection: &mut AnyConnection, rows: &[Row]) -> Result<(), StoreError> {
    const COLUMNS: usize = 8;
    let places = (0..rows.len()).map(|row| {
        let of_row = (1..=COLUMNS).map(|column| format!("${}", row * COLUMNS + column));
        format!("({})", of_row.collect::<Vec<_>>().join(", "))
    });
    let statement = format!(
        // A batch whose commit failed half way may come again.
        "INSERT INTO decisions (id, at_unix_ms, kind, stream, plugin, failed, bytes, line) \
         VALUES {} ON CONFLICT (id) DO NOTHING",
        places.collect::<Vec<_>>().join(", ")
    );
    let mut insert = sqlx::query(AssertSqlSafe(statement)).persistent(rows.len() == ROWS);
    for row in rows {
        insert = insert
            .bind(row.id)
            .bind(row.at_unix_ms)
            .bind(row.kind)
            .bind(&row.stream)
            .bind(&row.plugin)
            .bind(i32::from(row.failed))
            .bind(number(row.line.len() as u64))
            .bind(&row.line);
    }
    insert.execute(connection).await?;
    Ok(())
}

/// The statement and its values. Only what stands here is in the text.
fn select(query: &Query) -> Result<(String, AnyArguments), StoreError> {
    let mut values = AnyArguments::default();
    let mut select = "SELECT line FROM decisions WHERE 1 = 1".to_owned();
    let encode = |source| sqlx::Error::Encode(source);
    let texts = [
        ("kind", query.kind.map(|kind| kind.as_str().to_owned())),
        (
            "stream",
            query.stream.as_deref().map(|name| text(name).into_owned()),
        ),
        (
            "plugin",
            query.plugin.as_deref().map(|name| text(name).into_owned()),
        ),
    ];
    for (column, value) in texts {
        let Some(value) = value else { continue };
        values.add(value).map_err(encode)?;
        select.push_str(&format!(" AND {column} = ${}", values.len()));
    }
    if query.failed {
        select.push_str(" AND failed = 1");
    }
    for (relation, id) in [(">", query.after), ("<", query.before)] {
        let Some(id) = id else { continue };
        values.add(number(id)).map_err(encode)?;
        select.push_str(&format!(" AND id {relation} ${}", values.len()));
    }
    let order = if query.after.is_some() { "ASC" } else { "DESC" };
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    values.add(limit).map_err(encode)?;
    select.push_str(&format!(" ORDER BY id {order} LIMIT ${}", values.len()));
    Ok((select, values))
}
