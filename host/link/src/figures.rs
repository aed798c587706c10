//! What a running session counts, and what is shown of it.

use hub::Meter;
use model::LinkStatus;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a link has counted over all its sessions.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) meter: Meter,
    pub(crate) drops: AtomicU64,
    pub(crate) details: Mutex<Option<Details>>,
    /// Set by the driver while the link is not live: the next byte is news.
    pub(crate) quiet: AtomicBool,
    pub(crate) news: Notify,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            meter: Meter::new(Instant::now().into_std()),
            drops: AtomicU64::new(0),
            details: Mutex::new(None),
            quiet: AtomicBool::new(true),
            news: Notify::new(),
        }
    }
}

/// What one session of a link is given. Clones are the same session.
#[derive(Debug, Clone)]
pub struct Session {
    pub(crate) figures: Arc<Figures>,
    pub(crate) established: Arc<AtomicBool>,
    pub(crate) cancel: CancellationToken,
}

impl Session {
    /// The peer is ready for media, or the socket for a peer.
    pub fn live(&self) {
        self.established.store(true, Ordering::Release);
        self.figures.news.notify_one();
    }

    /// No peer is there any more, and the session waits for the next: nobody is to blame that
    /// nothing moves.
    pub fn vacant(&self) {
        self.established.store(false, Ordering::Release);
        self.figures.news.notify_one();
    }

    /// Counts bytes that the peer took, or that arrived from it.
    pub fn moved(&self, bytes: usize) {
        self.figures.meter.add(bytes);
        // A plain load first: this is called for every batch of every output.
        if self.figures.quiet.load(Ordering::Relaxed)
            && self.figures.quiet.swap(false, Ordering::AcqRel)
        {
            self.figures.news.notify_one();
        }
    }

    /// Counts items (datagrams, messages) that were not sent.
    pub fn dropped(&self, items: u64) {
        self.figures.drops.fetch_add(items, Ordering::Relaxed);
    }

    /// Replaces what the protocol shows of itself.
    pub fn show(&self, details: Details) {
        *self.figures.details.lock() = Some(details);
    }

    /// Cancelled when the session has to end. The driver also drops the session's future then,
    /// a moment later; tasks it started must watch this.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }
}

/// What only one protocol knows of a link.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Details {
    /// Of an SRT connection.
    Srt(SrtFigures),
}

/// Statistics of an SRT connection (libsrt `SRT_TRACEBSTATS`, totals since it was made).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SrtFigures {
    /// Smoothed round trip time, ms.
    pub rtt_ms: f64,
    /// Estimated link capacity, bits per second.
    pub bandwidth_bps: u64,
    /// Negotiated latency, ms.
    pub latency_ms: u32,
    /// Packets sent or received, retransmissions included.
    pub packets: u64,
    /// Packets lost on the way.
    pub lost: u64,
    /// Packets sent again, or received again.
    pub retransmitted: u64,
    /// Packets given up because they were too late.
    pub dropped: u64,
}

/// A link at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkSnapshot {
    /// Where it stands.
    pub status: LinkStatus,
    /// Bytes over all its sessions.
    pub bytes: u64,
    /// Bits per second over the last second or so.
    pub bitrate_bps: u64,
    /// Items that were not sent, over all its sessions.
    pub drops: u64,
    /// What its protocol knows.
    pub details: Option<Details>,
}
