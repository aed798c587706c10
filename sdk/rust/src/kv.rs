//! A small store of the plugin's own, kept by the host over swaps and restarts.
//!
//! Keys are 1 to 128 bytes; a plugin may have 1,024 of them and 256 KiB in all, unless the
//! operator says otherwise. Calls for several streams run at the same time and share it: to change
//! what is there use [`update`] or [`compare_and_set`].
//!
//! In native tests it is in memory, a store for each thread, with the host's default quota.

use crate::host;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::host::pointsman::policy::kv::Entry;

use crate::bindings::host::pointsman::policy::kv as wit;

/// How often [`update`] tries again. Each conflict is another call's success, so this many in a
/// row mean that something other than chance is going on.
const TRIES: u32 = 16;

/// Why an entry was not written, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key is empty or too long, or the value is too long.
    #[error("the store refuses the entry: {0}")]
    Invalid(String),
    /// There is no room under the plugin's quota.
    #[error("the plugin's store is full: delete entries, or have the operator raise its quota")]
    Full,
    /// Another call wrote it in between; the revision now in force, 0 if there is no entry.
    #[error("another call wrote the entry in between, it is now at revision {0}")]
    Conflict(u64),
    /// The entry is not of the type that was asked for.
    #[error("the entry {key:?} is not what was expected: {reason}")]
    Unreadable {
        /// Its key.
        key: String,
        /// What the parser says.
        reason: String,
    },
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Invalid(reason) => Self::Invalid(reason),
            wit::Error::Full => Self::Full,
            wit::Error::Conflict(revision) => Self::Conflict(revision),
        }
    }
}

/// The entry of a key.
pub fn get(key: &str) -> Option<Entry> {
    host::kv::get(key)
}

/// Writes, whatever is there. Returns the new revision.
///
/// # Errors
///
/// [`Error::Invalid`] and [`Error::Full`].
pub fn set(key: &str, value: &[u8]) -> Result<u64, Error> {
    Ok(host::kv::set(key, value)?)
}

/// Writes only if the entry still has this revision; 0: only if there is none. Returns the new
/// revision.
///
/// # Errors
///
/// [`Error::Conflict`], and those of [`set`].
pub fn compare_and_set(key: &str, revision: u64, value: &[u8]) -> Result<u64, Error> {
    Ok(host::kv::compare_and_set(key, revision, value)?)
}

/// Removes an entry; true if there was one.
pub fn delete(key: &str) -> bool {
    host::kv::delete(key)
}

/// Keys with this prefix in byte order, at most 1,024.
pub fn keys(prefix: &str) -> Vec<String> {
    host::kv::keys(prefix)
}

/// The entry of a key, read as JSON.
///
/// # Errors
///
/// [`Error::Unreadable`] if it is of another type, for example another version's.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    get(key).map(|entry| read(key, &entry)).transpose()
}

/// Writes as JSON, whatever is there. Returns the new revision.
///
/// # Errors
///
/// Those of [`set`].
pub fn set_json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<u64, Error> {
    set(key, &json(value)?)
}

/// Changes an entry, read and written as JSON, so that no other call's change is lost.
///
/// `change` gets what is there and answers what shall be; it is asked again if another call was
/// faster. An entry that cannot be read counts as none, so that a newer version of a plugin gets
/// over what an older one left. What equals the entry is not written. Returns the new value.
///
/// # Errors
///
/// Those of [`compare_and_set`]; a conflict only after many tries.
pub fn update<T: Serialize + DeserializeOwned>(
    key: &str,
    mut change: impl FnMut(Option<T>) -> T,
) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        let entry = get(key);
        let old = entry.as_ref().and_then(|entry| read(key, entry).ok());
        let new = change(old);
        let bytes = json(&new)?;
        if entry.as_ref().is_some_and(|entry| entry.value == bytes) {
            return Ok(new);
        }
        let revision = entry.map_or(0, |entry| entry.revision);
        tries += 1;
        match compare_and_set(key, revision, &bytes) {
            Ok(_) => return Ok(new),
            Err(Error::Conflict(_)) if tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
}

fn read<T: DeserializeOwned>(key: &str, entry: &Entry) -> Result<T, Error> {
    serde_json::from_slice(&entry.value).map_err(|error| Error::Unreadable {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_another_call_overtakes_is_made_again() {
        crate::testing::reset();
        set_json("count", &1).unwrap();
        let mut overtaken = false;
        let now = update("count", |old: Option<u32>| {
            if !std::mem::replace(&mut overtaken, true) {
                set_json("count", &10).unwrap();
            }
            old.unwrap_or(0) + 1
        });
        assert_eq!(now, Ok(11));
        assert_eq!(get_json("count"), Ok(Some(11)));
    }

    #[test]
    fn an_update_that_is_always_overtaken_gives_up() {
        crate::testing::reset();
        let mut other = 0;
        let now = update("count", |_: Option<u32>| {
            other += 1;
            set_json("count", &(100 + other)).unwrap();
            0
        });
        assert!(matches!(now, Err(Error::Conflict(_))), "{now:?}");
    }

    #[test]
    fn an_update_without_a_change_writes_nothing() {
        crate::testing::reset();
        set_json("list", &[1, 2]).unwrap();
        update("list", |old: Option<Vec<u8>>| old.unwrap_or_default()).unwrap();
        assert_eq!(get("list").unwrap().revision, 1);
    }

    #[test]
    fn what_another_version_left_is_unreadable_but_can_be_replaced() {
        crate::testing::reset();
        set("state", b"v0: 7").unwrap();
        assert!(matches!(
            get_json::<u32>("state"),
            Err(Error::Unreadable { .. })
        ));
        assert_eq!(update("state", |old: Option<u32>| old.unwrap_or(5)), Ok(5));
        assert_eq!(get_json("state"), Ok(Some(5_u32)));
    }
}
