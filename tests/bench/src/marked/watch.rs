//! What receivers got, whatever brought it: how much, how old, and the longest pause.

use super::Schedule;
use crate::marker::{DATAGRAM, Mark};
use crate::os;
use crate::report::Latency;
use anyhow::{Context, Result, anyhow};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a thread that receives looks whether it is to end.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Receivers at work in a thread of their own.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    /// Datagrams of all receivers so far.
    received: Arc<AtomicU64>,
    thread: JoinHandle<Result<Vec<Tally>>>,
}

/// The thread's side of a watch.
pub(crate) struct Reception {
    tallies: Vec<Tally>,
    stop: Arc<AtomicBool>,
    received: Arc<AtomicU64>,
}

/// What one receiver got of the datagrams that count.
pub(crate) struct Tally {
    /// How many.
    pub(crate) received: u64,
    /// How old they were.
    pub(crate) latency: Latency,
    /// The longest time between two of them.
    pub(crate) longest_gap: Duration,
    counted: Range<u64>,
    last_ns: Option<u64>,
}

impl Watch {
    /// Starts so many receivers; `receive` runs until [`Reception::is_over`].
    pub(crate) fn start(
        receivers: usize,
        schedule: &Schedule,
        receive: impl FnOnce(&mut Reception) -> Result<()> + Send + 'static,
    ) -> Self {
        let (stop, received) = (Arc::default(), Arc::default());
        let tally = |_| Tally::new(schedule.counted());
        let mut reception = Reception {
            tallies: (0..receivers).map(tally).collect(),
            stop: Arc::clone(&stop),
            received: Arc::clone(&received),
        };
        let thread = std::thread::spawn(move || {
            receive(&mut reception)?;
            Ok(reception.tallies)
        });
        Self {
            stop,
            received,
            thread,
        }
    }

    /// Bytes of all receivers so far, whether they count or not.
    pub(crate) fn bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed) * DATAGRAM as u64
    }

    /// Ends, and tells what came, receiver by receiver.
    pub(crate) fn finish(self) -> Result<Vec<Tally>> {
        self.stop.store(true, Ordering::Relaxed);
        let tallies = self
            .thread
            .join()
            .map_err(|_| anyhow!("the receivers' thread broke off"))?;
        tallies.context("receiving")
    }
}

impl Reception {
    /// Whether nobody wants to know any more.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Notes what a receiver got just now.
    pub(crate) fn note(&mut self, receiver: usize, marks: impl Iterator<Item = Mark>) {
        let now_ns = os::monotonic_ns();
        let Some(tally) = self.tallies.get_mut(receiver) else {
            return;
        };
        for mark in marks {
            tally.note(mark, now_ns);
            self.received.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Tally {
    fn new(counted: Range<u64>) -> Self {
        let (latency, longest_gap) = (Latency::default(), Duration::ZERO);
        Self {
            received: 0,
            latency,
            longest_gap,
            counted,
            last_ns: None,
        }
    }

    fn note(&mut self, mark: Mark, now_ns: u64) {
        if !self.counted.contains(&mark.sequence) {
            return;
        }
        self.received += 1;
        self.latency
            .record(Duration::from_nanos(now_ns.saturating_sub(mark.sent_ns)));
        if let Some(last_ns) = self.last_ns.replace(now_ns) {
            self.longest_gap = self.longest_gap.max(Duration::from_nanos(now_ns - last_ns));
        }
    }
}
