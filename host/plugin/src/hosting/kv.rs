//! The plugin's store in a call.

use super::Hosting;
use crate::kv::{Cupboard, Entries, Entry, KvError};
use crate::tape::HostCall;
use std::sync::Arc;

/// Where a call's entries are.
pub(super) enum Kv {
    /// The plugin's own.
    Live(Arc<Cupboard>),
    /// The plugin's own, until something is written: then a copy that goes with the call.
    Copy(Arc<Cupboard>, Option<Entries>),
    /// None to begin with: what a replay finds beside its tape.
    Apart(Entries),
}

impl Kv {
    pub(super) fn live(cupboard: &Arc<Cupboard>) -> Self {
        Self::Live(Arc::clone(cupboard))
    }

    pub(super) fn copy(cupboard: &Arc<Cupboard>) -> Self {
        Self::Copy(Arc::clone(cupboard), None)
    }

    pub(super) fn empty(cupboard: &Cupboard) -> Self {
        Self::Apart(Entries::new(cupboard.quota()))
    }

    /// These, whatever the plugin's own are.
    pub(super) fn of(cupboard: &Cupboard, given: Vec<(String, Vec<u8>)>) -> Result<Self, KvError> {
        let mut entries = Entries::new(cupboard.quota());
        for (key, value) in given {
            entries.set(&key, value)?;
        }
        Ok(Self::Apart(entries))
    }

    fn read<T>(&self, read: impl FnOnce(&Entries) -> T) -> T {
        match self {
            Self::Live(cupboard) | Self::Copy(cupboard, None) => cupboard.read(read),
            Self::Copy(_, Some(entries)) | Self::Apart(entries) => read(entries),
        }
    }

    /// Writes; a key that is written in the cupboard goes on to its keeper.
    fn write<T>(&mut self, key: &str, write: impl FnOnce(&mut Entries) -> T) -> T {
        match self {
            Self::Live(cupboard) => cupboard.write(key, write),
            Self::Copy(cupboard, copy) => {
                write(copy.get_or_insert_with(|| cupboard.read(Entries::clone)))
            }
            Self::Apart(entries) => write(entries),
        }
    }
}

impl Hosting {
    pub(crate) fn kv_get(&mut self, key: String) -> Option<Entry> {
        let played = self.player.as_mut().and_then(|player| {
            player.answer(|call| match call {
                HostCall::KvGet { key: asked, found } if *asked == key => Some(found),
                _ => None,
            })
        });
        let found = played.unwrap_or_else(|| self.kv.read(|entries| entries.get(&key).cloned()));
        self.recorder.record(|| HostCall::KvGet {
            key,
            found: found.clone(),
        });
        found
    }

    pub(crate) fn kv_set(&mut self, key: String, value: Vec<u8>) -> Result<u64, KvError> {
        let played = self.player.as_mut().and_then(|player| {
            player.answer(|call| match call {
                HostCall::KvSet { key: asked, result } if *asked == key => Some(result),
                _ => None,
            })
        });
        let result =
            played.unwrap_or_else(|| self.kv.write(&key, |entries| entries.set(&key, value)));
        self.recorder.record(|| HostCall::KvSet {
            key,
            result: result.clone(),
        });
        result
    }

    pub(crate) fn kv_compare_and_set(
        &mut self,
        key: String,
        revision: u64,
        value: Vec<u8>,
    ) -> Result<u64, KvError> {
        let played = self.player.as_mut().and_then(|player| {
            player.answer(|call| match call {
                HostCall::KvCompareAndSet {
                    key: asked,
                    revision: expected,
                    result,
                } if (asked, *expected) == (&key, revision) => Some(result),
                _ => None,
            })
        });
        let result = played.unwrap_or_else(|| {
            self.kv.write(&key, |entries| {
                entries.compare_and_set(&key, revision, value)
            })
        });
        self.recorder.record(|| HostCall::KvCompareAndSet {
            key,
            revision,
            result: result.clone(),
        });
        result
    }

    pub(crate) fn kv_delete(&mut self, key: String) -> bool {
        let played = self.player.as_mut().and_then(|player| {
            player.answer(|call| match call {
                HostCall::KvDelete {
                    key: asked,
                    existed,
                } if *asked == key => Some(existed),
                _ => None,
            })
        });
        let existed = played.unwrap_or_else(|| self.kv.write(&key, |entries| entries.delete(&key)));
        self.recorder.record(|| HostCall::KvDelete { key, existed });
        existed
    }

    pub(crate) fn kv_keys(&mut self, prefix: String) -> Vec<String> {
        let played = self.player.as_mut().and_then(|player| {
            player.answer(|call| match call {
                HostCall::KvKeys {
                    prefix: asked,
                    keys,
                } if *asked == prefix => Some(keys),
                _ => None,
            })
        });
        let keys = played.unwrap_or_else(|| self.kv.read(|entries| entries.keys(&prefix)));
        self.recorder.record(|| HostCall::KvKeys {
            prefix,
            keys: keys.clone(),
        });
        keys
    }
}
