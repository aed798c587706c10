//! The document that is wanted. Unlike all else here it is waited for: a change that is not on
//! disk is not made.

use crate::Store;
use crate::database::Database;
use crate::error::StoreError;

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
        self.database()?.wanted().await
    }

    /// Replaces what is kept. Answers once it outlives this process.
    ///
    /// # Errors
    /// While the database cannot be written; what was kept before is kept still.
    pub async fn keep_wanted(&self, wanted: &Wanted) -> Result<(), StoreError> {
        self.database()?.keep_wanted(wanted).await
    }
}

impl Database {
    async fn wanted(&self) -> Result<Option<Wanted>, StoreError> {
        let kept: Option<(String, String)> =
            sqlx::query_as("SELECT document, file FROM wanted WHERE id = 1")
                .fetch_optional(self.pool())
                .await?;
        Ok(kept.map(|(document, file)| Wanted { document, file }))
    }

    async fn keep_wanted(&self, wanted: &Wanted) -> Result<(), StoreError> {
        let replace = "INSERT INTO wanted (id, document, file) VALUES (1, ?, ?) \
                       ON CONFLICT (id) DO UPDATE \
                       SET document = excluded.document, file = excluded.file";
        sqlx::query(replace)
            .bind(&wanted.document)
            .bind(&wanted.file)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
