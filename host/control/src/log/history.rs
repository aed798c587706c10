//! What outlives memory: a history of decisions that somebody else keeps.

use super::Decision;
use model::{Label, PolicyKind};
use serde::Serialize;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// Keeps decisions over restarts. Nothing here may wait but [`History::find`].
pub trait History: Send + Sync {
    /// The id that the next decision is to have: greater than that of every one kept.
    fn next_id(&self) -> u64;

    /// Takes a decision, or drops and counts it if there is no room.
    fn keep(&self, line: HistoryLine);

    /// Lines of JSON, oldest first; the error is for people.
    fn find(
        &self,
        query: HistoryQuery,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + '_>>;

    /// How it fares.
    fn figures(&self) -> HistoryFigures;
}

/// A decision to be kept.
pub struct HistoryLine {
    /// Its number.
    pub id: u64,
    /// When it was made, Unix milliseconds.
    pub at_unix_ms: u64,
    /// What was decided.
    pub kind: PolicyKind,
    /// For which stream, channel or composite.
    pub stream: String,
    /// Which plugin was asked; none: the host decided by itself.
    pub plugin: Option<String>,
    /// Whether it failed.
    pub failed: bool,
    /// Writes it as one line of JSON; takes some microseconds, so whoever writes calls it.
    pub json: Box<dyn FnOnce() -> String + Send>,
}

/// Which decisions of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
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

/// How a history fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HistoryFigures {
    /// Why nothing can be written now; none when all is well.
    pub degraded: Option<String>,
    /// Decisions written since the start.
    pub written: u64,
    /// Decisions dropped since the start, because they could not be written fast enough.
    pub dropped: u64,
    /// Decisions that wait to be written.
    pub queued: usize,
}

/// Which decisions to look at.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one kind only.
    pub kind: Option<PolicyKind>,
    /// Of one stream, channel or composite only.
    pub stream: Option<String>,
    /// Of one plugin only, whether it answered or failed.
    pub plugin: Option<Label>,
    /// Failures only.
    pub failed: bool,
    /// Only those with a greater id.
    pub after: Option<u64>,
    /// How many at most: the oldest of them if `after` is set, to page on; otherwise the newest.
    pub limit: Option<usize>,
}

/// Decisions found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Each one line of JSON, oldest first.
    pub lines: Vec<String>,
    /// Why the history could not be asked; what is missing is there, if it is anywhere.
    pub history_error: Option<String>,
}

impl HistoryLine {
    pub(super) fn of(decision: Arc<Decision>, keep_secrets: bool) -> Self {
        Self {
            id: decision.id,
            at_unix_ms: decision.at_unix_ms,
            kind: decision.kind(),
            stream: decision.stream.clone(),
            plugin: decision.plugin().map(ToString::to_string),
            failed: decision.error.is_some(),
            json: Box::new(move || decision.json(keep_secrets)),
        }
    }
}

impl fmt::Debug for HistoryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryLine")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Filter {
    pub(super) fn takes(&self, kind: PolicyKind) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
    }

    pub(super) fn fits(&self, decision: &Decision) -> bool {
        let stream = self.stream.as_ref();
        let plugin = self.plugin.as_ref();
        self.after.is_none_or(|after| decision.id > after)
            && (!self.failed || decision.error.is_some())
            && stream.is_none_or(|stream| decision.stream == *stream)
            && plugin.is_none_or(|plugin| decision.plugin() == Some(plugin))
    }

    /// As many of these, oldest first, as are wanted.
    pub(super) fn limited(&self, mut found: Vec<Arc<Decision>>) -> Vec<Arc<Decision>> {
        let limit = self.limit.unwrap_or(usize::MAX);
        match self.after {
            Some(_) => found.truncate(limit),
            None => drop(found.drain(..found.len().saturating_sub(limit))),
        }
        found
    }

    pub(super) fn in_history(&self, before: u64, limit: usize) -> HistoryQuery {
        HistoryQuery {
            kind: self.kind,
            stream: self.stream.clone(),
            plugin: self.plugin.as_ref().map(ToString::to_string),
            failed: self.failed,
            after: self.after,
            before: Some(before),
            limit,
        }
    }
}
