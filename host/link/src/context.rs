//! What every link is given: the hub, the way to shut down, counters, and log manners.

use ffmpeg::Census;
use hub::Registry;
use model::{Egress, Protocol};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Shared by everything of a host that moves media; cloning is a reference count.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

/// What the configuration says to all of them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What may be called.
    pub egress: Egress,
    /// Files are read and written below this folder, and nowhere else; none: there are no files.
    pub media: Option<PathBuf>,
    /// The offset from UTC at a Unix time in seconds, in minutes, east positive; none: UTC.
    pub utc_offset_minutes: Option<fn(unix_s: u64) -> i32>,
}

struct Inner {
    registry: Registry,
    settings: Settings,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    farewells: TaskTracker,
    children: Census,
    counters: Counters,
    complaints: Complaints,
}

impl Context {
    /// For the streams of `registry`; `shutdown` ends every task started through it.
    pub fn new(registry: Registry, shutdown: CancellationToken, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            registry,
            settings,
            shutdown,
            tasks: TaskTracker::new(),
            farewells: TaskTracker::new(),
            children: Census::default(),
            counters: Counters::default(),
            complaints: Complaints::new(Complaints::PERIOD),
        }))
    }

    /// The streams.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Cancelled when the host shuts down.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.0.shutdown
    }

    /// What this host may call.
    pub fn egress(&self) -> &Egress {
        &self.0.settings.egress
    }

    /// The folder that files are read and written below, if there is one.
    pub fn media(&self) -> Option<&Path> {
        self.0.settings.media.as_deref()
    }

    /// How far local time is ahead of UTC then.
    pub fn utc_offset_minutes(&self, unix_s: u64) -> i32 {
        let offset = self.0.settings.utc_offset_minutes;
        offset.map_or(0, |offset| offset(unix_s))
    }

    /// Every task is started here, and ends on [`Context::shutdown`].
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// The FFmpegs that run; each is started through it.
    pub fn children(&self) -> &Census {
        &self.0.children
    }

    /// What happens at the edges.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Asked before a line about outside garbage is logged.
    pub fn complaints(&self) -> &Complaints {
        &self.0.complaints
    }

    /// Who holds a token of it has viewers that are to see the end of their stream.
    pub fn farewells(&self) -> &TaskTracker {
        &self.0.farewells
    }

    /// Waits until those who are not connected have fetched the end of what they watched. To be
    /// called when every stream has ended; the caller bounds it.
    pub async fn farewell(&self) {
        self.0.farewells.close();
        self.0.farewells.wait().await;
    }

    /// Ends every task and waits for them; bounded by what one session needs to close.
    pub async fn close(&self) {
        self.0.shutdown.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// Counters of all edges, by protocol; only ever grow.
#[derive(Debug, Default)]
pub struct Counters([Edge; Protocol::ALL.len()]);

/// Counters of one protocol's edge.
#[derive(Debug, Default)]
pub struct Edge {
    /// Connections made, in or out.
    pub connections: Count,
    /// Peers turned away before any media.
    pub refused: Count,
    /// Bytes from outside that made no sense.
    pub garbage_bytes: Count,
}

/// One counter.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// The counters of one protocol at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeFigures {
    /// Whose they are.
    pub protocol: Protocol,
    /// As [`Edge::connections`].
    pub connections: u64,
    /// As [`Edge::refused`].
    pub refused: u64,
    /// As [`Edge::garbage_bytes`].
    pub garbage_bytes: u64,
}

impl Count {
    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Counted so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// The counters of one protocol.
    pub fn of(&self, protocol: Protocol) -> &Edge {
        &self.0[protocol as usize]
    }

    /// All of them, in the order of [`Protocol::ALL`].
    pub fn snapshot(&self) -> Vec<EdgeFigures> {
        let figures = |protocol| {
            let edge = self.of(protocol);
            EdgeFigures {
                protocol,
                connections: edge.connections.get(),
                refused: edge.refused.get(),
                garbage_bytes: edge.garbage_bytes.get(),
            }
        };
        Protocol::ALL.map(figures).to_vec()
    }
}

/// Keeps strangers from filling the log: of each kind of complaint the first goes through at
/// once, then at most one per period, with the number held back.
#[derive(Debug)]
pub struct Complaints {
    period: Duration,
    kinds: Mutex<HashMap<&'static str, Kind>>,
}

#[derive(Debug)]
struct Kind {
    last: Instant,
    held_back: u64,
}

impl Complaints {
    /// The period the host uses.
    pub const PERIOD: Duration = Duration::from_secs(10);

    /// At most one line per kind and `period`.
    pub fn new(period: Duration) -> Self {
        Self {
            period,
            kinds: Mutex::default(),
        }
    }

    /// Whether a line of this kind may be logged now, and how many were held back since the
    /// last. Kinds are constants of the program, so their number is bounded.
    pub fn admit(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock();
        let Some(known) = kinds.get_mut(kind) else {
            kinds.insert(
                kind,
                Kind {
                    last: now,
                    held_back: 0,
                },
            );
            return Some(0);
        };
        if now.saturating_duration_since(known.last) < self.period {
            known.held_back += 1;
            return None;
        }
        known.last = now;
        Some(std::mem::take(&mut known.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_complaint_of_a_kind_passes_and_later_ones_are_counted() {
        let complaints = Complaints::new(Duration::from_secs(10));
        let t0 = Instant::now();
        assert_eq!(complaints.admit("a", t0), Some(0));
        assert_eq!(complaints.admit("b", t0), Some(0), "kinds are apart");
        for ms in [1, 5000, 9999] {
            assert_eq!(complaints.admit("a", t0 + Duration::from_millis(ms)), None);
        }
        assert_eq!(complaints.admit("a", t0 + Duration::from_secs(10)), Some(3));
        assert_eq!(complaints.admit("a", t0 + Duration::from_secs(20)), Some(0));
    }

    #[test]
    fn counters_of_each_protocol_are_apart() {
        let counters = Counters::default();
        for (n, protocol) in (1..).zip(Protocol::ALL) {
            counters.of(protocol).refused.add(n);
        }
        let refused: Vec<_> = counters
            .snapshot()
            .iter()
            .map(|edge| edge.refused)
            .collect();
        assert_eq!(
            refused,
            (1..=Protocol::ALL.len() as u64).collect::<Vec<_>>()
        );
    }
}
