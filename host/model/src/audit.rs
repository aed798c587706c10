//! The log of changes: who did what, when, from where, and what was before.

use crate::{Label, Role, Who};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// Longest JSON of one side of a change that is kept, in bytes.
pub const MAX_SIDE_BYTES: usize = 16 << 10;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was allowed and did not work out.
    Failed,
}

impl Outcome {
    /// The name it is kept under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One line of the log. Secrets in it are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
    /// In whose name: `local`, `key NAME`, `user NAME`; `host` for what the host did by itself.
    pub who: String,
    /// Their role; none if it is not known who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The tenant they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Label>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// `added`, `changed`, `removed`; `installed`, `rolled_back`, `retried`, `logged_in`, ...
    pub action: String,
    /// What it was done to: `input live/cam1`, `key ci`.
    pub item: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
    /// What it is now; of what was refused or failed, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<serde_json::Value>,
}

impl Entry {
    /// Something that somebody did.
    pub fn new(at_unix_ms: u64, who: &Who, action: &str, item: impl Into<String>) -> Self {
        Self {
            at_unix_ms,
            who: who.name.clone(),
            role: Some(who.role),
            tenant: who.tenant.clone(),
            peer: who.peer,
            action: action.to_owned(),
            item: item.into(),
            outcome: Outcome::Done,
            before: None,
            after: None,
        }
    }
}

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// In this name only.
    pub who: Option<String>,
    /// Done to this item only, and to what belongs to it.
    pub item: Option<String>,
    /// Of this kind only.
    pub action: Option<String>,
    /// That ended so only.
    pub outcome: Option<Outcome>,
    /// Only those with a lower id: to page back.
    pub before: Option<i64>,
    /// How many at most, the newest.
    pub limit: usize,
}

/// A line with the id it was given; ids grow with time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Unique in this log.
    pub id: i64,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Lines beyond either of these go, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Since it was done.
    pub max_age: Duration,
    /// How many.
    pub max_rows: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(365 * 24 * 3600),
            max_rows: 100_000,
        }
    }
}
