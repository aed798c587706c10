//! What SRT connections were like over the last ten minutes, those that ended included.

use super::connections::Role;
use link::SrtFigures;
use model::StreamName;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Samples of a connection: one a second for ten minutes.
const SAMPLES: usize = 600;
/// For how long a connection that ended is remembered.
const KEPT: Duration = Duration::from_secs(600);
/// Ended connections remembered at most, the newest ones; a full one takes 60 kB.
const MAX_ENDED: usize = 128;

/// A connection's figures, second by second.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Unique within the life of the process.
    pub id: u64,
    /// The stream it feeds or takes, or did.
    pub stream: StreamName,
    /// The peer's address.
    pub peer: SocketAddr,
    /// What it is for.
    pub role: Role,
    /// For how long it has been gone, in ms; none while it is there.
    pub ended_ms_ago: Option<u64>,
    /// Oldest first, at most 600.
    pub samples: Vec<Sample>,
}

/// One second of a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// How long ago it was taken, in ms.
    pub age_ms: u64,
    /// Media bytes since the connection began.
    pub bytes: u64,
    /// Their rate then, bits per second.
    pub bitrate_bps: u64,
    /// As libsrt counts, since the connection began.
    pub srt: SrtFigures,
}

/// A connection's samples while it lasts, and after.
#[derive(Debug)]
pub(super) struct Track {
    id: u64,
    stream: StreamName,
    peer: SocketAddr,
    role: Role,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ended: Option<Instant>,
    samples: VecDeque<(Instant, Sample)>,
}

/// Connections that ended, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ended(Mutex<VecDeque<Arc<Track>>>);

impl Track {
    pub(super) fn new(id: u64, stream: StreamName, peer: SocketAddr, role: Role) -> Self {
        Self {
            id,
            stream,
            peer,
            role,
            inner: Mutex::default(),
        }
    }

    /// Takes the figures of this second; the oldest of 600 go.
    pub(super) fn note(&self, now: Instant, bytes: u64, bitrate_bps: u64, srt: SrtFigures) {
        let mut inner = self.inner.lock();
        if inner.samples.len() >= SAMPLES {
            inner.samples.pop_front();
        }
        let sample = Sample {
            age_ms: 0,
            bytes,
            bitrate_bps,
            srt,
        };
        inner.samples.push_back((now, sample));
    }

    pub(super) fn history(&self, now: Instant) -> History {
        let ago = |then: Instant| now.saturating_duration_since(then).as_millis() as u64;
        let inner = self.inner.lock();
        let samples = inner.samples.iter().map(|(then, sample)| Sample {
            age_ms: ago(*then),
            ..*sample
        });
        History {
            id: self.id,
            stream: self.stream.clone(),
            peer: self.peer,
            role: self.role,
            ended_ms_ago: inner.ended.map(ago),
            samples: samples.collect(),
        }
    }

    fn gone_for(&self, now: Instant) -> Duration {
        let ended = self.inner.lock().ended;
        ended.map_or(Duration::ZERO, |then| now.saturating_duration_since(then))
    }
}

impl Ended {
    /// Remembers a connection that is over. One that was never looked at tells nothing.
    pub(super) fn add(&self, now: Instant, track: Arc<Track>) {
        let told = {
            let mut inner = track.inner.lock();
            inner.ended = Some(now);
            !inner.samples.is_empty()
        };
        let mut all = self.0.lock();
        if told {
            all.push_back(track);
        }
        while all.len() > MAX_ENDED || all.front().is_some_and(|t| t.gone_for(now) > KEPT) {
            all.pop_front();
        }
    }

    pub(super) fn histories(&self, now: Instant) -> Vec<History> {
        let all = self.0.lock().clone();
        let kept = all.iter().filter(|track| track.gone_for(now) <= KEPT);
        kept.map(|track| track.history(now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(id: u64) -> Arc<Track> {
        let peer = ([127, 0, 0, 1], 9).into();
        Arc::new(Track::new(id, "a".parse().unwrap(), peer, Role::Viewer))
    }

    #[test]
    fn six_hundred_samples_are_kept_and_the_oldest_go() {
        let (start, track) = (Instant::now(), track(1));
        for second in 0..700 {
            let now = start + Duration::from_secs(second);
            track.note(now, second, 8, SrtFigures::default());
        }
        let history = track.history(start + Duration::from_secs(700));
        assert_eq!(history.samples.len(), 600);
        let (first, last) = (history.samples[0], history.samples[599]);
        assert_eq!((first.bytes, first.age_ms), (100, 600_000));
        assert_eq!((last.bytes, last.age_ms), (699, 1_000));
    }

    #[test]
    fn ended_connections_are_kept_for_ten_minutes_and_within_a_bound() {
        let (ended, start) = (Ended::default(), Instant::now());
        for id in 0..200 {
            let track = track(id);
            track.note(start, 0, 0, SrtFigures::default());
            ended.add(start, track);
        }
        ended.add(start, track(999));
        let kept = ended.histories(start + Duration::from_secs(1));
        assert_eq!((kept.len(), kept[0].id, kept[127].id), (128, 72, 199));
        assert_eq!(kept[0].ended_ms_ago, Some(1_000));
        let late = start + KEPT + Duration::from_millis(1);
        assert!(ended.histories(late).is_empty());
    }
}
