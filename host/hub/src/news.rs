//! Where everything that happens is announced, and counted.

use model::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

/// Events a slow listener may fall behind by before it has to look at everything anew.
const BACKLOG: usize = 1024;

/// Clones announce to the same listeners.
#[derive(Clone)]
pub(crate) struct News {
    listeners: broadcast::Sender<Event>,
    count: Arc<AtomicU64>,
}

impl News {
    /// Nothing has happened.
    pub(crate) fn new() -> Self {
        Self {
            listeners: broadcast::Sender::new(BACKLOG),
            count: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Tells everybody who listens.
    pub(crate) fn announce(&self, event: Event) {
        // Counted first: whoever hears of it already finds the number changed.
        self.count.fetch_add(1, Ordering::AcqRel);
        // That nobody listens is no failure.
        let _ = self.listeners.send(event);
    }

    /// What happens from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        self.listeners.subscribe()
    }

    /// How much was announced so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}
