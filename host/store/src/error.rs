//! What the database says when it does not work.

use std::path::PathBuf;

/// Why something is not kept, or cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("cannot open the database {}: {source}; {}", path.display(), remedy(source))]
    Open {
        /// Which.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// Its schema is another program's, or a newer version's.
    #[error(
        "the database {} cannot be brought to this version's schema: {source}; run the version that wrote it, or move the file away", path.display()
    )]
    Schema {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the database does not answer: {source}; {}", remedy(source))]
    Statement {
        /// What SQLite says.
        #[from]
        source: sqlx::Error,
    },
    /// The file could not be opened at the start and not since.
    #[error("the database is not open; the log of the host says why")]
    NotOpen,
}

/// What to do about it, by SQLite's primary result code (<https://sqlite.org/rescode.html>).
fn remedy(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => "another program has it locked; stop that one",
        Some(8 | 14 | 23) => "check that this user may write to its folder",
        Some(13) => "the disk is full; free some space",
        Some(11 | 26) => "it is damaged; move it away, and a new one is made",
        _ => "check the disk",
    }
}
