//! A candidate source of a stream and its health: what outlives its connections.

use crate::meter::Meter;
use media::frame::{Audio, Video};
use media::still::Verdict;
use media::timeline;
use media::ts::monitor::{Monitor, Reading, SeenTrack};
use media::ts::psi::StreamKind;
use media::{Codec, Tracks};
use model::{Label, Protocol};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is known of a track without decoding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSummary {
    /// As [`Codec::name`].
    pub codec: &'static str,
    /// Set for video.
    pub video: Option<Video>,
    /// Set for audio.
    pub audio: Option<Audio>,
}

impl TrackSummary {
    fn of(codec: &Codec) -> Self {
        Self {
            codec: codec.name(),
            video: codec.video(),
            audio: codec.audio(),
        }
    }

    fn seen(track: &SeenTrack) -> Self {
        let codec = match track.stream.kind {
            StreamKind::H264 => "h264",
            StreamKind::Hevc => "hevc",
            StreamKind::AacAdts | StreamKind::AacLatm => "aac",
            StreamKind::Opus(_) => "opus",
            StreamKind::Scte35 => "scte35",
            StreamKind::Id3 => "id3",
            StreamKind::Klv | StreamKind::KlvCells => "klv",
            StreamKind::Other(name) => name,
        };
        Self {
            codec,
            video: track.video,
            audio: track.audio,
        }
    }
}

/// One source at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSnapshot {
    /// Its label within the stream.
    pub id: Label,
    /// How it comes.
    pub protocol: Protocol,
    /// From where, while connected.
    pub peer: Option<String>,
    /// A peer or socket stands behind it; media need not flow.
    pub connected: bool,
    /// Whether it is on air.
    pub on_air: bool,
    /// For how long it has been connected; 0 if it is not.
    pub uptime_ms: u64,
    /// Bytes since it was declared.
    pub bytes: u64,
    /// Bits per second over the last second or so.
    pub bitrate_bps: u64,
    /// Since the last packet or frame; `None` before the first.
    pub packet_age_ms: Option<u64>,
    /// Whether its pictures are frozen or black ([`Stream::watch_pictures`]).
    pub pictures: Verdict,
    /// Transport packets missing or out of order so far (ISO/IEC 13818-1 §2.4.3.3).
    pub continuity_errors: u64,
    /// Bytes that belonged to no transport packet so far.
    pub skipped_bytes: u64,
    /// What was wrong with its timestamps since it connected, and what was done about it. A
    /// transport stream passes to outputs of its own form as it is.
    pub stamps: timeline::Counters,
    /// What it carries.
    pub tracks: Vec<TrackSummary>,
    /// First and second priority of ETSI TR 101 290, in the standard's order; empty for what is
    /// no transport stream.
    pub conditions: Vec<Reading>,
}

/// A source that is or may come: what outlives the connection.
pub(crate) struct Candidate {
    id: Label,
    received: Arc<Meter>,
    health: Mutex<Health>,
}

struct Health {
    protocol: Protocol,
    peer: Option<String>,
    connected: bool,
    /// When `connected` last changed.
    since: Instant,
    last_packet: Option<Instant>,
    delivering: bool,
    continuity_errors: u64,
    skipped_bytes: u64,
    stamps: timeline::Counters,
    tracks: Vec<TrackSummary>,
    conditions: Vec<Reading>,
    pictures: Verdict,
}

/// A source that sends nothing for this long has ceased to deliver.
const SILENT: Duration = Duration::from_secs(1);

impl Candidate {
    pub(crate) fn new(id: Label, protocol: Protocol) -> Self {
        let now = Instant::now();
        let health = Health {
            protocol,
            peer: None,
            connected: false,
            since: now,
            last_packet: None,
            delivering: false,
            continuity_errors: 0,
            skipped_bytes: 0,
            stamps: timeline::Counters::default(),
            tracks: Vec::new(),
            conditions: Vec::new(),
            pictures: Verdict::default(),
        };
        Self {
            id,
            received: Arc::new(Meter::new(now)),
            health: Mutex::new(health),
        }
    }

    /// Claims the candidate for one connection; false if another has it.
    pub(crate) fn connect(&self, protocol: Protocol, peer: Option<String>) -> bool {
        let mut health = self.health.lock();
        if health.connected {
            return false;
        }
        health.protocol = protocol;
        health.peer = peer;
        health.connected = true;
        health.stamps = timeline::Counters::default();
        health.since = Instant::now();
        true
    }

