//! The clock of a call, standing still while the call waits for the world.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// How long a call has waited for something that is not its fault.
#[derive(Default)]
pub(crate) struct Pause(Mutex<State>);

#[derive(Default)]
struct State {
    /// Waits that are over.
    total: Duration,
    /// When the wait under way began.
    since: Option<Instant>,
}

impl Pause {
    /// Begins a wait, which ends when the guard is dropped. A guest waits for one thing at a time.
    pub(crate) fn begin(&self) -> Waiting<'_> {
        self.0.lock().since = Some(Instant::now());
        Waiting(self)
    }

    /// All waits so far, the one under way included.
    pub(crate) fn total(&self) -> Duration {
        let state = self.0.lock();
        let under_way = state.since.map(|since| since.elapsed());
        state.total + under_way.unwrap_or_default()
    }
}

pub(crate) struct Waiting<'a>(&'a Pause);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        if let Some(since) = state.since.take() {
            state.total += since.elapsed();
        }
    }
}
