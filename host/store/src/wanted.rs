//! The document that is wanted. Unlike all else here it is waited for: a change that is not on
//! disk is not made.

use crate::Store;
use crate::audit;
use crate::database::{Database, in_time};
use crate::error::StoreError;
use model::audit::Entry;
use sqlx::AnyConnection;

/// What is wanted, as the host left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The document, JSON.
    pub document: String,
    /// The configuration file that it was last put together with, JSON.
    pub file: String,
}

impl Store {
    /// What was kept last; none in a new database.
    ///
    /// # Errors
    /// While the database cannot be read.
    pub async fn wanted(&self) -> Result<Option<Wanted>, StoreError> {
        self.database()?.read_wanted().await
    }

    /// Replaces what is kept, and writes the lines of the log that tell of it: both, or neither.
    /// Answers once it outlives this process.
    ///
    /// # Errors
    /// While the database cannot be written; what was kept before is kept still.
    pub async fn keep_wanted(&self, wanted: &Wanted, log: &[Entry]) -> Result<(), StoreError> {
        let kept = self.database()?.keep_wanted(wanted, log).await;
        if kept.is_err() {
            self.shared.failed.notify_one();
        }
        kept
    }
}

impl Database {
    async fn read_wanted(&self) -> Result<Option<Wanted>, StoreError> {
        in_time(async {
            let mut session = self.read().await?;
            let kept: Option<(String, String)> =
                sqlx::query_as("SELECT document, file FROM wanted WHERE id = 1")
                    .fetch_optional(&mut *session)
                    .await?;
            session.done();
            let kept = kept.map(|(document, file)| Wanted { document, file });
            self.wanted.lock().clone_from(&kept);
            Ok(kept)
        })
        .await
    }

    async fn keep_wanted(&self, wanted: &Wanted, log: &[Entry]) -> Result<(), StoreError> {
        in_time(async {
            let mut session = self.write().await?;
            put(&mut session, wanted).await?;
            audit::write(&mut session, log).await?;
            let known = || *self.wanted.lock() = Some(wanted.clone());
            session.commit_and(known).await
        })
        .await
    }
}

/// Replaces what is kept.
pub(crate) async fn put(connection: &mut AnyConnection, wanted: &Wanted) -> Result<(), StoreError> {
    let replace = "INSERT INTO wanted (id, document, file) VALUES (1, $1, $2) \
                   ON CONFLICT (id) DO UPDATE \
                   SET document = excluded.document, file = excluded.file";
    sqlx::query(replace)
        .bind(&wanted.document)
        .bind(&wanted.file)
        .execute(connection)
        .await?;
    Ok(())
}
