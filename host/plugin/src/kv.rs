//! What a plugin keeps over its calls: small values under keys of its own.

use model::Label;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a key.
const MAX_KEY_BYTES: usize = 128;
/// Bytes of a value.
const MAX_VALUE_BYTES: usize = 64 << 10;
/// Keys that one listing brings.
const MAX_LISTED: usize = 1_024;

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
    /// Everything kept of a plugin, every write made before included. Called when the plugin is taken
    /// up, on a thread that may block.
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

/// How much a plugin may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) keys: usize,
    /// Of keys and values together.
    pub(crate) bytes: usize,
}

/// Entries within a quota.
#[derive(Debug, Clone)]
pub(crate) struct Entries {
    quota: Quota,
    bytes: usize,
    by_key: BTreeMap<String, Entry>,
}

impl Entries {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            quota,
            bytes: 0,
            by_key: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key)
    }

    pub(crate) fn set(&mut self, key: &str, value: Vec<u8>) -> Result<u64, KvError> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(KvError::Invalid(format!(
                "the key has {} bytes, 1 to {MAX_KEY_BYTES} are taken",
                key.len()
            )));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(KvError::Invalid(format!(
                "the value has {} bytes, at most {MAX_VALUE_BYTES} are taken",
                value.len()
            )));
        }
        let before = self.by_key.get(key);
        let freed = before.map_or(0, |entry| key.len() + entry.value.len());
        let bytes = self.bytes - freed + key.len() + value.len();
        let keys = self.by_key.len() + usize::from(before.is_none());
        if bytes > self.quota.bytes || keys > self.quota.keys {
            return Err(KvError::Full);
        }
        let revision = before.map_or(0, |entry| entry.revision) + 1;
        self.bytes = bytes;
        self.by_key
            .insert(key.to_owned(), Entry { value, revision });
        Ok(revision)
    }

    pub(crate) fn compare_and_set(
        &mut self,
        key: &str,
        revision: u64,
        value: Vec<u8>,
    ) -> Result<u64, KvError> {
        let now = self.get(key).map_or(0, |entry| entry.revision);
        if now != revision {
            return Err(KvError::Conflict(now));
        }
        self.set(key, value)
    }

    pub(crate) fn delete(&mut self, key: &str) -> bool {
        let removed = self.by_key.remove(key);
        if let Some(entry) = &removed {
            self.bytes -= key.len() + entry.value.len();
        }
        removed.is_some()
    }

    /// In byte order.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let from = self.by_key.range(prefix.to_owned()..);
        from.map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .take(MAX_LISTED)
            .cloned()
            .collect()
    }
}

/// How much a plugin keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvUse {
    /// Keys.
    pub keys: usize,
    /// Bytes of keys and values together.
    pub bytes: usize,
}

/// The entries of one plugin, in memory, with their keeper behind them.
pub(crate) struct Cupboard {
    quota: Quota,
    inside: Mutex<Inside>,
}

struct Inside {
    entries: Entries,
    /// None for tools, and once the plugin is gone: what calls still under way write goes with them.
    keeper: Option<(Label, Arc<dyn Keeper>)>,
}

impl Cupboard {
    /// Takes up what was kept; may block. What is beyond a quota that became smaller stays, and
    /// nothing can be added to it.
    pub(crate) fn open(plugin: Label, keeper: Arc<dyn Keeper>, quota: Quota) -> Self {
        let mut entries = Entries::new(quota);
        for (key, entry) in keeper.load(&plugin) {
            entries.bytes += key.len() + entry.value.len();
            entries.by_key.insert(key, entry);
        }
        let keeper = Some((plugin, keeper));
        Self {
            quota,
            inside: Mutex::new(Inside { entries, keeper }),
        }
    }

    /// An empty one that nobody keeps.
    pub(crate) fn of_tool(quota: Quota) -> Self {
        let entries = Entries::new(quota);
        let keeper = None;
        Self {
            quota,
            inside: Mutex::new(Inside { entries, keeper }),
        }
    }

