//! What outlives memory: a history of decisions that somebody else keeps.

use super::Decision;
use model::history::{Figures, Line, Query};
use model::{Label, PolicyKind};
use std::pin::Pin;
use std::sync::Arc;

/// Keeps decisions over restarts. Nothing here may wait but [`History::find`].
pub trait History: Send + Sync {
    /// The id that the next decision is to have: greater than that of every one kept.
    fn next_id(&self) -> u64;

    /// Takes a decision, or drops and counts it if there is no room.
    fn keep(&self, line: Line);

    /// Lines of JSON, oldest first; the error is for people.
    fn find(
        &self,
        query: Query,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + '_>>;

    /// How it fares.
    fn figures(&self) -> Figures;
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

pub(super) fn line(decision: Arc<Decision>, keep_secrets: bool) -> Line {
    Line {
        id: decision.id,
        at_unix_ms: decision.at_unix_ms,
        kind: decision.kind(),
        stream: decision.stream.clone(),
        plugin: decision.plugin().map(ToString::to_string),
        failed: decision.error.is_some(),
        json: Box::new(move || decision.json(keep_secrets)),
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

    pub(super) fn in_history(&self, before: u64, limit: usize) -> Query {
        Query {
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
