//! The database, as the plugin plane and the control plane see it.

use crate::config::Config;
use control::log::History;
use model::Label;
use model::history::{Figures, Line, Query, Retention};
use plugin::{Entry, Keeper};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use store::{KvEntry, Place, Settings, Store, StoreError, Writer};

/// The file below `data_dir`.
const FILE: &str = "pointsman.db";

/// Where the database is.
pub(crate) fn place(config: &Config) -> Place {
    match &config.database.url {
        Some(url) => Place::Server(url.clone()),
        None => Place::File(config.data_dir.join(FILE)),
    }
}

/// Opens the database. One that cannot be opened is told, tried again, and stops nothing.
///
/// # Errors
/// Another host uses it.
pub(super) async fn open(config: &Config) -> anyhow::Result<(Store, Writer)> {
    let decisions = &config.decisions;
    let retention = Retention {
        max_age: Duration::from_secs(u64::from(decisions.max_age_days) * 24 * 3600),
        max_lines: decisions.max_lines,
        max_bytes: decisions.max_bytes,
    };
    let place = place(config);
    let (store, writer, failed) = Store::open(Settings { place, retention }).await;
    if let Some(error) = failed {
        if matches!(error, StoreError::InUse { .. }) {
            return Err(error.into());
        }
        tracing::warn!(
            %error,
            "until it works, decisions and what plugins keep end with this process; \
             everything else goes on"
        );
    }
    Ok((store, writer))
}

/// Keeps what plugins keep.
pub(super) struct Cupboard(pub(super) Store);

impl Keeper for Cupboard {
    fn load(&self, plugin: &Label) -> Vec<(String, Entry)> {
        let entries = self.0.kv(plugin).into_iter();
        let entry = |(key, entry): (String, KvEntry)| {
            let KvEntry { value, revision } = entry;
            (key, Entry { value, revision })
        };
        entries.map(entry).collect()
    }

    fn save(&self, plugin: &Label, key: &str, entry: Option<&Entry>) {
        let entry = entry.map(|entry| KvEntry {
            value: entry.value.clone(),
            revision: entry.revision,
        });
        self.0.put_kv(plugin, key, entry);
    }
}

/// Keeps the history of decisions; none if the operator wants none.
pub(super) fn history(config: &Config, store: &Store) -> Option<Arc<dyn History>> {
    let wanted = config.decisions.history;
    wanted.then(|| Arc::new(Annals(store.clone())) as Arc<dyn History>)
}

struct Annals(Store);

impl History for Annals {
    fn next_id(&self) -> u64 {
        self.0.next_decision_id()
    }

    fn keep(&self, line: Line) {
        // If there is no room it is counted, and shown by the metrics.
        let _ = self.0.keep(line);
    }

    fn find(
        &self,
        query: Query,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + '_>> {
        Box::pin(async move {
            let found = self.0.decisions(&query).await;
            found.map_err(|error| error.to_string())
        })
    }

    fn figures(&self) -> Figures {
        self.0.figures()
    }
}
