//! A candidate source of a stream: its health, and the handle that a gateway pushes into.

use crate::air::Connection;
use crate::forms::Form;
use crate::meter::Meter;
use crate::stream::Stream;
use bytes::Bytes;
use media::frame::{Audio, Video};
use media::profile::Profile;
use media::still::{Picture, Stillness, Verdict};
use media::ts::demux::Demuxer;
use media::ts::framer::Framer;
use media::ts::monitor::{Monitor, Reading, SeenTrack};
use media::ts::mux::Muxer;
use media::ts::psi::StreamKind;
use media::{Codec, Convert, Frame, Tracks, TsChunk};
use model::{Event, Label, Protocol};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

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
        health.since = Instant::now();
        true
    }

    fn disconnect(&self) {
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
    fn is_slate(&self) -> bool {
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
            tracks: health.tracks.clone(),
            conditions: health.conditions.clone(),
        }
    }
}

/// A connected source: what a gateway pushes media into. Disconnects when dropped.
pub struct Source {
    stream: Arc<Stream>,
    candidate: Arc<Candidate>,
    connection: Connection,
    framer: Framer,
    monitor: Monitor,
    /// Made when transport packets come for a stream of frames.
    demuxer: Option<Box<Demuxer>>,
    /// Made when frames come for a stream of transport packets.
    muxer: Option<Box<Muxer>>,
    tracks: Arc<Tracks>,
    /// Of frames; the monitor has its own.
    still: Stillness,
    /// What it carries changed since that was last on air.
    unshown: bool,
    runs: Vec<Bytes>,
    chunks: Vec<TsChunk>,
    frames: Vec<Frame>,
}

