//! The history of decisions: its lines, and questions to it.

use model::PolicyKind;
use std::fmt;

/// A decision for the history.
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
    /// Writes the decision as one line of JSON; called by the writer.
    pub json: Box<dyn FnOnce() -> String + Send>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Which decisions.
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
    pub limit: u32,
}

/// A line as it is written.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) at_unix_ms: i64,
    pub(crate) kind: &'static str,
    pub(crate) stream: String,
    pub(crate) plugin: Option<String>,
    pub(crate) failed: bool,
    pub(crate) line: String,
}

impl From<Line> for Row {
    fn from(line: Line) -> Self {
        Self {
            id: number(line.id),
            at_unix_ms: number(line.at_unix_ms),
            kind: line.kind.as_str(),
            stream: line.stream,
            plugin: line.plugin,
            failed: line.failed,
            line: (line.json)(),
        }
    }
}

/// As SQL has it: signed.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
