//! Every SRT connection there is, and its figures.

use super::backend::{Connection, Error, Stats};
use super::history::{Ended, History, Track};
use crate::context::Context;
use futures_util::FutureExt;
use hub::{Meter, Viewer};
use link::{Details, Session, SrtFigures};
use model::StreamName;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often a connection's figures are looked at, and its end is noticed while nothing flows.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// The SRT connections of a host, whoever called.
#[derive(Debug, Default)]
pub struct Connections {
    next: AtomicU64,
    present: Mutex<BTreeMap<u64, Arc<Figures>>>,
    ended: Ended,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A peer that came to feed a stream.
    Publisher,
    /// A peer that came to watch.
    Viewer,
    /// A source of a stream.
    Source,
    /// A peer of an output.
    Output,
}

impl Role {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
            Self::Source => "source",
            Self::Output => "output",
        }
    }
}

/// One connection at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionFigures {
    /// The stream it feeds or takes.
    pub stream: StreamName,
    /// The peer's address.
    pub peer: SocketAddr,
    /// What it is for.
    pub role: Role,
    /// For how long it has been, in ms.
    pub uptime_ms: u64,
    /// Bytes of media received, or handed over to be sent.
    pub bytes: u64,
    /// Their rate over the last second or so, bits per second.
    pub bitrate_bps: u64,
    /// As of the last look, at most about a second ago.
    pub srt: SrtFigures,
}

#[derive(Debug)]
pub(super) struct Figures {
    stream: StreamName,
    peer: SocketAddr,
    role: Role,
    since: Instant,
    media: Meter,
    srt: Mutex<SrtFigures>,
    track: Arc<Track>,
}

/// Who else is told of what a connection carries.
pub(super) enum Account {
    /// Nobody: the hub itself sees what a publisher sends.
    Publisher,
    /// The hub's list of viewers.
    Viewer(Viewer),
    /// The link whose only connection this is.
    Source(Session),
    /// The link whose only connection this is.
    Output(Session),
    /// The link that has this peer among others.
    OneOfMany(Session),
}

/// A connection's entry, gone when dropped.
pub(super) struct Place {
    context: Context,
    id: u64,
    figures: Arc<Figures>,
    account: Account,
}

impl Connections {
    /// All of them, oldest first.
    pub fn snapshot(&self, now: Instant) -> Vec<ConnectionFigures> {
        let present: Vec<_> = self.present.lock().values().cloned().collect();
        let of_one = |figures: Arc<Figures>| ConnectionFigures {
            stream: figures.stream.clone(),
            peer: figures.peer,
            role: figures.role,
            uptime_ms: now.saturating_duration_since(figures.since).as_millis() as u64,
            bytes: figures.media.bytes(),
            bitrate_bps: figures.media.rate_bps(now),
            srt: *figures.srt.lock(),
        };
        present.into_iter().map(of_one).collect()
    }

    /// The last ten minutes of all connections, second by second: those that ended first, then
    /// those there are.
    pub fn histories(&self, now: Instant) -> Vec<History> {
        let present: Vec<_> = self.present.lock().values().cloned().collect();
        let mut all = self.ended.histories(now);
        all.extend(present.iter().map(|figures| figures.track.history(now)));
        all
    }
}

impl Place {
    /// Enters a connection of this stream.
    pub(super) fn take(
        context: &Context,
        stream: &StreamName,
        peer: SocketAddr,
        account: Account,
    ) -> Self {
        let now = Instant::now();
        let id = context.srt().next.fetch_add(1, Ordering::Relaxed);
        let figures = Arc::new(Figures {
            stream: stream.clone(),
            peer,
            role: account.role(),
            since: now,
            media: Meter::new(now),
            srt: Mutex::default(),
            track: Arc::new(Track::new(id, stream.clone(), peer, account.role())),
        });
        context.srt().present.lock().insert(id, figures.clone());
        Self {
            context: context.clone(),
            id,
            figures,
            account,
        }
    }

