//! The log of changes. It is written in the transaction of the change that it tells of.

use crate::Store;
use crate::database::{Database, LONG, in_time, number, text, within};
use crate::error::StoreError;
use crate::unix_ms;
use model::audit::{Entry, Line, Query, Retention};
use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments, AssertSqlSafe};

impl Store {
    /// Lines of the log, the newest first.
    ///
    /// # Errors
    /// While the database cannot be read.
    pub async fn audit(&self, query: &Query) -> Result<Vec<Line>, StoreError> {
        self.database()?.audit(query).await
    }

    /// Removes lines that are not to be kept any longer.
    ///
    /// # Errors
    /// While the database cannot be written.
    pub async fn prune_audit(&self, retention: &Retention) -> Result<(), StoreError> {
        self.database()?.prune_audit(retention).await
    }
}

impl Database {
    async fn audit(&self, query: &Query) -> Result<Vec<Line>, StoreError> {
        let (select, values) = select(query)?;
        in_time(async {
            let mut session = self.read().await?;
            let found: Vec<(i64, String)> = sqlx::query_as_with(AssertSqlSafe(select), values)
                .fetch_all(&mut *session)
                .await?;
            session.done();
            // One that another version wrote, and this one does not understand, is left out.
            let lines = found.into_iter().filter_map(|(id, line)| {
                let entry = serde_json::from_str(&line).ok()?;
                Some(Line { id, entry })
            });
            Ok(lines.collect())
        })
        .await
    }

    async fn prune_audit(&self, retention: &Retention) -> Result<(), StoreError> {
        let age_ms = u64::try_from(retention.max_age.as_millis()).unwrap_or(u64::MAX);
        let oldest = number(unix_ms().saturating_sub(age_ms));
        // The newest line stays: ids go on from it.
        let aged = "DELETE FROM audit WHERE at_unix_ms < $1 AND id < (SELECT MAX(id) FROM audit)";
        let counted = "DELETE FROM audit WHERE id <= COALESCE(\
                       (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET $1), 0)";
        within(LONG, async {
            let mut session = self.writing().await?;
            for (delete, limit) in [(aged, oldest), (counted, number(retention.max_rows))] {
                sqlx::query(delete)
                    .bind(limit)
                    .execute(&mut *session)
                    .await?;
            }
            session.done();
            Ok(())
        })
        .await
    }
}

/// Writes lines as a part of the transaction that is under way.
pub(crate) async fn write(
    connection: &mut AnyConnection,
    entries: &[Entry],
) -> Result<(), StoreError> {
    // One connection writes, so the next id is the next id.
    let insert = "INSERT INTO audit (id, at_unix_ms, who, action, item, outcome, line) \
                  VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM audit), $1, $2, $3, $4, $5, $6)";
    for entry in entries {
        // The nouns of the model always have a JSON form.
        let line = serde_json::to_string(entry).unwrap_or_default();
        sqlx::query(insert)
            .bind(number(entry.at_unix_ms))
            .bind(text(&entry.who).into_owned())
            .bind(text(&entry.action).into_owned())
            .bind(text(&entry.item).into_owned())
            .bind(entry.outcome.as_str())
            .bind(line)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The statement and its values. Only what stands here is in the text.
fn select(query: &Query) -> Result<(String, AnyArguments), StoreError> {
    let mut values = AnyArguments::default();
    let mut select = "SELECT id, line FROM audit WHERE 1 = 1".to_owned();
    let encode = |source| sqlx::Error::Encode(source);
    let texts = [
        ("who", query.who.as_deref()),
        ("action", query.action.as_deref()),
        ("outcome", query.outcome.map(|outcome| outcome.as_str())),
    ];
    for (column, value) in texts {
        let Some(value) = value else { continue };
        values.add(text(value).into_owned()).map_err(encode)?;
        select.push_str(&format!(" AND {column} = ${}", values.len()));
    }
    if let Some(item) = &query.item {
        // The item, and what belongs to it: `input live/cam1 output archive`.
        values.add(text(item).into_owned()).map_err(encode)?;
        let exact = values.len();
        values.add(like(&text(item))).map_err(encode)?;
        let below = values.len();
        select.push_str(&format!(
            " AND (item = ${exact} OR item LIKE ${below} ESCAPE '!')"
        ));
    }
    if let Some(before) = query.before {
        values.add(before).map_err(encode)?;
        select.push_str(&format!(" AND id < ${}", values.len()));
    }
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    values.add(limit).map_err(encode)?;
    select.push_str(&format!(" ORDER BY id DESC LIMIT ${}", values.len()));
    Ok((select, values))
}

/// What begins with the item and a space.
fn like(item: &str) -> String {
    let mut pattern = String::with_capacity(item.len() + 2);
    for character in item.chars() {
        if matches!(character, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push_str(" %");
    pattern
}
