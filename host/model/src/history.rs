//! The history of decisions: what outlives memory. Who makes decisions and who keeps them do not
//! know each other; this is what they hand over.

use crate::PolicyKind;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// A decision to be kept.
pub struct Line {
    /// Grows with each decision.
    pub id: u64,
    /// When it was made, Unix milliseconds.
    pub at_unix_ms: u64,
    /// What was decided.
    pub kind: PolicyKind,
    /// For which stream, channel or composite.
    pub stream: String,
    /// Which plugin was asked; none: the host decided by itself.
    pub plugin: Option<String>,
    /// Whether the plugin failed.
    pub failed: bool,
    /// Writes the decision as one line of JSON; takes some microseconds, so whoever writes to disk
    /// calls it.
    pub json: Box<dyn FnOnce() -> String + Send>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Which decisions of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Of one kind only.
    pub kind: Option<PolicyKind>,
    /// Of one stream only.
    pub stream: Option<String>,
    /// Of one plugin only.
    pub plugin: Option<String>,
    /// Failures only.
    pub failed: bool,
    /// Only those with a greater id.
    pub after: Option<u64>,
    /// Only those with a lower id.
    pub before: Option<u64>,
    /// How many at most: the oldest of them if `after` is set, otherwise the newest.
    pub limit: usize,
}

/// How the history fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Why nothing can be written now; none when all is well.
    pub degraded: Option<String>,
    /// Decisions written since the start.
    pub written: u64,
    /// Decisions dropped since the start, because they could not be written fast enough.
    pub dropped: u64,
    /// Decisions that wait to be written.
    pub queued: usize,
}

/// Decisions beyond any of these go, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Since they were made.
    pub max_age: Duration,
    /// How many.
    pub max_lines: u64,
    /// Bytes of their JSON together.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(7 * 24 * 3600),
            max_lines: 100_000,
            max_bytes: 512 << 20,
        }
    }
}