    pub(crate) fn quota(&self) -> Quota {
        self.quota
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Entries) -> T) -> T {
        read(&self.inside.lock().entries)
    }

    /// Lets an entry be written; if it was, its keeper is told before another can be.
    pub(crate) fn write<T>(&self, key: &str, write: impl FnOnce(&mut Entries) -> T) -> T {
        let Inside { entries, keeper } = &mut *self.inside.lock();
        let revision = |entries: &Entries| entries.get(key).map(|entry| entry.revision);
        let before = revision(entries);
        let result = write(entries);
        if let Some((plugin, keeper)) = keeper
            && revision(entries) != before
        {
            keeper.save(plugin, key, entries.get(key));
        }
        result
    }

    /// Removes everything: its plugin is gone.
    pub(crate) fn clear(&self) {
        let mut inside = self.inside.lock();
        let gone = std::mem::replace(&mut inside.entries, Entries::new(self.quota));
        let Some((plugin, keeper)) = inside.keeper.take() else {
            return;
        };
        for key in gone.by_key.keys() {
            keeper.save(&plugin, key, None);
        }
    }

    pub(crate) fn used(&self) -> KvUse {
        self.read(|entries| KvUse {
            keys: entries.by_key.len(),
            bytes: entries.bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(keys: usize, bytes: usize) -> Entries {
        Entries::new(Quota { keys, bytes })
    }

    #[test]
    fn a_write_that_finds_no_room_changes_nothing() {
        let mut kept = entries(2, 10);
        assert_eq!(kept.set("a", vec![0; 5]), Ok(1));
        assert_eq!(kept.set("b", vec![0; 4]), Err(KvError::Full));
        assert_eq!(kept.set("a", vec![0; 9]), Ok(2));
        assert_eq!(kept.set("a", vec![0; 10]), Err(KvError::Full));
        assert_eq!(kept.get("a").map(|entry| entry.value.len()), Some(9));
        assert!(kept.delete("a") && !kept.delete("a"));
        assert_eq!(
            (kept.set("b", vec![]), kept.set("c", vec![])),
            (Ok(1), Ok(1))
        );
        assert_eq!(kept.set("d", vec![]), Err(KvError::Full));
        assert_eq!(kept.bytes, 2);
    }

    #[test]
    fn keys_and_values_are_bounded() {
        let mut kept = entries(10, 1 << 20);
        for key in [String::new(), "k".repeat(129)] {
            assert!(matches!(kept.set(&key, vec![]), Err(KvError::Invalid(_))));
        }
        assert!(matches!(
            kept.set("k", vec![0; (64 << 10) + 1]),
            Err(KvError::Invalid(_))
        ));
        assert_eq!(kept.set(&"k".repeat(128), vec![0; 64 << 10]), Ok(1));
    }

    #[test]
    fn compare_and_set_tells_the_revision_in_force() {
        let mut kept = entries(10, 100);
        assert_eq!(
            kept.compare_and_set("k", 1, vec![]),
            Err(KvError::Conflict(0))
        );
        assert_eq!(kept.compare_and_set("k", 0, vec![]), Ok(1));
        assert_eq!(
            kept.compare_and_set("k", 0, vec![]),
            Err(KvError::Conflict(1))
        );
        assert_eq!(kept.compare_and_set("k", 1, vec![]), Ok(2));
    }

    #[test]
    fn keys_are_listed_by_prefix_in_byte_order() {
        let mut kept = entries(10, 100);
        for key in ["b/2", "a", "b/10", "c", "b"] {
            kept.set(key, vec![]).unwrap();
        }
        assert_eq!(kept.keys("b/"), ["b/10", "b/2"]);
        assert_eq!(kept.keys("").len(), 5);
        assert!(kept.keys("d").is_empty());
    }
}