    /// What others may look at as long as this exists.
    pub(super) fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    /// Counts media that arrived or was handed over.
    pub(super) fn moved(&self, bytes: usize) {
        self.figures.media.add(bytes);
        match &self.account {
            Account::Publisher => {}
            Account::Viewer(viewer) => viewer.sent(bytes),
            Account::Source(session) | Account::Output(session) | Account::OneOfMany(session) => {
                session.moved(bytes);
            }
        }
    }

    /// Counts items that the peer was too slow for.
    pub(super) fn lost(&self, items: u64) {
        match &self.account {
            Account::Publisher => {}
            Account::Viewer(viewer) => viewer.lost(items),
            Account::Source(session) | Account::Output(session) | Account::OneOfMany(session) => {
                session.dropped(items);
            }
        }
    }

    /// Takes the connection's figures; to be called every [`LOOK`].
    ///
    /// # Errors
    /// When the peer is gone.
    pub(super) fn look(&self, connection: &impl Connection) -> Result<(), Error> {
        let stats = connection.stats()?;
        let figures = match self.figures.role {
            Role::Publisher | Role::Source => received(&stats),
            Role::Viewer | Role::Output => sent(&stats),
        };
        *self.figures.srt.lock() = figures;
        let (now, media) = (Instant::now(), &self.figures.media);
        let rate_bps = media.rate_bps(now);
        let track = &self.figures.track;
        track.note(now, media.bytes(), rate_bps, figures);
        if let Account::Source(session) | Account::Output(session) = &self.account {
            session.show(Details::Srt(figures));
        }
        Ok(())
    }

    /// As [`Place::look`], for a peer that has nothing to say: what it sends all the same is
    /// discarded, or it would fill the library's buffers.
    pub(super) fn look_at_reader(&self, connection: &mut impl Connection) -> Result<(), Error> {
        match connection.closed().now_or_never() {
            Some(end) => Err(end),
            None => self.look(connection),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let srt = self.context.srt();
        srt.present.lock().remove(&self.id);
        srt.ended.add(Instant::now(), self.figures.track.clone());
    }
}

impl Account {
    const fn role(&self) -> Role {
        match self {
            Self::Publisher => Role::Publisher,
            Self::Viewer(_) => Role::Viewer,
            Self::Source(_) => Role::Source,
            Self::Output(_) | Self::OneOfMany(_) => Role::Output,
        }
    }
}

/// The figures of an output with these peers: sums, and the worst delays.
pub(super) fn of_all(peers: &[Weak<Figures>]) -> SrtFigures {
    let add = |all: SrtFigures, figures: Arc<Figures>| {
        let one = *figures.srt.lock();
        SrtFigures {
            rtt_ms: all.rtt_ms.max(one.rtt_ms),
            bandwidth_bps: all.bandwidth_bps + one.bandwidth_bps,
            latency_ms: all.latency_ms.max(one.latency_ms),
            packets: all.packets + one.packets,
            lost: all.lost + one.lost,
            retransmitted: all.retransmitted + one.retransmitted,
            dropped: all.dropped + one.dropped,
        }
    };
    let present = peers.iter().filter_map(Weak::upgrade);
    present.fold(SrtFigures::default(), add)
}

fn received(stats: &Stats) -> SrtFigures {
    SrtFigures {
        rtt_ms: stats.rtt_ms,
        bandwidth_bps: bits(stats.bandwidth_mbps),
        latency_ms: stats.latency_ms,
        packets: stats.received_packets,
        lost: stats.receive_lost_packets,
        retransmitted: stats.receive_retransmitted_packets,
        dropped: stats.receive_dropped_packets + stats.undecrypted_packets,
    }
}

fn sent(stats: &Stats) -> SrtFigures {
    SrtFigures {
        rtt_ms: stats.rtt_ms,
        bandwidth_bps: bits(stats.bandwidth_mbps),
        latency_ms: stats.peer_latency_ms,
        packets: stats.sent_packets,
        lost: stats.send_lost_packets,
        retransmitted: stats.retransmitted_packets,
        dropped: stats.send_dropped_packets,
    }
}

fn bits(mbps: f64) -> u64 {
    (mbps * 1e6) as u64
}
