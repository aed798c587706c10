//! A plugin's lines in the host's log, and the last of them for its author.

use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Lines that are kept.
const KEPT: usize = 256;

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
    /// At most 4,096 bytes.
    pub message: String,
}

/// A plugin's lines into the host's log, at a bounded rate.
pub(crate) struct Log {
    plugin: Arc<str>,
    per_second: u32,
    window: Mutex<Window>,
    /// The newest last.
    kept: Mutex<VecDeque<LogLine>>,
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

    /// The last lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.kept.lock().iter().cloned().collect()
    }

    fn keep(&self, level: Level, message: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(LogLine {
            at_unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            level,
            message: message.to_owned(),
        });
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
        self.keep(level, message);
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
