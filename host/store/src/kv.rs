//! What plugins keep, in memory: what the database holds or will hold.
//!
//! Plugins' quotas bound it. A change marks its key; the writer takes the marks and writes what
//! is there by then, so that a key written often costs one row a batch.

use crate::database::{number, text};
use crate::error::StoreError;
use parking_lot::Mutex;
use sqlx::AnyConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::sync::Notify;

/// A value and how often it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// The bytes.
    pub value: Vec<u8>,
    /// Counts up by one with each write, from 1.
    pub revision: u64,
}

/// One entry with its plugin and key.
pub(crate) type Row = (String, String, KvEntry);

/// A plugin's key that the database does not hold as it is here, and what it is; none removes it.
pub(crate) type Marked = (String, String, Option<KvEntry>);

#[derive(Default)]
pub(crate) struct Kv {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, BTreeMap<String, KvEntry>>,
    /// Plugins and keys that the database does not hold as they are here.
    marked: BTreeSet<(String, String)>,
}

impl Kv {
    /// What the database holds. What is here already is newer, and stays.
    pub(crate) fn load(&self, rows: Vec<Row>) {
        let mut state = self.state.lock();
        for (plugin, key, entry) in rows {
            let entries = state.entries.entry(plugin).or_default();
            entries.entry(key).or_insert(entry);
        }
    }

    pub(crate) fn of(&self, plugin: &str) -> Vec<(String, KvEntry)> {
        let state = self.state.lock();
        let entries = state.entries.get(plugin).into_iter().flatten();
        entries
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect()
    }

    pub(crate) fn put(&self, plugin: &str, key: &str, entry: Option<KvEntry>) {
        let mut state = self.state.lock();
        let entries = state.entries.entry(plugin.to_owned()).or_default();
        match entry {
            Some(entry) => drop(entries.insert(key.to_owned(), entry)),
            None => drop(entries.remove(key)),
        }
        state.marked.insert((plugin.to_owned(), key.to_owned()));
        drop(state);
        self.changed.notify_one();
    }

    /// Marks everything: the database may have lost it.
    pub(crate) fn mark_all(&self) {
        let mut state = self.state.lock();
        let State { entries, marked } = &mut *state;
        for (plugin, keys) in entries {
            marked.extend(keys.keys().map(|key| (plugin.clone(), key.clone())));
        }
    }

    /// Resolves when something is marked.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes the marks, each with what is to be written.
    pub(crate) fn take_marked(&self) -> Vec<Marked> {
        let mut state = self.state.lock();
        let marked = std::mem::take(&mut state.marked);
        let found = |(plugin, key): (String, String)| {
            let entry = state.entries.get(&plugin).and_then(|all| all.get(&key));
            let entry = entry.cloned();
            (plugin, key, entry)
        };
        marked.into_iter().map(found).collect()
    }
}

/// Writes entries, or removes them.
pub(crate) async fn put(
    connection: &mut AnyConnection,
    entries: &[Marked],
) -> Result<(), StoreError> {
    let replace = "INSERT INTO plugin_kv (plugin, key, value, revision) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (plugin, key) DO UPDATE \
                   SET value = excluded.value, revision = excluded.revision";
    let remove = "DELETE FROM plugin_kv WHERE plugin = $1 AND key = $2";
    for (plugin, key, entry) in entries {
        let key = text(key);
        let statement = match entry {
            Some(entry) => sqlx::query(replace)
                .bind(plugin)
                .bind(key.as_ref())
                .bind(&entry.value)
                .bind(number(entry.revision)),
            None => sqlx::query(remove).bind(plugin).bind(key.as_ref()),
        };
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}
