//! Who watches over HTTP, where nobody is connected.
//!
//! A viewer is an address, a user agent and what it shows of user and token, that asked within
//! the last few target durations. Two players behind one address translator that are the same in
//! all of these count as one.

use super::door::Key;
use hub::Viewer;
use model::Refusal;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a viewer has fetched.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fetched {
    /// A playlist that says that no segment will follow.
    pub(crate) end: bool,
    /// The newest segment.
    pub(crate) newest: Option<u64>,
}

struct Session {
    viewer: Arc<Viewer>,
    seen: Instant,
    fetched: Fetched,
}

/// The viewers of one stream. Bounded by the hub, which lets no more than its limit in.
#[derive(Default)]
pub(crate) struct Sessions {
    present: Mutex<HashMap<Key, Session>>,
}

impl Sessions {
    /// The viewer behind a request; `admit` is asked if it is new here.
    pub(crate) fn viewer(
        &self,
        key: Key,
        now: Instant,
        admit: impl FnOnce() -> Result<Viewer, Refusal>,
    ) -> Result<Arc<Viewer>, Refusal> {
        if let Some(session) = self.present.lock().get_mut(&key) {
            session.seen = now;
            return Ok(session.viewer.clone());
        }
        // Not under the lock: admission may take its own.
        let viewer = Arc::new(admit()?);
        let mut present = self.present.lock();
        let session = present.entry(key).or_insert(Session {
            viewer,
            seen: now,
            fetched: Fetched::default(),
        });
        Ok(session.viewer.clone())
    }

    /// Remembers what a viewer fetched.
    pub(crate) fn fetched(&self, key: &Key, note: impl FnOnce(&mut Fetched)) {
        if let Some(session) = self.present.lock().get_mut(key) {
            note(&mut session.fetched);
        }
    }

    /// Whether there is a viewer of whom that is true.
    pub(crate) fn any(&self, test: impl Fn(Fetched) -> bool) -> bool {
        self.present.lock().values().any(|it| test(it.fetched))
    }

    /// Lets go of those that have not asked for `idle`; returns how many are left.
    pub(crate) fn expire(&self, now: Instant, idle: Duration) -> usize {
        let mut present = self.present.lock();
        present.retain(|_, session| now.saturating_duration_since(session.seen) <= idle);
        present.len()
    }
}
