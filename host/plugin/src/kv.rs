//! What a plugin keeps over its calls: small values under keys of its own.

use model::Label;
use serde::{Deserialize, Serialize};

/// A value and how often it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The bytes. In JSON a string if they are UTF-8, else `{"hex": "..."}`.
    #[serde(with = "crate::text_or_hex")]
    pub value: Vec<u8>,
    /// Counts up by one with each write, from 1.
    pub revision: u64,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KvError {
    /// The key or the value is too long, or the key is empty.
    Invalid(String),
    /// There is no room under the plugin's quota.
    Full,
    /// The revision is another: the one now in force, 0 if there is no entry.
    Conflict(u64),
}

/// Where entries live over restarts.
///
/// The plane keeps all of them in memory and answers from there. It hands every write on, in the
/// order they were made, while a call waits: so `save` must return at once and do its work
/// elsewhere.
pub trait Keeper: Send + Sync {
    /// Everything kept of a plugin. Called once, on a thread that may block.
    fn load(&self, plugin: &Label) -> Vec<(String, Entry)>;

    /// The entry of a key was written, or removed when none.
    fn save(&self, plugin: &Label, key: &str, entry: Option<&Entry>);
}

/// Keeps nothing over a restart: for tools and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgetful;

impl Keeper for Forgetful {
    fn load(&self, _plugin: &Label) -> Vec<(String, Entry)> {
        Vec::new()
    }

    fn save(&self, _plugin: &Label, _key: &str, _entry: Option<&Entry>) {}
}
