//! A candidate source of a stream: its health, and the handle that a gateway pushes into.

use crate::meter::Meter;
use crate::stream::Stream;
use bytes::Bytes;
use media::ts::framer::Framer;
use media::ts::monitor::Monitor;
use media::{Convert, Frame, TsChunk};
use model::{Label, Protocol};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What is known of a track without decoding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSummary {
    /// Codec name (`h264`, `hevc`, `aac`).
    pub codec: &'static str,
    /// Set for video.
    pub video: Option<media::frame::Video>,
    /// Set for audio.
    pub audio: Option<media::frame::Audio>,
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
    /// Transport packets missing or out of order so far (ISO/IEC 13818-1 §2.4.3.3).
    pub continuity_errors: u64,
    /// Bytes that belonged to no transport packet so far.
    pub skipped_bytes: u64,
    /// What it carries.
    pub tracks: Vec<TrackSummary>,
}

/// A source that is or may come: what outlives the connection.
pub(crate) struct Candidate {
    id: Label,
    received: Meter,
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
    tracks: Vec<TrackSummary>,
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
            tracks: Vec::new(),
        };
        Self { id, received: Meter::new(now), health: Mutex::new(health) }
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
        health.since = Instant::now();
        true
    }

    fn disconnect(&self) {
        let mut health = self.health.lock();
        health.connected = false;
        health.delivering = false;
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
        let silent =
            health.last_packet.is_none_or(|at| now.saturating_duration_since(at) > SILENT);
        std::mem::replace(&mut health.delivering, health.delivering && !silent) && silent
    }

    pub(crate) fn id(&self) -> &Label {
        &self.id
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
            uptime_ms: if health.connected { ms_since(health.since) } else { 0 },
            bytes: self.received.bytes(),
            bitrate_bps: self.received.rate_bps(now),
            packet_age_ms: health.last_packet.map(ms_since),
            continuity_errors: health.continuity_errors,
            skipped_bytes: health.skipped_bytes,
            tracks: health.tracks.clone(),
        }
    }
}

/// A connected source: what a gateway pushes media into. Disconnects when dropped.
pub struct Source {
    stream: Arc<Stream>,
    candidate: Arc<Candidate>,
    framer: Framer,
    monitor: Monitor,
    /// Made when transport packets come for a stream of frames.
    demuxer: Option<Box<media::ts::demux::Demuxer>>,
    /// Made when frames come for a stream of transport packets.
    muxer: Option<Box<media::ts::mux::Muxer>>,
    runs: Vec<Bytes>,
    chunks: Vec<TsChunk>,
    frames: Vec<Frame>,
}

impl Source {
    pub(crate) fn new(stream: Arc<Stream>, candidate: Arc<Candidate>) -> Self {
        Self {
            stream,
            candidate,
            framer: Framer::datagram(),
            monitor: Monitor::new(),
            demuxer: None,
            muxer: None,
            runs: Vec::new(),
            chunks: Vec::new(),
            frames: Vec::new(),
        }
    }
}
