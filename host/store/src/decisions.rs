//! Decisions as rows.

use model::history::Line;

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
