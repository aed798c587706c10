//! What the database says when it does not work.

use std::time::Duration;

/// Why something is not kept, or cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened or made.
    #[error("cannot open the database {place}: {source}; {}", remedy(source))]
    Open {
        /// Which; without its password.
        place: String,
        /// What it says.
        source: sqlx::Error,
    },
    /// Its schema is another program's, or a newer version's.
    #[error(
        "the database {place} cannot be brought to this version's schema: {source}; run the version that wrote it, or give another database"
    )]
    Schema {
        /// Which; without its password.
        place: String,
        /// What is wrong.
        source: sqlx::migrate::MigrateError,
    },
    /// Another host holds it.
    #[error(
        "another host uses the database {place}; stop that one, or give this one a database or schema of its own"
    )]
    InUse {
        /// Which; without its password.
        place: String,
    },
    /// Another host held it since this one lost it, or another file was put in its place.
    #[error(
        "the database {place} is no longer what this host left: another host used it, or it was replaced; restart this host to take over what is there"
    )]
    TakenOver {
        /// Which; without its password.
        place: String,
    },
    /// A statement failed.
    #[error("the database does not answer: {source}; {}", remedy(source))]
    Statement {
        /// What it says.
        #[from]
        source: sqlx::Error,
    },
    /// Nothing came back in time.
    #[error(
        "the database did not answer within {} s; see whether its disk or the way to it is overloaded", within.as_secs()
    )]
    Late {
        /// How long was waited.
        within: Duration,
    },
    /// It could not be opened at the start and not since.
    #[error("the database is not open; the log of the host says why")]
    NotOpen,
}

/// What to do about it.
fn remedy(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(|error| error.code());
    match (code.as_deref(), error) {
        // A SQLSTATE has five characters, a result code of SQLite up to four.
        (Some(state), _) if state.len() == 5 => remedy_of_state(state),
        (Some(code), _) => remedy_of_code(code.parse().unwrap_or_default()),
        (None, sqlx::Error::Io(_) | sqlx::Error::Tls(_)) => {
            "see whether the database server runs and can be reached"
        }
        (None, _) => "check the disk, and the address of the database",
    }
}

/// PostgreSQL, appendix A: error codes.
fn remedy_of_state(state: &str) -> &'static str {
    match state {
        "53100" => "the disk of the database server is full; free some space there",
        "53300" => "the server has no connection left; raise max_connections, or stop a client",
        "55P03" | "40P01" => "another program has it locked; stop that one",
        "57014" | "57P01" | "57P02" | "57P03" => "the server stops or starts; it is tried again",
        "25006" => "the server is a standby, or read-only; give the address of the primary",
        "28000" | "28P01" => "check user and password",
        "3D000" => "make the database first: createdb NAME",
        "42501" => "grant this user CREATE on the schema, and its tables",
        _ => "see the log of the database server",
    }
}

/// By SQLite's primary result code (<https://sqlite.org/rescode.html>).
fn remedy_of_code(code: u32) -> &'static str {
    match code & 0xff {
        5 | 6 => "another program has it locked; stop that one",
        8 | 14 | 23 => "check that this user may write to its folder",
        13 => "the disk is full; free some space",
        11 | 26 => "it is damaged; move it away, and a new one is made",
        _ => "check the disk",
    }
}
