//! Who is known to this host, as the database keeps it.

use crate::config::Audit;
use control::access::{Pending, Roll};
use model::accounts::{Account, Change, Kept};
use model::audit::{Entry, Line, Query, Retention};
use std::time::Duration;
use store::{AccountChange, Store};

/// Keys, users, sessions, and the log of changes.
pub(crate) struct Ledger {
    store: Store,
    retention: Retention,
}

impl Ledger {
    pub(crate) fn new(store: Store, audit: &Audit) -> Self {
        let retention = Retention {
            max_age: Duration::from_secs(u64::from(audit.max_age_days) * 24 * 3600),
            max_rows: audit.max_rows,
        };
        Self { store, retention }
    }
}

impl Roll for Ledger {
    fn read(&self) -> Pending<'_, Vec<Kept>> {
        Box::pin(async move {
            let rows = self.store.accounts().await;
            let rows = rows.map_err(|error| error.to_string())?;
            let mut kept = Vec::with_capacity(rows.len());
            for row in rows {
                let account = Account::from_json(&row.kind, &row.document);
                let account = account.map_err(|error| {
                    let (kind, id) = (&row.kind, &row.id);
                    format!("{kind} {id} was written by another version: {error}; run that one")
                })?;
                kept.extend(account.map(|account| (account, row.used_unix_ms)));
            }
            Ok(kept)
        })
    }

    fn keep<'a>(&'a self, changes: &'a [Change], log: &'a [Entry]) -> Pending<'a, ()> {
        Box::pin(async move {
            let changes = changes.iter().map(change).collect::<Result<Vec<_>, _>>();
            let changes = changes.map_err(|error| error.to_string())?;
            let kept = self.store.keep_accounts(&changes, log).await;
            kept.map_err(|error| error.to_string())
        })
    }

    fn log<'a>(&'a self, query: &'a Query) -> Pending<'a, Vec<Line>> {
        Box::pin(async move {
            let found = self.store.audit(query).await;
            found.map_err(|error| error.to_string())
        })
    }

    fn prune(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            let pruned = self.store.prune_audit(&self.retention).await;
            pruned.map_err(|error| error.to_string())
        })
    }
}

fn change(change: &Change) -> Result<AccountChange, serde_json::Error> {
    Ok(match change {
        Change::Put(account) => AccountChange::Put {
            kind: account.kind().as_str(),
            id: account.id().to_owned(),
            document: account.to_json()?,
        },
        Change::Remove(kind, id) => AccountChange::Remove {
            kind: kind.as_str(),
            id: id.clone(),
        },
        Change::Used(kind, id, at_unix_ms) => AccountChange::Used {
            kind: kind.as_str(),
            id: id.clone(),
            at_unix_ms: *at_unix_ms,
        },
    })
}