impl Source {
    pub(crate) fn new(stream: Arc<Stream>, candidate: Arc<Candidate>) -> Self {
        let connection = stream.air().lock().connection(candidate.id.clone());
        Self {
            stream,
            candidate,
            connection,
            framer: Framer::datagram(),
            monitor: Monitor::new(),
            demuxer: None,
            muxer: None,
            tracks: Arc::default(),
            still: Stillness::default(),
            unshown: false,
            runs: Vec::new(),
            chunks: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// The stream it feeds.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// What counts the bytes received.
    pub fn traffic(&self) -> Arc<Meter> {
        self.candidate.received.clone()
    }

    /// Takes datagrams or messages of a transport stream, in any cut; one wake-up of the
    /// readers for all of them.
    pub fn push_ts(&mut self, data: impl IntoIterator<Item = Bytes>) {
        let now = Instant::now();
        let skipped = self.framer.skipped_bytes();
        for bytes in data {
            self.candidate.received.add(bytes.len());
            self.framer.push(bytes, &mut self.runs);
        }
        let skipped = self.framer.skipped_bytes() - skipped;
        self.monitor.watch(self.stream.picture_limits());
        self.monitor.tick(now, skipped);
        let mut tracks_changed = false;
        for data in self.runs.drain(..) {
            let seen = self.monitor.inspect(&data);
            tracks_changed |= seen.tracks_changed;
            self.chunks.push(TsChunk {
                data,
                random_access: seen.random_access,
                epoch: 0,
            });
        }
        self.note_packets(now, tracks_changed);
        self.note_pictures(self.monitor.pictures());
        if self.chunks.is_empty() {
            return;
        }
        match self.settle_form(Form::Ts) {
            Form::Ts => self.air_chunks(now),
            Form::Frames => {
                let demuxer = self.demuxer.get_or_insert_with(|| Box::new(Demuxer::new()));
                let wall = SystemTime::now();
                for chunk in self.chunks.drain(..) {
                    demuxer.convert(wall, &chunk, &mut self.frames);
                }
                complain(&self.stream, demuxer.as_mut());
                self.air_frames(now);
            }
        }
    }

    /// Takes access units, in decoding order within each track.
    pub fn push_frames(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let now = Instant::now();
        self.frames.extend(frames);
        let Some(last) = self.frames.last() else {
            return;
        };
        let bytes = self.frames.iter().map(|frame| frame.payload.len()).sum();
        self.candidate.received.add(bytes);
        if !Arc::ptr_eq(&self.tracks, &last.tracks) {
            self.tracks = last.tracks.clone();
            self.unshown = true;
            let summaries = self
                .tracks
                .list
                .iter()
                .map(|track| TrackSummary::of(&track.codec));
            self.candidate.health.lock().tracks = summaries.collect();
            self.stream.announce_source(&self.candidate.id);
        }
        self.note_delivery(now);
        self.watch_frames(now);
        match self.settle_form(Form::Frames) {
            Form::Frames => self.air_frames(now),
            Form::Ts => {
                let stream = &self.stream;
                let muxer = self.muxer.get_or_insert_with(|| Box::new(stream.muxer()));
                let wall = SystemTime::now();
                for frame in self.frames.drain(..) {
                    muxer.convert(wall, &frame, &mut self.chunks);
                }
                complain(&self.stream, muxer.as_mut());
                self.air_chunks(now);
            }
        }
    }

    fn settle_form(&self, form: Form) -> Form {
        let (settled, first) = {
            let mut air = self.stream.air().lock();
            let first = air.form().is_none();
            (air.settle_form(form), first)
        };
        if first {
            self.stream.serve_waiting_readers();
        }
        settled
    }

    fn air_chunks(&mut self, now: Instant) {
        let merge = self.stream.merge_of(&self.candidate.id);
        let merged = merge.as_ref().and_then(|merge| {
            let path = merge.path(&self.candidate.id)?;
            merge.pass(now, path, &mut self.chunks);
            Some(merge.connection())
        });
        // Placed and pushed under one lock: two sources never interleave within a batch.
        let mut air = self.stream.air().lock();
        let connection = merged.unwrap_or(&self.connection);
        let taken_over = air.place_ts(connection, &mut self.chunks);
        self.stream
            .output()
            .add(self.chunks.iter().map(|chunk| chunk.data.len()).sum());
        self.stream.lanes().ts.lane.push(now, self.chunks.drain(..));
        let airing = air.on_air() == Some(&connection.source);
        drop(air);
        self.announce_on_air(taken_over, airing);
    }

    fn air_frames(&mut self, now: Instant) {
        let mut air = self.stream.air().lock();
        let taken_over = air.place_frames(&self.connection, &mut self.frames);
        self.stream
            .output()
            .add(self.frames.iter().map(|frame| frame.payload.len()).sum());
        self.stream
            .lanes()
            .frames
            .lane
            .push(now, self.frames.drain(..));
        let airing = air.on_air() == Some(&self.connection.source);
        drop(air);
        self.announce_on_air(taken_over, airing);
    }

    fn announce_on_air(&mut self, taken_over: bool, airing: bool) {
        if airing && (taken_over || self.unshown) && !self.candidate.is_slate() {
            self.unshown = false;
            self.stream.show_profile(self.profile());
        }
        if taken_over {
            let (stream, source) = (self.stream.name().clone(), self.candidate.id.clone());
            tracing::info!(%stream, %source, "on air");
            self.stream.announce(Event::OnAirChanged { stream, source });
        }
    }

    /// How it is coded; what it does not know yet is left open.
    fn profile(&self) -> Profile {
        match self.tracks.list.is_empty() {
            true => Profile::of_seen(self.monitor.tracks()),
            false => Profile::of_tracks(&self.tracks),
        }
    }

    fn note_packets(&mut self, now: Instant, tracks_changed: bool) {
        self.unshown |= tracks_changed;
        let changes = self.monitor.changes();
        {
            let mut health = self.candidate.health.lock();
            health.continuity_errors = self.monitor.counters().continuity_errors;
            health.skipped_bytes = self.framer.skipped_bytes();
            health.conditions.clear();
            health.conditions.extend(self.monitor.conditions());
            if tracks_changed {
                health.tracks = self
                    .monitor
                    .tracks()
                    .iter()
                    .map(TrackSummary::seen)
                    .collect();
            }
        }
        for change in changes {
            self.announce_condition(change);
        }
        if !self.chunks.is_empty() {
            self.note_delivery(now);
        }
        if tracks_changed {
            self.stream.announce_source(&self.candidate.id);
        }
    }

    /// At most once in [`media::ts::monitor::HOLD`] for each condition, whatever the peer sends.
    fn announce_condition(&self, reading: Reading) {
        let (stream, source) = (self.stream.name().clone(), self.candidate.id.clone());
        let condition = reading.condition.name().to_owned();
        let priority = reading.condition.priority();
        self.stream.announce(if reading.active {
            Event::SourceDegraded {
                stream,
                source,
                condition,
                priority,
            }
        } else {
            Event::SourceRecovered {
                stream,
                source,
                condition,
                priority,
            }
        });
    }

    fn watch_frames(&mut self, now: Instant) {
        self.still.limit(self.stream.picture_limits());
        // A slate stands still, and may be black: nothing is wrong with that.
        let is_watched = self.still.is_on() && !self.candidate.is_slate();
        let video = self.tracks.video().filter(|_| is_watched);
        let Some((track, video)) = video.and_then(|it| Some((it.id, it.codec.video()?))) else {
            return self.note_pictures(Verdict::default());
        };
        let samples = u64::from(video.width) * u64::from(video.height);
        for frame in self.frames.iter().filter(|frame| frame.track == track) {
            let picture = Picture::of(frame.random_access, &frame.payload, samples);
            self.still.picture(now, picture);
        }
        self.note_pictures(self.still.verdict());
    }

    /// Frozen and black pictures are as good as none: another source may take over.
    fn note_pictures(&self, pictures: Verdict) {
        let before = std::mem::replace(&mut self.candidate.health.lock().pictures, pictures);
        if before != pictures {
            let (stream, source) = (self.stream.name(), &self.candidate.id);
            tracing::warn!(%stream, %source, frozen = pictures.frozen, black = pictures.black, "pictures");
            self.stream.announce_source(&self.candidate.id);
        }
    }

    fn note_delivery(&self, now: Instant) {
        let began = {
            let mut health = self.candidate.health.lock();
            health.last_packet = Some(now);
            !std::mem::replace(&mut health.delivering, true)
        };
        if began {
            self.stream.announce_source(&self.candidate.id);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // What is gone is no longer ill.
        let mut ended = Vec::new();
        for reading in &mut self.candidate.health.lock().conditions {
            if std::mem::take(&mut reading.active) {
                ended.push(*reading);
            }
        }
        for reading in ended {
            self.announce_condition(reading);
        }
        self.candidate.disconnect();
        self.stream.leave_merge(&self.candidate.id);
        self.stream.announce_source(&self.candidate.id);
    }
}

/// Logs what a converter had to leave out.
pub(crate) fn complain(stream: &Stream, converter: &mut impl Convert) {
    for complaint in converter.complaints() {
        tracing::warn!(stream = %stream.name(), "{complaint}");
    }
}
