//! Who is known to this host, and the log of what was changed. Like the document they are waited
//! for: a change is made together with its lines of the log, or not at all.

use crate::Store;
use crate::audit;
use crate::database::{Database, in_time, number, text, unsigned};
use crate::error::StoreError;
use model::audit::Entry;
use sqlx::AnyConnection;
use std::collections::BTreeMap;

/// Something that is known of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// What it is.
    pub kind: String,
    /// Unique among those of its kind.
    pub id: String,
    /// JSON.
    pub document: String,
    /// When it was used last, Unix milliseconds.
    pub used_unix_ms: Option<u64>,
}

/// One change of what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// It is new, or differs. When it was used last stays.
    Put {
        /// What it is.
        kind: &'static str,
        /// Unique among those of its kind.
        id: String,
        /// JSON.
        document: String,
    },
    /// It is gone.
    Remove {
        /// What it was.
        kind: &'static str,
        /// Which.
        id: String,
    },
    /// It was used.
    Used {
        /// What it is.
        kind: &'static str,
        /// Which.
        id: String,
        /// When, Unix milliseconds.
        at_unix_ms: u64,
    },
}

/// What is kept, as it was last answered: written again where a file was deleted.
pub(crate) type Accounts = BTreeMap<(String, String), (String, Option<i64>)>;

impl Store {
    /// Everybody who is known.
    ///
    /// # Errors
    /// While the database cannot be read.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        self.database()?.read_accounts().await
    }

    /// Makes changes and writes lines of the log: all of it, or nothing.
    ///
    /// # Errors
    /// While the database cannot be written.
    pub async fn keep_accounts(
        &self,
        changes: &[AccountChange],
        log: &[Entry],
    ) -> Result<(), StoreError> {
        let kept = self.database()?.keep_accounts(changes, log).await;
        if kept.is_err() {
            self.shared.failed.notify_one();
        }
        kept
    }
}

impl Database {
    async fn read_accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        let all = "SELECT kind, id, document, used_unix_ms FROM accounts ORDER BY kind, id";
        in_time(async {
            let mut session = self.read().await?;
            let found: Vec<(String, String, String, Option<i64>)> =
                sqlx::query_as(all).fetch_all(&mut *session).await?;
            session.done();
            let known = found
                .iter()
                .map(|(kind, id, json, used)| ((kind.clone(), id.clone()), (json.clone(), *used)));
            *self.accounts.lock() = known.collect();
            let rows = found
                .into_iter()
                .map(|(kind, id, document, used)| AccountRow {
                    kind,
                    id,
                    document,
                    used_unix_ms: used.map(unsigned),
                });
            Ok(rows.collect())
        })
        .await
    }

    async fn keep_accounts(
        &self,
        changes: &[AccountChange],
        log: &[Entry],
    ) -> Result<(), StoreError> {
        in_time(async {
            let mut session = self.write().await?;
            for change in changes {
                make(&mut session, change).await?;
            }
            audit::write(&mut session, log).await?;
            let known = || {
                let mut accounts = self.accounts.lock();
                changes
                    .iter()
                    .for_each(|change| note(&mut accounts, change));
            };
            session.commit_and(known).await
        })
        .await
    }
}

/// Writes everything again that was last answered.
pub(crate) async fn put_all(
    connection: &mut AnyConnection,
    accounts: &Accounts,
) -> Result<(), StoreError> {
    let put = "INSERT INTO accounts (kind, id, document, used_unix_ms) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (kind, id) DO UPDATE \
               SET document = excluded.document, used_unix_ms = excluded.used_unix_ms";
    for ((kind, id), (document, used)) in accounts {
        sqlx::query(put)
            .bind(kind)
            .bind(id)
            .bind(document)
            .bind(*used)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn make(connection: &mut AnyConnection, change: &AccountChange) -> Result<(), StoreError> {
    let statement = match change {
        AccountChange::Put { kind, id, document } => sqlx::query(
            "INSERT INTO accounts (kind, id, document) VALUES ($1, $2, $3) \
             ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document",
        )
        .bind(*kind)
        .bind(id)
        .bind(text(document).into_owned()),
        AccountChange::Remove { kind, id } => {
            sqlx::query("DELETE FROM accounts WHERE kind = $1 AND id = $2")
                .bind(*kind)
                .bind(id)
        }
        AccountChange::Used {
            kind,
            id,
            at_unix_ms,
        } => sqlx::query("UPDATE accounts SET used_unix_ms = $1 WHERE kind = $2 AND id = $3")
            .bind(number(*at_unix_ms))
            .bind(*kind)
            .bind(id),
    };
    statement.execute(connection).await?;
    Ok(())
}

fn note(accounts: &mut Accounts, change: &AccountChange) {
    match change {
        AccountChange::Put { kind, id, document } => {
            let entry = accounts.entry(((*kind).to_owned(), id.clone()));
            entry.or_default().0.clone_from(document);
        }
        AccountChange::Remove { kind, id } => {
            accounts.remove(&((*kind).to_owned(), id.clone()));
        }
        AccountChange::Used {
            kind,
            id,
            at_unix_ms,
        } => {
            if let Some(known) = accounts.get_mut(&((*kind).to_owned(), id.clone())) {
                known.1 = Some(number(*at_unix_ms));
            }
        }
    }
}
