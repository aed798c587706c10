//! Keys, for programs: `Authorization: Bearer pm_...`.

use super::state::Known;
use super::{Access, AccessError, line, secret};
use crate::clock::unix_ms;
use model::accounts::{Account, Change, Key, Kind, Rights};
use model::{Label, Who};
use serde::Serialize;
use serde_json::{Value, json};

/// Keys there can be.
const MAX_KEYS: usize = 1_000;

/// What of a key can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDraft {
    /// For people; no two keys have the same.
    pub name: Label,
    /// What whoever shows it may do.
    pub rights: Rights,
    /// From when on it is refused, Unix milliseconds.
    pub expires_unix_ms: Option<u64>,
    /// Refused until it is enabled again.
    pub disabled: bool,
}

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// Names it in paths; the part of the key after `pm_`.
    pub id: String,
    /// For people.
    pub name: Label,
    /// What whoever shows it may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// When it was made.
    pub created_unix_ms: u64,
    /// From when on it is refused; none: never.
    pub expires_unix_ms: Option<u64>,
    /// When it was shown last; after a crash of the host up to a minute behind.
    pub last_used_unix_ms: Option<u64>,
    /// Refused until it is enabled again.
    pub disabled: bool,
}

/// A key that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeKey {
    /// The key itself. It is not kept, and cannot be shown again.
    pub key: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub view: KeyView,
}

impl From<&Known<Key>> for KeyView {
    fn from(key: &Known<Key>) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            rights: key.rights.clone(),
            created_unix_ms: key.created_unix_ms,
            expires_unix_ms: key.expires_unix_ms,
            last_used_unix_ms: key.used(),
            disabled: key.disabled,
        }
    }
}

impl From<&KeyView> for KeyDraft {
    fn from(key: &KeyView) -> Self {
        Self {
            name: key.name.clone(),
            rights: key.rights.clone(),
            expires_unix_ms: key.expires_unix_ms,
            disabled: key.disabled,
        }
    }
}

impl Access {
    /// Whose key this is, if it is one that is good now.
    pub fn by_key(&self, shown: &str) -> Option<Who> {
        let id = secret::id_of(shown)?;
        let state = self.0.state.load();
        let key = state.keys.get(id)?;
        let now = unix_ms();
        let sound = secret::same(&key.sha256, &secret::kept(shown))
            && !key.disabled
            && key.expires_unix_ms.is_none_or(|end| now < end);
        if !sound {
            return None;
        }
        key.touch(now);
        Some(key.rights.of(format!("key {}", key.name)))
    }

    /// Whether something is meant to be a key of this host, good or not.
    pub fn is_meant_as_key(&self, shown: &str) -> bool {
        secret::is_meant(shown)
    }

    /// The keys, by name.
    pub fn keys(&self) -> Vec<KeyView> {
        let state = self.state();
        let mut keys: Vec<_> = state
            .keys
            .values()
            .map(|key| KeyView::from(&**key))
            .collect();
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        keys
    }

    /// The key of this id or name.
    ///
    /// # Errors
    /// There is none.
    pub fn key(&self, id: &str) -> Result<KeyView, AccessError> {
        let state = self.state();
        let named = || state.keys.values().find(|key| key.name.as_str() == id);
        let found = state.keys.get(id).or_else(named);
        let found = found.map(|key| KeyView::from(&**key));
        found.ok_or_else(|| AccessError::UnknownKey(id.chars().take(60).collect()))
    }

    /// Makes a key.
    ///
    /// # Errors
    /// The name is taken, there are too many, or it cannot be kept.
    pub async fn add_key(&self, who: &Who, draft: KeyDraft) -> Result<MadeKey, AccessError> {
        let _turn = self.0.turn.lock().await;
        if self.state().keys.len() >= MAX_KEYS {
            let (what, limit) = ("keys", MAX_KEYS);
            return Err(AccessError::TooMany { what, limit });
        }
        self.name_is_free(&draft.name, "")?;
        let fresh = secret::key()?;
        let key = Key {
            id: fresh.id,
            name: draft.name,
            rights: draft.rights,
            created_unix_ms: unix_ms(),
            expires_unix_ms: draft.expires_unix_ms,
            disabled: draft.disabled,
            sha256: secret::kept(&fresh.text),
        };
        let mut log = line(who, "added", format!("key {}", key.name));
        log.after = Some(shown(&key));
        let id = key.id.clone();
        self.make(vec![Change::Put(Account::Key(key))], log).await?;
        let (key, view) = (fresh.text, self.key(&id)?);
        Ok(MadeKey { key, view })
    }

    /// Changes what of a key can be chosen; the key itself stays.
    ///
    /// # Errors
    /// There is none, the new name is taken, or it cannot be kept.
    pub async fn change_key(
        &self,
        who: &Who,
        id: &str,
        edit: impl FnOnce(KeyDraft) -> Result<KeyDraft, AccessError> + Send,
    ) -> Result<KeyView, AccessError> {
        let _turn = self.0.turn.lock().await;
        let view = self.key(id)?;
        let draft = edit(KeyDraft::from(&view))?;
        self.name_is_free(&draft.name, &view.id)?;
        let state = self.state();
        let unknown = || AccessError::UnknownKey(view.id.clone());
        let before = state.keys.get(&view.id).ok_or_else(unknown)?;
        let key = Key {
            name: draft.name,
            rights: draft.rights,
            expires_unix_ms: draft.expires_unix_ms,
            disabled: draft.disabled,
            ..Key::clone(before)
        };
        let mut log = line(who, "changed", format!("key {}", before.name));
        log.before = Some(shown(before));
        log.after = Some(shown(&key));
        self.make(vec![Change::Put(Account::Key(key))], log).await?;
        self.key(&view.id)
    }

    /// Takes a key back: from now on it is refused.
    ///
    /// # Errors
    /// There is none, or the change cannot be kept.
    pub async fn remove_key(&self, who: &Who, id: &str) -> Result<(), AccessError> {
        let _turn = self.0.turn.lock().await;
        let view = self.key(id)?;
        let mut log = line(who, "removed", format!("key {}", view.name));
        log.before = Some(json!(view));
        self.make(vec![Change::Remove(Kind::Key, view.id)], log)
            .await
    }

    fn name_is_free(&self, name: &Label, id: &str) -> Result<(), AccessError> {
        let state = self.state();
        let mut others = state.keys.values().filter(|key| key.id != id);
        if others.any(|key| key.name == *name) {
            let (what, name) = ("key", name.clone());
            return Err(AccessError::NameTaken { what, name });
        }
        Ok(())
    }
}

/// What the log shows of a key.
fn shown(key: &Key) -> Value {
    json!({
        "id": key.id, "name": key.name, "role": key.rights.role, "tenant": key.rights.tenant,
        "streams": key.rights.streams, "expires_unix_ms": key.expires_unix_ms,
        "disabled": key.disabled,
    })
}
