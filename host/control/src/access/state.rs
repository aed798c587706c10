//! Everybody who is known, at one moment. Requests look here, without a lock and without SQL.

use model::accounts::{Account, Change, Kept, Key, Kind, Session, User};
use model::{Label, Role};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is known, and when it was used.
#[derive(Debug)]
pub(super) struct Known<T> {
    item: T,
    /// Unix milliseconds; 0: never.
    used: AtomicU64,
    /// As far as it was written.
    written: AtomicU64,
}

impl<T> Known<T> {
    fn new(item: T, used: u64) -> Arc<Self> {
        Arc::new(Self {
            item,
            used: AtomicU64::new(used),
            written: AtomicU64::new(used),
        })
    }

    pub(super) fn touch(&self, now_unix_ms: u64) {
        self.used.fetch_max(now_unix_ms, Ordering::Relaxed);
    }

    pub(super) fn used(&self) -> Option<u64> {
        Some(self.used.load(Ordering::Relaxed)).filter(|used| *used > 0)
    }

    fn unwritten(&self) -> Option<u64> {
        let used = self.used()?;
        (used > self.written.load(Ordering::Relaxed)).then_some(used)
    }
}

impl<T> Deref for Known<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

/// By id, name, and hash.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// It was read from the database, or there is none to read.
    pub(super) read: bool,
    pub(super) keys: HashMap<String, Arc<Known<Key>>>,
    pub(super) users: HashMap<Label, Arc<Known<User>>>,
    pub(super) sessions: HashMap<String, Arc<Known<Session>>>,
}

impl State {
    /// As it was read.
    pub(super) fn from_kept(kept: Vec<Kept>) -> Self {
        let mut state = Self {
            read: true,
            ..Self::default()
        };
        for (account, used) in kept {
            state.put(account, used.unwrap_or_default());
        }
        state
    }

    /// With a change made.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Put(account) => self.put(account, 0),
            Change::Remove(Kind::Key, id) => drop(self.keys.remove(&id)),
            Change::Remove(Kind::User, name) => drop(self.users.remove(name.as_str())),
            Change::Remove(Kind::Session, id) => drop(self.sessions.remove(&id)),
            Change::Used(..) => {}
        }
    }

    fn put(&mut self, account: Account, used: u64) {
        match account {
            Account::Key(key) => put(&mut self.keys, key.id.clone(), key, used),
            Account::User(user) => put(&mut self.users, user.name.clone(), user, used),
            Account::Session(session) => {
                put(&mut self.sessions, session.sha256.clone(), session, used);
            }
        }
    }

    /// Whether nobody could show anything.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.users.is_empty()
    }

    /// Whether somebody may change everything.
    pub(super) fn has_admin(&self) -> bool {
        let keys = self.keys.values().filter(|key| !key.disabled);
        let users = self.users.values().filter(|user| !user.disabled);
        keys.map(|key| &key.rights)
            .chain(users.map(|user| &user.rights))
            .any(|rights| {
                rights.role == Role::Admin && rights.tenant.is_none() && rights.streams.is_none()
            })
    }

    /// The sessions of a user, the one that is quiet for longest first.
    pub(super) fn sessions_of(&self, user: &Label) -> Vec<&Arc<Known<Session>>> {
        let sessions = self.sessions.values();
        let mut found: Vec<_> = sessions.filter(|it| it.user == *user).collect();
        found.sort_by_key(|session| session.used());
        found
    }

    /// What was used and not written yet.
    pub(super) fn unwritten(&self) -> Vec<Change> {
        let keys = self
            .keys
            .values()
            .filter_map(|key| Some(Change::Used(Kind::Key, key.id.clone(), key.unwritten()?)));
        let users = self.users.values().filter_map(|user| {
            Some(Change::Used(
                Kind::User,
                user.name.to_string(),
                user.unwritten()?,
            ))
        });
        let sessions = self.sessions.values().filter_map(|it| {
            Some(Change::Used(
                Kind::Session,
                it.sha256.clone(),
                it.unwritten()?,
            ))
        });
        keys.chain(users).chain(sessions).collect()
    }

    /// Takes note that these are written.
    pub(super) fn are_written(&self, changes: &[Change]) {
        for change in changes {
            let (written, at) = match change {
                Change::Used(Kind::Key, id, at) => (self.keys.get(id).map(|it| &it.written), at),
                Change::Used(Kind::User, name, at) => {
                    (self.users.get(name.as_str()).map(|it| &it.written), at)
                }
                Change::Used(Kind::Session, id, at) => {
                    (self.sessions.get(id).map(|it| &it.written), at)
                }
                Change::Put(_) | Change::Remove(..) => continue,
            };
            if let Some(written) = written {
                written.fetch_max(*at, Ordering::Relaxed);
            }
        }
    }
}

fn put<K: Eq + std::hash::Hash, T>(map: &mut HashMap<K, Arc<Known<T>>>, id: K, item: T, used: u64) {
    let before = map.get(&id).and_then(|known| known.used());
    map.insert(id, Known::new(item, used.max(before.unwrap_or_default())));
}
