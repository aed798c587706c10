//! Who watches a stream: counted from the moment they are let in until they are dropped.

use crate::meter::Meter;
use crate::stream::Stream;
use model::{Ask, Protocol};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The viewers of one stream.
#[derive(Debug, Default)]
pub(crate) struct Viewers {
    next: AtomicU64,
    present: Mutex<HashMap<u64, Arc<Figures>>>,
}

/// What is counted of one viewer.
#[derive(Debug)]
struct Figures {
    protocol: Protocol,
    peer: SocketAddr,
    since: Instant,
    sent: Arc<Meter>,
    lost_items: AtomicU64,
}

/// One viewer, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerSnapshot {
    /// How it watches.
    pub protocol: Protocol,
    /// From where.
    pub peer: SocketAddr,
    /// For how long, in ms.
    pub uptime_ms: u64,
    /// Bytes handed to its connection.
    pub bytes: u64,
    /// Their rate.
    pub bitrate_bps: u64,
    /// Items it was too slow for.
    pub lost_items: u64,
}

/// A viewer let in; leaves when dropped.
#[derive(Debug)]
pub struct Viewer {
    stream: Arc<Stream>,
    id: u64,
    figures: Arc<Figures>,
}

impl Viewer {
    /// Counts it in, unless `limit` watch already.
    pub(crate) fn enter(stream: Arc<Stream>, ask: &Ask, limit: usize) -> Option<Self> {
        let now = Instant::now();
        let figures = Arc::new(Figures {
            protocol: ask.protocol,
            peer: ask.peer,
            since: now,
            sent: Arc::new(Meter::new(now)),
            lost_items: AtomicU64::new(0),
        });
        let viewers = stream.viewers();
        let id = viewers.next.fetch_add(1, Ordering::Relaxed);
        let mut present = viewers.present.lock();
        if present.len() >= limit {
            return None;
        }
        present.insert(id, figures.clone());
        drop(present);
        Some(Self {
            stream,
            id,
            figures,
        })
    }

    /// The stream it watches.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// What counts the bytes handed to its connection.
    pub fn traffic(&self) -> Arc<Meter> {
        self.figures.sent.clone()
    }

    /// Counts bytes handed to its connection.
    pub fn sent(&self, bytes: usize) {
        self.figures.sent.add(bytes);
    }

    /// Counts items it was too slow for.
    pub fn lost(&self, items: u64) {
        self.figures.lost_items.fetch_add(items, Ordering::Relaxed);
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stream.viewers().present.lock().remove(&self.id);
    }
}

impl Viewers {
    pub(crate) fn count(&self) -> usize {
        self.present.lock().len()
    }

    pub(crate) fn snapshot(&self, now: Instant) -> Vec<ViewerSnapshot> {
        let mut present: Vec<_> = self
            .present
            .lock()
            .iter()
            .map(|(id, figures)| (*id, figures.clone()))
            .collect();
        present.sort_unstable_by_key(|(id, _)| *id);
        present
            .into_iter()
            .map(|(_, figures)| ViewerSnapshot {
                protocol: figures.protocol,
                peer: figures.peer,
                uptime_ms: now.saturating_duration_since(figures.since).as_millis() as u64,
                bytes: figures.sent.bytes(),
                bitrate_bps: figures.sent.rate_bps(now),
                lost_items: figures.lost_items.load(Ordering::Relaxed),
            })
            .collect()
    }
}
