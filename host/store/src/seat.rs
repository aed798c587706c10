//! A connection that is opened again whenever it was lost.
//!
//! There are two a database: one for whoever writes, one for whoever reads. Whoever has it is
//! alone with it. After any failure it is closed, so that nothing half-done is left on it, and
//! the next to come opens another.

use crate::error::StoreError;
use crate::place::Place;
use crate::schema;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Once;
use tokio::sync::{Mutex, MutexGuard};

/// Where a connection is, when it is not in use.
pub(crate) struct Seat {
    place: Place,
    connection: Mutex<Option<Opened>>,
}

struct Opened {
    connection: AnyConnection,
    /// Which file it has open; none: it is no file.
    file: Option<FileId>,
}

/// Tells one file from another that comes to stand in its place: device and inode.
type FileId = (u64, u64);

impl Seat {
    pub(crate) fn new(place: Place) -> Self {
        sqlx_drivers();
        Self {
            place,
            connection: Mutex::new(None),
        }
    }

    /// Waits for the connection; none if it has to be opened.
    pub(crate) async fn take(&self) -> (Empty<'_>, Option<AnyConnection>) {
        let mut guard = self.connection.lock().await;
        let found = guard.take();
        let mut seat = Empty {
            guard,
            place: &self.place,
            file: None,
        };
        let Some(mut opened) = found else {
            return (seat, None);
        };
        let good = match &self.place {
            // Deleted or replaced: what is written there would be lost with it.
            Place::File(path) => file_id(path).await == opened.file,
            // The server may have been started anew.
            Place::Server(_) => opened.connection.ping().await.is_ok(),
        };
        if !good {
            return (seat, None);
        }
        seat.file = opened.file;
        (seat, Some(opened.connection))
    }

    pub(crate) async fn close(&self) {
        if let Some(opened) = self.connection.lock().await.take() {
            // Whatever happens now, it is closed.
            let _ = opened.connection.close().await;
        }
    }
}

/// A seat whose connection is with whoever holds this.
pub(crate) struct Empty<'a> {
    guard: MutexGuard<'a, Option<Opened>>,
    place: &'a Place,
    file: Option<FileId>,
}

impl Empty<'_> {
    /// Opens another connection.
    pub(crate) async fn open(&mut self) -> Result<AnyConnection, StoreError> {
        let at = |source| StoreError::Open {
            place: self.place.to_string(),
            source,
        };
        let url = self.place.url().map_err(at)?;
        let options = AnyConnectOptions::from_url(&url).map_err(at)?;
        let options = options.disable_statement_logging();
        let mut connection = AnyConnection::connect_with(&options).await.map_err(at)?;
        let prepare = if self.place.is_file() { FILE } else { SERVER };
        let prepared = sqlx::raw_sql(prepare).execute(&mut connection).await;
        prepared.map_err(at)?;
        if let Place::File(path) = self.place {
            self.file = file_id(path).await;
        }
        Ok(connection)
    }

    /// Gives the connection back. What is dropped instead is closed, and what it did not commit
    /// is undone.
    pub(crate) fn put(mut self, connection: AnyConnection) {
        let file = self.file;
        *self.guard = Some(Opened { connection, file });
    }
}

/// What a connection to a file waits and promises. In WAL mode `NORMAL` loses nothing when the
/// process dies, and the newest transactions at most when the machine does.
const FILE: &str = "PRAGMA busy_timeout = 3000; \
                    PRAGMA journal_mode = WAL; \
                    PRAGMA synchronous = NORMAL";

/// As long for locks at a server. That a host is gone with its machine, the server finds out in
/// a minute, and another may take its place.
const SERVER: &str = "SET application_name = 'pointsman'; \
                      SET client_min_messages = warning; \
                      SET lock_timeout = '3s'; \
                      SET tcp_keepalives_idle = 30; \
                      SET tcp_keepalives_interval = 10; \
                      SET tcp_keepalives_count = 3";

/// What a host is told by when it comes back to its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// Another than any before.
    pub(crate) fn new() -> Self {
        let part = || RandomState::new().hash_one(crate::unix_ms());
        Self(format!("{:016x}{:016x}", part(), part()))
    }
}

/// How a host comes to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// For the first time: from now on it is this host's.
    First,
    /// Again: it has to be this host's still.
    Again,
}

/// Makes this the one connection that writes, with the newest schema.
///
/// At a server an advisory lock keeps other hosts out for as long as the connection lives. That
/// nobody came in while it was lost, the token tells.
pub(crate) async fn own(
    connection: &mut AnyConnection,
    place: &Place,
    token: &Token,
    entry: Entry,
) -> Result<(), StoreError> {
    if !place.is_file() {
        lock(connection, place).await?;
    }
    // `run` would ask for a connection of any lifetime, and no task could then wait for it.
    let migrated = schema::migrations(place)
        .run_direct(None, &mut *connection, false)
        .await;
    migrated.map_err(|source| StoreError::Schema {
        place: place.to_string(),
        source,
    })?;
    let owner: Option<(String,)> = sqlx::query_as("SELECT token FROM owner WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await?;
    match owner {
        Some((owner,)) if owner == token.0 => return Ok(()),
        Some(_) if entry == Entry::Again => {
            return Err(StoreError::TakenOver {
                place: place.to_string(),
            });
        }
        // Never used, or the file was deleted.
        _ => {}
    }
    let claim = "INSERT INTO owner (id, token) VALUES (1, $1) \
                 ON CONFLICT (id) DO UPDATE SET token = excluded.token";
    sqlx::query(claim)
        .bind(&token.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// One host a schema. The number says whose lock it is; it means nothing else.
async fn lock(connection: &mut AnyConnection, place: &Place) -> Result<(), StoreError> {
    let lock = "SELECT pg_advisory_lock(2010, hashtext(current_schema()::text))";
    match sqlx::query(lock).execute(connection).await {
        Ok(_) => Ok(()),
        // Waited for as long as SERVER says: a host that was just killed is gone by then.
        Err(error) if is_lock_timeout(&error) => Err(StoreError::InUse {
            place: place.to_string(),
        }),
        Err(error) => Err(error.into()),
    }
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some("55P03")
}

async fn file_id(path: &Path) -> Option<FileId> {
    let found = tokio::fs::metadata(path).await.ok()?;
    Some((found.dev(), found.ino()))
}

fn sqlx_drivers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(sqlx::any::install_default_drivers);
}
