//! The database: opened, brought to the newest schema, read and written.
//!
//! Every statement is one text for both kinds, with `$1` for values; sums are cast, because
//! PostgreSQL widens them. Names that come from outside go through [`text`].

use crate::accounts::{self, Accounts};
use crate::error::StoreError;
use crate::kv::{self, KvEntry};
use crate::place::Place;
use crate::seat::{self, Empty, Entry, Seat, Token};
use crate::wanted::{self, Wanted};
use parking_lot::Mutex;
use sqlx::AnyConnection;
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long a change or a question may take: longer than a lock is waited for, twice over.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long opening may take, with all that plugins keep, and removing what is old.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// An open database.
pub(crate) struct Database {
    place: Place,
    token: Token,
    writer: Seat,
    reader: Seat,
    last_id: u64,
    /// Of all lines of decisions.
    pub(crate) bytes: AtomicU64,
    /// What is kept of the document; none if nothing, or not read yet.
    pub(crate) wanted: Mutex<Option<Wanted>>,
    /// What is known of who may do what; nothing if that was not read yet.
    pub(crate) accounts: Mutex<Accounts>,
    /// The connection that writes was opened again, perhaps to an empty file.
    renewed: AtomicBool,
}

impl Database {
    /// Opens or makes it; also returns everything that plugins keep.
    pub(crate) async fn open(place: &Place) -> Result<(Self, Vec<kv::Row>), StoreError> {
        within(LONG, async {
            let mut database = Self {
                place: place.clone(),
                token: Token::new(),
                writer: Seat::new(place.clone()),
                reader: Seat::new(place.clone()),
                last_id: 0,
                bytes: AtomicU64::new(0),
                wanted: Mutex::default(),
                accounts: Mutex::default(),
                renewed: AtomicBool::new(false),
            };
            let (last_id, bytes, entries) = database.first_look().await?;
            database.last_id = last_id;
            database.bytes = AtomicU64::new(bytes);
            Ok((database, entries))
        })
        .await
    }

    async fn first_look(&self) -> Result<(u64, u64, Vec<kv::Row>), StoreError> {
        let (mut seat, _) = self.writer.take().await;
        let mut connection = seat.open().await?;
        seat::own(&mut connection, &self.place, &self.token, Entry::First)
            .await
            .map_err(|error| self.opening(error))?;
        let sums = "SELECT COALESCE(MAX(id), 0), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) \
                    FROM decisions";
        let (last_id, bytes): (i64, i64) = sqlx::query_as(sums).fetch_one(&mut connection).await?;
        let all = "SELECT plugin, key, value, revision FROM plugin_kv";
        let rows: Vec<(String, String, Vec<u8>, i64)> =
            sqlx::query_as(all).fetch_all(&mut connection).await?;
        seat.put(connection);
        let entries = rows.into_iter().map(|(plugin, key, value, revision)| {
            let revision = unsigned(revision);
            (plugin, text_back(key), KvEntry { value, revision })
        });
        Ok((unsigned(last_id), unsigned(bytes), entries.collect()))
    }

    /// Whoever reads an error of opening wants to know what was opened.
    fn opening(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Statement { source } => StoreError::Open {
                place: self.place.to_string(),
                source,
            },
            other => other,
        }
    }

    /// The greatest id of a decision when it was opened; 0 if there was none.
    pub(crate) const fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Begins to write. All of it is undone unless [`Session::commit`] succeeds.
    pub(crate) async fn write(&self) -> Result<Session<'_>, StoreError> {
        let mut session = self.writing().await?;
        let begin = match self.place {
            // At once for writing: an upgrade half-way could not wait for another's lock.
            Place::File(_) => "BEGIN IMMEDIATE",
            Place::Server(_) => "BEGIN",
        };
        sqlx::raw_sql(begin).execute(&mut *session).await?;
        Ok(session)
    }

    /// The connection that writes, each statement for itself.
    pub(crate) async fn writing(&self) -> Result<Session<'_>, StoreError> {
        let (mut seat, connection) = self.writer.take().await;
        let connection = match connection {
            Some(connection) => connection,
            None => self.renew(&mut seat).await?,
        };
        Ok(Session { seat, connection })
    }

    /// Begins to read.
    pub(crate) async fn read(&self) -> Result<Session<'_>, StoreError> {
        let (mut seat, connection) = self.reader.take().await;
        let connection = match connection {
            Some(connection) => connection,
            None => seat.open().await?,
        };
        Ok(Session { seat, connection })
    }

    /// Opens the connection that writes again. Whether the last change was kept may not be known,
    /// and a file may have been deleted: the document is kept again as it was last answered, and so
    /// is who may do what.
    async fn renew(&self, seat: &mut Empty<'_>) -> Result<AnyConnection, StoreError> {
        let mut connection = seat.open().await?;
        seat::own(&mut connection, &self.place, &self.token, Entry::Again)
            .await
            .map_err(|error| self.opening(error))?;
        let wanted = self.wanted.lock().clone();
        if let Some(wanted) = wanted {
            wanted::put(&mut connection, &wanted).await?;
        }
        let known = self.accounts.lock().clone();
        accounts::put_all(&mut connection, &known).await?;
        self.renewed.store(true, Ordering::Release);
        Ok(connection)
    }

    /// Whether the connection that writes was opened again since this was asked last.
    pub(crate) fn was_renewed(&self) -> bool {
        self.renewed.swap(false, Ordering::AcqRel)
    }

    /// Finds out whether it can be written, and if its connection was lost opens another.
    pub(crate) async fn heal(&self) -> Result<(), StoreError> {
        in_time(async {
            let session = self.writing().await?;
            session.done();
            Ok(())
        })
        .await
    }

    /// Waits for what is under way, and folds the log of a file into it.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Alone with a connection. Dropped, it closes it, and what was not committed is undone.
pub(crate) struct Session<'a> {
    seat: Empty<'a>,
    connection: AnyConnection,
}

impl Session<'_> {
    /// Keeps what was written since [`Database::write`].
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.commit_and(|| {}).await
    }

    /// The same, and then does something before anybody else writes.
    pub(crate) async fn commit_and(mut self, then: impl FnOnce()) -> Result<(), StoreError> {
        sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
        then();
        self.done();
        Ok(())
    }

    /// Gives the connection back.
    pub(crate) fn done(self) {
        self.seat.put(self.connection);
    }
}

impl Deref for Session<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

/// Gives up on a database that does not answer.
pub(crate) async fn in_time<T>(
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    within(PATIENCE, work).await
}

pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = |_| StoreError::Late { within: limit };
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// As SQL has it: signed.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// As PostgreSQL takes it: without NUL, which becomes U+0001 and `0`.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\u{1}']) {
        text.replace('\u{1}', "\u{1}1")
            .replace('\0', "\u{1}0")
            .into()
    } else {
        text.into()
    }
}

/// The text that [`text`] was made of.
fn text_back(kept: String) -> String {
    if kept.contains('\u{1}') {
        kept.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")
    } else {
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back() {
        for whole in [
            "live/a",
            "",
            "\0",
            "\u{1}",
            "a\0\u{1}0\u{1}\u{1}1\0b",
            "\u{1}0",
        ] {
            let kept = text(whole);
            assert!(!kept.contains('\0'));
            assert_eq!(text_back(kept.into_owned()), whole);
        }
    }
}
