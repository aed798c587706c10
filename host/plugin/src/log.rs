//! A plugin's lines in the host's log.

use crate::plugins::unix_ms;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lines of a plugin that are kept to be shown.
const KEPT_LINES: usize = 200;
/// Bytes that they may have together.
const KEPT_BYTES: usize = 64 << 10;

/// How much a guest's line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every step.
    Trace,
    /// What an author needs to find a fault.
    Debug,
    /// Something an operator likes to know.
    Info,
    /// Something an operator should look into.
    Warn,
    /// Something that did not work.
    Error,
}

/// A line that a plugin wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
    /// How much it matters.
    pub level: Level,
    /// The line.
    pub message: String,
}

/// A plugin's lines into the host's log, at a bounded rate.
pub(crate) struct Log {
    plugin: Arc<str>,
    per_second: u32,
    window: Mutex<Window>,
    kept: Mutex<Kept>,
}

/// The newest lines.
#[derive(Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

struct Window {
    began: Instant,
    written: u32,
    dropped: u64,
}

impl Log {
    pub(crate) fn new(plugin: &str, per_second: u32) -> Arc<Self> {
        Arc::new(Self {
            plugin: plugin.into(),
            per_second,
            window: Mutex::new(Window {
                began: Instant::now(),
                written: 0,
                dropped: 0,
            }),
            kept: Mutex::default(),
        })
    }

    /// The newest lines, oldest first.
    pub(crate) fn recent(&self) -> Vec<LogLine> {
        self.kept.lock().lines.iter().cloned().collect()
    }

    pub(crate) fn write(&self, level: Level, message: &str) {
        let plugin = &*self.plugin;
        let Some(dropped) = self.admit() else { return };
        if dropped > 0 {
            tracing::warn!(
                plugin,
                dropped,
                "the plugin logs too much; lines were dropped"
            );
        }
        self.kept.lock().push(LogLine {
            at_unix_ms: unix_ms(),
            level,
            message: message.to_owned(),
        });
        match level {
            Level::Trace => tracing::trace!(plugin, "{message}"),
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Error => tracing::error!(plugin, "{message}"),
        }
    }

    /// None when the line has to go; else how many went since the last report.
    fn admit(&self) -> Option<u64> {
        let mut window = self.window.lock();
        let now = Instant::now();
        let mut reported = 0;
        if now.duration_since(window.began) >= Duration::from_secs(1) {
            reported = window.dropped;
            *window = Window {
                began: now,
                written: 0,
                dropped: 0,
            };
        }
        if window.written >= self.per_second {
            window.dropped += 1;
            return None;
        }
        window.written += 1;
        Some(reported)
    }

    pub(crate) fn drop_line(&self) {
        self.window.lock().dropped += 1;
    }
}

impl Kept {
    fn push(&mut self, line: LogLine) {
        self.bytes += line.message.len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.message.len());
        }
    }
}

/// The text, cut at a character border to at most `limit` bytes.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or_default();
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_bounded_in_count_and_bytes() {
        let log = Log::new("p", u32::MAX);
        for n in 0..KEPT_LINES + 3 {
            log.write(Level::Info, &n.to_string());
        }
        let lines = log.recent();
        assert_eq!((lines.len(), lines[0].message.as_str()), (KEPT_LINES, "3"));
        for _ in 0..100 {
            log.write(Level::Warn, &"x".repeat(4_096));
        }
        assert_eq!(log.recent().len(), KEPT_BYTES / 4_096);
    }
}
