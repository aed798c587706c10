//! A copy of the database in one file, made while a host runs, and the way back.
//!
//! Of SQLite only: whoever keeps a PostgreSQL server has `pg_dump` and its own way of doing this.

use crate::place::Place;
use crate::schema;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// How long the database may be locked by others.
const BUSY: Duration = Duration::from_secs(10);

/// Why there is no copy, or it is not taken back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// It is not in a file.
    #[error(
        "the database is {place}: copy it with pg_dump --format=custom, and take it back with pg_restore --clean, while no host runs on it"
    )]
    Server {
        /// Without its password.
        place: String,
    },
    /// The database does not give it out.
    #[error("cannot read the database {}: {source}", path.display())]
    Database {
        /// The database, or the copy.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// There is something where the copy should be.
    #[error("{} is there already; name another file, or say --force to replace it", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is to be taken back is no whole copy.
    #[error("{} is no backup of a host: {problem}; nothing was changed", path.display())]
    Unsound {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A newer program wrote it.
    #[error(
        "{} was written by a newer version (schema {found}, this one knows {known}); nothing was changed", path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version of the schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
}

/// Writes a copy of the database, as it is between two changes, into a new file that only this
/// user may read. Hosts go on meanwhile. `force` replaces a file that is there.
///
/// # Errors
/// Nothing is left of a copy that fails, and what `force` would have replaced is there still.
pub async fn backup(place: &Place, to: &Path, force: bool) -> Result<(), BackupError> {
    let Place::File(path) = place else {
        return Err(BackupError::Server {
            place: place.to_string(),
        });
    };
    if !force && to.exists() {
        return Err(BackupError::Exists { path: to.into() });
    }
    let copy = NamedTempFile::new_in(folder_of(to)).map_err(at(to))?;
    copy_into(path, copy.path())
        .await
        .map_err(|source| BackupError::Database {
            path: path.clone(),
            source,
        })?;
    put(copy, to, force)
}

async fn copy_into(database: &Path, copy: &Path) -> Result<(), sqlx::Error> {
    let mut connection = connect(database, false).await?;
    // It takes an empty file for none. One reading transaction: changes go on beside it.
    sqlx::query("VACUUM INTO ?1")
        .bind(copy.to_string_lossy())
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// Puts a copy in the place of a database that nobody uses. What was there is kept beside it,
/// as `NAME.old`.
///
/// # Errors
/// The copy is not whole, or not of this program; nothing is changed then.
pub async fn restore(from: &Path, place: &Place) -> Result<(), BackupError> {
    let Place::File(database) = place else {
        return Err(BackupError::Server {
            place: place.to_string(),
        });
    };
    examine(from).await?;
    let mut copy = NamedTempFile::new_in(folder_of(database)).map_err(at(database))?;
    let mut original = fs::File::open(from).map_err(at(from))?;
    io::copy(&mut original, &mut copy).map_err(at(database))?;
    // With its log, which belongs to no other file.
    for beside in ["", "-wal", "-shm"] {
        let part = with_suffix(database, beside);
        let aside = with_suffix(&with_suffix(database, ".old"), beside);
        match fs::rename(&part, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // What an earlier one left there would not belong to this one.
                let _ = fs::remove_file(&aside);
            }
            renamed => renamed.map_err(at(&part))?,
        }
    }
    put(copy, database, false)
}

/// Whether it is whole, and this program's.
async fn examine(copy: &Path) -> Result<(), BackupError> {
    // A file that is not there would be told as a database that is not one.
    fs::File::open(copy).map_err(at(copy))?;
    let unsound = |problem: String| BackupError::Unsound {
        path: copy.into(),
        problem,
    };
    let looked = async {
        let mut connection = connect(copy, true).await?;
        let (sound,): (String,) = sqlx::query_as("PRAGMA quick_check")
            .fetch_one(&mut connection)
            .await?;
        let (version,): (i64,) = sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await?;
        sqlx::query("SELECT document, file FROM wanted")
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>((sound, version))
    };
    let (sound, found) = looked.await.map_err(|error| unsound(error.to_string()))?;
    if sound != "ok" {
        return Err(unsound(sound));
    }
    let known = schema::newest();
    if found > known {
        return Err(BackupError::Newer {
            path: copy.into(),
            found,
            known,
        });
    }
    Ok(())
}

async fn connect(path: &Path, read_only: bool) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(read_only)
        // A copy has no log beside it, and gets none.
        .immutable(read_only)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    options.connect().await
}

/// Gives a file its name once all of it is on the disk.
fn put(file: NamedTempFile, to: &Path, force: bool) -> Result<(), BackupError> {
    file.as_file().sync_all().map_err(at(to))?;
    let put = match force {
        true => file.persist(to),
        false => file.persist_noclobber(to),
    };
    match put {
        Ok(_) => Ok(()),
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::Exists { path: to.into() })
        }
        Err(failed) => Err(at(to)(failed.error)),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |source| BackupError::File {
        path: path.into(),
        source,
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
