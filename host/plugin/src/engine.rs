//! The wasmtime engine all plugins share, its clock, and the only imports there are.

use crate::guest::{Guest, TABLE_ELEMENTS};
use crate::hosting::Seeds;
use crate::{bindings, wasi};
use model::PluginLimits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::Duration;
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, EngineWeak, PoolingAllocationConfig};

/// Length of one epoch: how finely guests are interrupted.
const TICK: Duration = Duration::from_millis(1);
/// Idle ticks after which the clock stops until the next call.
const IDLE_TICKS: u32 = 200;

/// The engine could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Wasmtime refused the settings, or the system the address space.
    #[error(
        "the WebAssembly engine did not start: {0:#}; it reserves address space for {1} instances: \
         check the virtual memory limit (ulimit -v) or configure fewer"
    )]
    Setup(wasmtime::Error, u32),
    /// No thread for the interrupting clock.
    #[error("the WebAssembly engine's clock thread did not start: {0}")]
    Clock(#[from] std::io::Error),
}

/// The engine with everything that calls share.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    /// What every component may import.
    pub(crate) linker: Linker<Guest>,
    /// The same and a closed WASI, for those that import it.
    pub(crate) linker_with_wasi: Linker<Guest>,
    pub(crate) slots: Semaphore,
    pub(crate) seeds: Seeds,
    /// Whether instructions are counted.
    pub(crate) counts_fuel: bool,
    pub(crate) component_bytes: usize,
    clock: Arc<Clock>,
    ticker: Thread,
}

impl Runtime {
    pub(crate) fn new(limits: &PluginLimits, counts_fuel: bool) -> Result<Arc<Self>, EngineError> {
        let instances = limits.instances.max(1); // none at all would let every call wait for good
        let setup = |error| EngineError::Setup(error, instances);
        let mut config = code_config();
        config.consume_fuel(counts_fuel);
        config.allocation_strategy(pool(instances, limits.most_memory_bytes()));
        let engine = Engine::new(&config).map_err(setup)?;
        let mut linker = Linker::new(&engine);
        bindings::add_to_linker(&mut linker).map_err(setup)?;
        let mut linker_with_wasi = linker.clone();
        wasi::add_to_linker(&mut linker_with_wasi).map_err(setup)?;
        let clock = Arc::new(Clock::default());
        let ticker = thread::Builder::new().name("plugin-epoch".into()).spawn({
            let (engine, clock) = (engine.weak(), Arc::clone(&clock));
            move || tick(&engine, &clock)
        })?;
        Ok(Arc::new(Self {
            slots: Semaphore::new(instances as usize),
            seeds: Seeds::new(),
            engine,
            linker,
            linker_with_wasi,
            counts_fuel,
            component_bytes: limits.component_bytes,
            clock,
            ticker: ticker.thread().clone(),
        }))
    }

    /// Keeps the clock going until dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        self.clock.calls.fetch_add(1, SeqCst);
        if self.clock.parked.load(SeqCst) {
            self.ticker.unpark();
        }
        Running(&self.clock)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.ticker.unpark(); // so that it sees that the engine is gone
    }
}

/// Settings that decide which code is generated: the compiling child uses the same.
///
/// Results must be the same on every machine and in every replay, so whatever the WebAssembly
/// specification leaves open is closed: NaN bits, relaxed SIMD, threads.
pub(crate) fn code_config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20);
    config
}

/// What an instance of one component may take of the pool. Measured: a policy in Rust is 3 core
/// instances with 1 memory and 2 tables; in JavaScript 3, 1 and 3, or 11, 3 and 3 as
/// componentize-qjs leaves it; in Python 14, 1 and 2. Of their tables the longest have 60, 738 and
/// 5,672 elements.
const CORE_INSTANCES: u32 = 50;
const MEMORIES: u32 = 4;
const TABLES: u32 = 8;
/// Tables of one core module: a flattened one has its engine's and those of its linker's shims.
const TABLES_OF_MODULE: u32 = 4;

/// Room for so many instances, however much each takes of what it may: who is let in finds it.
/// Address space is reserved for all of it, memory is taken when it is written to.
fn pool(instances: u32, memory_bytes: usize) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .total_memories(instances.saturating_mul(MEMORIES))
        .total_tables(instances.saturating_mul(TABLES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES_OF_MODULE)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(memory_bytes)
        // Small guests stay mapped: resetting by memset is cheaper than page faults.
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(16 << 10)
        // As many as may be busy at once in ordinary times; what a burst took goes back.
        .max_unused_warm_slots(instances.min(32));
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes);
    }
    pool
}

#[derive(Default)]
struct Clock {
    calls: AtomicU64,
    parked: AtomicBool,
}

/// A call in progress.
pub(crate) struct Running<'a>(&'a Clock);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, SeqCst);
    }
}

/// Moves the epoch while calls run; sleeps for good when none come, so an idle host is idle.
fn tick(engine: &EngineWeak, clock: &Clock) {
    let mut idle = 0;
    loop {
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
        idle = if clock.calls.load(SeqCst) == 0 {
            idle + 1
        } else {
            0
        };
        if idle < IDLE_TICKS {
            thread::sleep(TICK);
            continue;
        }
        // A call first counts itself, then looks whether to wake; this side does the reverse.
        // One of the two sees the other.
        clock.parked.store(true, SeqCst);
        if clock.calls.load(SeqCst) == 0 {
            thread::park();
        }
        clock.parked.store(false, SeqCst);
        idle = 0;
    }
}
