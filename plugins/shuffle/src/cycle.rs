//! What a channel remembers between two draws.

use pointsman_sdk::{kv, log};
use serde::{Deserialize, Serialize};

/// Bytes of a key; the store takes no longer ones.
const KEY_LIMIT: usize = 128;

/// A cycle: from its start on every asset is played once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cycle {
    /// Counts up from 0.
    pub(crate) number: u64,
    /// When its first clip begins, milliseconds since 1970. Assets played since then had their
    /// turn.
    pub(crate) started_unix_ms: u64,
    /// Draws over all cycles; what a seed makes numbers of.
    pub(crate) draws: u64,
}

impl Cycle {
    /// The cycle that the channel is in; the first one, if it is in none or the clock went back.
    pub(crate) fn of(channel: &str, starts_unix_ms: u64) -> Self {
        let kept = kv::get_json::<Self>(&key(channel)).unwrap_or_else(|error| {
            log::warn(&format!("{channel} begins anew: {error}"));
            None
        });
        let kept = kept.filter(|cycle| cycle.started_unix_ms <= starts_unix_ms);
        kept.unwrap_or(Self {
            started_unix_ms: starts_unix_ms,
            ..Self::default()
        })
    }

    /// The cycle after this one.
    pub(crate) fn next(self, starts_unix_ms: u64) -> Self {
        Self {
            number: self.number + 1,
            started_unix_ms: starts_unix_ms,
            ..self
        }
    }

    /// Keeps it for the next draw. Without it the order is still random, and only less fair, so
    /// that a full store is worth a line and no more.
    pub(crate) fn keep(self, channel: &str) {
        if let Err(error) = kv::set_json(&key(channel), &self) {
            log::warn(&format!("{channel} will begin anew: {error}"));
        }
    }
}

fn key(channel: &str) -> String {
    let mut key = format!("cycle/{channel}");
    key.truncate(key.floor_char_boundary(KEY_LIMIT));
    key
}