    /// What counts its bytes.
    pub(crate) const fn received(&self) -> &Arc<Meter> {
        &self.received
    }

    /// What was found in its packets.
    pub(crate) fn note_packets(&self, monitor: &Monitor, skipped_bytes: u64, tracks_changed: bool) {
        let mut health = self.health.lock();
        health.continuity_errors = monitor.counters().continuity_errors;
        health.skipped_bytes = skipped_bytes;
        health.stamps = monitor.stamps();
        health.conditions.clear();
        health.conditions.extend(monitor.conditions());
        if tracks_changed {
            health.tracks = monitor.tracks().iter().map(TrackSummary::seen).collect();
        }
    }

    /// What its frames are coded with.
    pub(crate) fn note_tracks(&self, tracks: &Tracks) {
        let tracks = tracks.list.iter();
        let summaries = tracks.map(|track| TrackSummary::of(&track.codec));
        self.health.lock().tracks = summaries.collect();
    }

    /// What was wrong with its timestamps so far.
    pub(crate) fn note_stamps(&self, stamps: timeline::Counters) {
        self.health.lock().stamps = stamps;
    }

    /// What its pictures are now; gives what they were.
    pub(crate) fn note_pictures(&self, pictures: Verdict) -> Verdict {
        std::mem::replace(&mut self.health.lock().pictures, pictures)
    }

    /// Media has come; whether none did before.
    pub(crate) fn note_delivery(&self, now: Instant) -> bool {
        let mut health = self.health.lock();
        health.last_packet = Some(now);
        !std::mem::replace(&mut health.delivering, true)
    }

    /// What is gone is no longer ill: the conditions that end with it.
    pub(crate) fn recover(&self) -> Vec<Reading> {
        let mut health = self.health.lock();
        let active = health.conditions.iter_mut().filter(|it| it.active);
        let ended = active.map(|reading| {
            reading.active = false;
            *reading
        });
        ended.collect()
    }

    pub(crate) fn disconnect(&self) {
        let mut health = self.health.lock();
        health.connected = false;
        health.delivering = false;
        health.pictures = Verdict::default();
        health.peer = None;
        health.since = Instant::now();
    }

    /// How long nobody has been connected; `None` while somebody is.
    pub(crate) fn gone_for(&self, now: Instant) -> Option<Duration> {
        let health = self.health.lock();
        (!health.connected).then(|| now.saturating_duration_since(health.since))
    }

    /// Whether it ceased to deliver since the last look; keeps its rate current.
    pub(crate) fn sample(&self, now: Instant) -> bool {
        self.received.rate_bps(now);
        let mut health = self.health.lock();
        let silent = health
            .last_packet
            .is_none_or(|at| now.saturating_duration_since(at) > SILENT);
        let fell_silent = health.delivering && silent;
        health.delivering &= !silent;
        fell_silent
    }

    pub(crate) fn id(&self) -> &Label {
        &self.id
    }

    /// Whether it only stands in for others.
    pub(crate) fn is_slate(&self) -> bool {
        self.health.lock().protocol == Protocol::Slate
    }

    pub(crate) fn is_delivering(&self) -> bool {
        let health = self.health.lock();
        health.delivering && health.pictures.is_good()
    }

    pub(crate) fn pictures(&self) -> Verdict {
        self.health.lock().pictures
    }

    pub(crate) fn snapshot(&self, now: Instant) -> SourceSnapshot {
        let health = self.health.lock();
        let ms_since = |at: Instant| now.saturating_duration_since(at).as_millis() as u64;
        SourceSnapshot {
            id: self.id.clone(),
            protocol: health.protocol,
            peer: health.peer.clone(),
            connected: health.connected,
            on_air: false,
            uptime_ms: if health.connected {
                ms_since(health.since)
            } else {
                0
            },
            bytes: self.received.bytes(),
            bitrate_bps: self.received.rate_bps(now),
            packet_age_ms: health.last_packet.map(ms_since),
            pictures: health.pictures,
            continuity_errors: health.continuity_errors,
            skipped_bytes: health.skipped_bytes,
            stamps: health.stamps,
            tracks: health.tracks.clone(),
            conditions: health.conditions.clone(),
        }
    }
}
