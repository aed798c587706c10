//! Who is known to this host, and who shows to be one of them: keys of programs, users with
//! passwords, their sessions, and the log of what they changed.
//!
//! [`Access`] is a service beside the actor. What requests ask is answered from a snapshot;
//! changes are made one at a time: kept in the database together with their line of the log, and
//! then put in force.

mod attempts;
mod error;
mod keys;
mod password;
mod refused;
mod secret;
mod sessions;
mod state;
mod upkeep;
mod users;

pub use error::AccessError;
pub use keys::{KeyDraft, KeyView, MadeKey};
pub use password::fault as password_fault;
pub use secret::NoRandomness;
pub(crate) use secret::{client_secret, kept, same};
pub use sessions::{ABSOLUTE_MS, Login, Opened};
pub use users::{UserDraft, UserView};

use crate::clock::unix_ms;
use arc_swap::ArcSwap;
use attempts::Attempts;
use model::Who;
use model::accounts::{Change, Kept};
use model::audit::{Entry, Line, Query};
use parking_lot::Mutex;
use refused::Tally;
use state::State;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that takes its time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// What keeps keys, users, sessions and the log over restarts. Errors say what to do.
pub trait Roll: Send + Sync {
    /// Everything that is kept.
    fn read(&self) -> Pending<'_, Vec<Kept>>;

    /// Makes all of the changes and writes the lines of the log, or nothing of both.
    fn keep<'a>(&'a self, changes: &'a [Change], log: &'a [Entry]) -> Pending<'a, ()>;

    /// Lines of the log, the newest first.
    fn log<'a>(&'a self, query: &'a Query) -> Pending<'a, Vec<Line>>;

    /// Removes lines of the log that the operator does not want to be kept any longer.
    fn prune(&self) -> Pending<'_, ()>;
}

/// What is known of who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The database could not be read yet.
    NotRead,
    /// There is no key and no user.
    Nobody,
    /// There is somebody; whoever shows nothing is a stranger.
    Somebody,
}

/// Handle to the service; clones share it.
#[derive(Clone)]
pub struct Access(Arc<Shared>);

struct Shared {
    roll: Option<Arc<dyn Roll>>,
    state: ArcSwap<State>,
    /// Held while a change is made.
    turn: tokio::sync::Mutex<()>,
    desk: password::Desk,
    attempts: Mutex<Attempts>,
    refused: Mutex<Tally>,
}

/// Everybody is forgotten with this process.
impl Default for Access {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Access {
    /// With nobody known yet. Without a place to keep them, everybody is forgotten with this
    /// process.
    pub fn new(roll: Option<Arc<dyn Roll>>) -> Self {
        let state = State {
            read: roll.is_none(),
            ..State::default()
        };
        Self(Arc::new(Shared {
            roll,
            state: ArcSwap::from_pointee(state),
            turn: tokio::sync::Mutex::default(),
            desk: password::Desk::default(),
            attempts: Mutex::default(),
            refused: Mutex::default(),
        }))
    }

    /// What is known of who may do what.
    pub fn standing(&self) -> Standing {
        let state = self.state();
        match (state.read, state.is_empty()) {
            (false, _) => Standing::NotRead,
            (true, true) => Standing::Nobody,
            (true, false) => Standing::Somebody,
        }
    }

    /// Lines of the log, the newest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn log(&self, query: &Query) -> Result<Vec<Line>, AccessError> {
        match &self.0.roll {
            Some(roll) => roll.log(query).await.map_err(AccessError::NotKept),
            None => Ok(Vec::new()),
        }
    }

    /// Writes a line of what was done elsewhere. One that cannot be written is told in the log of
    /// the host: what was done is done.
    pub async fn note(&self, entry: Entry) {
        let Some(roll) = &self.0.roll else { return };
        if let Err(error) = roll.keep(&[], std::slice::from_ref(&entry)).await {
            let line = serde_json::to_string(&entry).unwrap_or_default();
            tracing::error!(error, line, "a change is missing in the audit log");
        }
    }

    /// Counts a request that was refused; who sends many fills no log.
    pub fn refused(&self, who: Option<&Who>, entry: Entry) {
        self.0.refused.lock().add(who, entry);
    }

    fn state(&self) -> Arc<State> {
        self.0.state.load_full()
    }

    /// Makes changes: kept with their line of the log, then in force. Call it in one's turn.
    async fn make(&self, changes: Vec<Change>, log: Entry) -> Result<(), AccessError> {
        let before = self.state();
        if !before.read {
            return Err(AccessError::NotRead);
        }
        let mut next = State::clone(&before);
        for change in &changes {
            next.apply(change.clone());
        }
        if !next.is_empty() && !next.has_admin() {
            return Err(AccessError::NoAdminLeft);
        }
        if let Some(roll) = &self.0.roll {
            let kept = roll.keep(&changes, std::slice::from_ref(&log)).await;
            kept.map_err(AccessError::NotKept)?;
        }
        self.0.state.store(Arc::new(next));
        Ok(())
    }
}

/// A line about something that somebody did just now.
pub(crate) fn line(who: &Who, action: &str, item: impl Into<String>) -> Entry {
    Entry::new(unix_ms(), who, action, item)
}
