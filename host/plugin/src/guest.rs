//! What the host keeps for one instance: its limits and its log.

use crate::engine::Runtime;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

/// Lines that one call may write.
const LINES_PER_CALL: u32 = 64;
/// Lines that a plugin may write a second.
const LINES_PER_SECOND: u32 = 50;
/// Bytes of a line.
const LINE_BYTES: usize = 4_096;

/// How much a guest's line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The data of a store.
pub(crate) struct Guest {
    log: Arc<Log>,
    lines_left: u32,
    /// The last line at level error: what a panic says before it traps.
    pub(crate) last_error: Option<String>,
    slices_left: u64,
    memory_left: usize,
    /// Whether more memory was wanted than there is.
    pub(crate) out_of_memory: bool,
}

impl Guest {
    /// A store for one instance, its deadline running from the first instruction.
    pub(crate) fn store(runtime: &Runtime, log: &Arc<Log>) -> Store<Self> {
        let guest = Self {
            log: Arc::clone(log),
            lines_left: LINES_PER_CALL,
            last_error: None,
            slices_left: runtime.limits.slices(),
            memory_left: runtime.limits.memory_bytes,
            out_of_memory: false,
        };
        let mut store = Store::new(&runtime.engine, guest);
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(runtime.limits.returned_bytes);
        store.set_epoch_deadline(1);
        // Gives way to the executor each tick: a looping guest delays its thread's other tasks
        // by 1 ms at a time, never by the whole deadline.
        store.epoch_deadline_callback(|mut store| {
            let guest = store.data_mut();
            guest.slices_left = guest.slices_left.saturating_sub(1);
            Ok(match guest.slices_left {
                0 => UpdateDeadline::Interrupt,
                _ => UpdateDeadline::Yield(1),
            })
        });
        store
    }

    /// Takes one line for the log.
    pub(crate) fn write(&mut self, level: Level, message: String) {
        let message = cut(message, LINE_BYTES);
        match self.lines_left.checked_sub(1) {
            Some(left) => {
                self.lines_left = left;
                self.log.write(level, &message);
            }
            None => self.log.drop_line(),
        }
        if level == Level::Error {
            self.last_error = Some(message);
        }
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // All memories of the instance together.
        match self
            .memory_left
            .checked_sub(desired.saturating_sub(current))
        {
            Some(left) => {
                self.memory_left = left;
                Ok(true)
            }
            None => {
                self.out_of_memory = true;
                Ok(false)
            }
        }
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.out_of_memory = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 20_000)
    }
}

/// A plugin's lines into the host's log, at a bounded rate.
pub(crate) struct Log {
    plugin: Arc<str>,
    window: Mutex<Window>,
}

struct Window {
    began: Instant,
    written: u32,
    dropped: u64,
}

impl Log {
    pub(crate) fn new(plugin: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            plugin: plugin.into(),
            window: Mutex::new(Window {
                began: Instant::now(),
                written: 0,
                dropped: 0,
            }),
        })
    }

    fn write(&self, level: Level, message: &str) {
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
        if window.written >= LINES_PER_SECOND {
            window.dropped += 1;
            return None;
        }
        window.written += 1;
        Some(reported)
    }

    fn drop_line(&self) {
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
