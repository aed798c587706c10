//! What the host keeps for one instance: its limits, its log, and what it gets of the host.

use crate::home::Home;
use crate::hosting::Hosting;
pub(crate) use crate::log::Level;
use crate::log::{Log, cut};
use crate::wasi::Wasi;
use std::sync::Arc;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

/// Lines that one call may write.
const LINES_PER_CALL: u32 = 64;
/// Bytes of a line.
const LINE_BYTES: usize = 4_096;
/// Elements of a table: QuickJS and StarlingMonkey need some thousand.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// What a store has when instructions are counted: more than any deadline admits.
pub(crate) const FUEL: u64 = u64::MAX / 2;

/// The data of a store.
pub(crate) struct Guest {
    pub(crate) hosting: Hosting,
    /// Made when the guest first asks for anything of WASI; most have none.
    pub(crate) wasi: Option<Box<Wasi>>,
    log: Arc<Log>,
    lines_left: u32,
    /// The last line at level error: what a panic says before it traps.
    pub(crate) last_error: Option<String>,
    slices_left: u64,
    memory_limit: usize,
    memory_left: usize,
    /// Whether more memory was wanted than there is.
    pub(crate) out_of_memory: bool,
}

impl Guest {
    /// A store for one instance, its deadline running from the first instruction.
    pub(crate) fn store(home: &Home, hosting: Hosting) -> Store<Self> {
        let limits = &home.limits;
        let guest = Self {
            hosting,
            wasi: None,
            log: Arc::clone(&home.log),
            lines_left: LINES_PER_CALL,
            last_error: None,
            slices_left: limits.deadline_ms.max(1),
            memory_limit: limits.memory_bytes,
            memory_left: limits.memory_bytes,
            out_of_memory: false,
        };
        let mut store = Store::new(&home.runtime.engine, guest);
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(limits.returned_bytes);
        if home.runtime.counts_fuel {
            // Fails only where nothing is counted.
            let _ = store.set_fuel(FUEL);
        }
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

    /// Linear memory that it has, bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_limit - self.memory_left
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

    /// Takes what it wrote to its standard output and error, at its end.
    pub(crate) fn take_output(&mut self) {
        let Some(wasi) = self.wasi.take() else { return };
        let (output, error) = wasi.into_output();
        for line in output.lines() {
            self.write(Level::Info, line.to_owned());
        }
        for line in error.lines() {
            self.write(Level::Warn, line.to_owned());
        }
        // A traceback tells the cause in its last line.
        let last = error.lines().rfind(|line| !line.trim().is_empty());
        if let (None, Some(last)) = (&self.last_error, last) {
            self.last_error = Some(cut(last.to_owned(), LINE_BYTES));
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
        Ok(desired <= TABLE_ELEMENTS)
    }
}
