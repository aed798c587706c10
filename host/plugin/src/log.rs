//! A plugin's lines in the host's log.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much a guest's line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// A plugin's lines into the host's log, at a bounded rate.
pub(crate) struct Log {
    plugin: Arc<str>,
    per_second: u32,
    window: Mutex<Window>,
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
        })
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
