//! What is kept between two decisions.

use crate::Config;
use pointsman_sdk::routing::State;
use serde::{Deserialize, Serialize};

/// Bytes of a key; the store takes no longer ones.
const KEY_LIMIT: usize = 128;

/// Where a stream stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Whether the backup is on air.
    pub(crate) on_backup: bool,
    /// Since when the primary has been what it has to be to change that: unwell on the primary,
    /// well on the backup. Milliseconds since 1970.
    pub(crate) since_unix_ms: Option<u64>,
}

impl Memory {
    /// The memory after one more look.
    pub(crate) fn next(
        self,
        now_unix_ms: u64,
        primary_well: bool,
        backup_well: bool,
        config: &Config,
    ) -> Self {
        let (turning, patience_ms) = match self.on_backup {
            false => (!primary_well, config.trouble_ms),
            true => (primary_well, config.health_ms),
        };
        if !turning {
            // On the backup with both unwell, the primary is as good and what is wanted.
            let on_backup = self.on_backup && backup_well;
            return Self {
                on_backup,
                since_unix_ms: None,
            };
        }
        // A clock that went back counts anew.
        let since = self
            .since_unix_ms
            .filter(|since| *since <= now_unix_ms)
            .unwrap_or(now_unix_ms);
        let long_enough = now_unix_ms - since >= patience_ms;
        match self.on_backup {
            // No trouble is worth going to a backup that is unwell as well.
            false if long_enough && backup_well => Self {
                on_backup: true,
                since_unix_ms: None,
            },
            true if long_enough || !backup_well => Self {
                on_backup: false,
                since_unix_ms: None,
            },
            on_backup => Self {
                on_backup,
                since_unix_ms: Some(since),
            },
        }
    }

    /// Where it stands, for the operator.
    pub(crate) fn told(&self, state: &State, patience_ms: u64) -> String {
        let on_air = if self.on_backup { "backup" } else { "primary" };
        match self.since_unix_ms {
            None => format!("{on_air} on air"),
            Some(since) => {
                let far_ms = state.now_unix_ms.saturating_sub(since);
                let how = if self.on_backup { "well" } else { "unwell" };
                format!("{on_air} on air, primary {how} for {far_ms} of {patience_ms} ms")
            }
        }
    }
}

/// The key of a stream's memory.
pub(crate) fn key(stream: &str) -> String {
    let mut key = format!("stream/{stream}");
    key.truncate(key.floor_char_boundary(KEY_LIMIT));
    key
}
