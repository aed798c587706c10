//! Counts the peers that were turned away at any edge, from the hub's events.

use model::{Event, Protocol};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How many of each protocol, by why. Bounded: both come from closed sets.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<(Protocol, String), u64>>);

impl Refusals {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Counts until the hub is gone.
    pub(crate) fn count(
        self: &Arc<Self>,
        mut events: Receiver<Event>,
    ) -> impl Future<Output = ()> + use<> {
        let refusals = self.clone();
        async move {
            loop {
                match events.recv().await {
                    Ok(Event::PeerRefused { protocol, code }) => refusals.add(protocol, code),
                    // What was missed stays uncounted: a flood is seen all the same.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return std::future::pending().await,
                }
            }
        }
    }

    fn add(&self, protocol: Protocol, code: String) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((protocol, code)).or_default() += 1;
    }

    /// The counts so far.
    pub(crate) fn read(&self) -> BTreeMap<(Protocol, String), u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
