//! A connected source of a stream: what a gateway pushes media into.

use crate::air::Connection;
use crate::candidate::Candidate;
use crate::forms::Form;
use crate::meter::Meter;
use crate::stream::Stream;
use bytes::Bytes;
use media::profile::Profile;
use media::still::{Picture, Stillness, Verdict};
use media::timeline;
use media::ts::demux::Demuxer;
use media::ts::framer::Framer;
use media::ts::monitor::{Monitor, Reading};
use media::ts::mux::Muxer;
use media::{Convert, Frame, Tracks, TsChunk};
use model::Event;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

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
    /// Of the stamps of its packets, so far.
    discontinuities: u64,
    /// Its packets brought one that was not told on.
    broken: bool,
    runs: Vec<Bytes>,
    chunks: Vec<TsChunk>,
    frames: Vec<Frame>,
}

impl Source {
    pub(crate) fn new(stream: Arc<Stream>, candidate: Arc<Candidate>) -> Self {
        let connection = stream.air().lock().connection(candidate.id().clone());
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
            discontinuities: 0,
            broken: false,
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
        self.candidate.received().clone()
    }

    /// Takes datagrams or messages of a transport stream, in any cut; one wake-up of the
    /// readers for all of them.
    pub fn push_ts(&mut self, data: impl IntoIterator<Item = Bytes>) {
        let now = Instant::now();
        let skipped = self.framer.skipped_bytes();
        for bytes in data {
            self.candidate.received().add(bytes.len());
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
        self.candidate.received().add(bytes);
        if !Arc::ptr_eq(&self.tracks, &last.tracks) {
            self.tracks = last.tracks.clone();
            self.unshown = true;
            self.candidate.note_tracks(&self.tracks);
            self.stream.announce_source(self.candidate.id());
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

    /// What was wrong with the timestamps of its frames so far, for who makes frames of what
    /// comes over a network. Those of packets are looked at here.
    pub fn note_stamps(&self, stamps: timeline::Counters) {
        self.candidate.note_stamps(stamps);
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
        let merge = self.stream.merge_of(self.candidate.id());
        let merged = merge.as_ref().and_then(|merge| {
            let path = merge.path(self.candidate.id())?;
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
        if std::mem::take(&mut self.broken) && airing {
            air.note_break();
        }
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
            let (stream, source) = (self.stream.name().clone(), self.candidate.id().clone());
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
        let skipped = self.framer.skipped_bytes();
        let broken = self.monitor.stamps().discontinuities;
        self.broken |= std::mem::replace(&mut self.discontinuities, broken) != broken;
        self.candidate
            .note_packets(&self.monitor, skipped, tracks_changed);
        for change in changes {
            self.announce_condition(change);
        }
        if !self.chunks.is_empty() {
            self.note_delivery(now);
        }
        if tracks_changed {
            self.stream.announce_source(self.candidate.id());
        }
    }

    /// At most once in [`media::ts::monitor::HOLD`] for each condition, whatever the peer sends.
    fn announce_condition(&self, reading: Reading) {
        let (stream, source) = (self.stream.name().clone(), self.candidate.id().clone());
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
        let before = self.candidate.note_pictures(pictures);
        if before != pictures {
            let (stream, source) = (self.stream.name(), self.candidate.id());
            tracing::warn!(%stream, %source, frozen = pictures.frozen, black = pictures.black, "pictures");
            self.stream.announce_source(self.candidate.id());
        }
    }

    fn note_delivery(&self, now: Instant) {
        if self.candidate.note_delivery(now) {
            self.stream.announce_source(self.candidate.id());
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        for reading in self.candidate.recover() {
            self.announce_condition(reading);
        }
        self.candidate.disconnect();
        self.stream.leave_merge(self.candidate.id());
        self.stream.announce_source(self.candidate.id());
    }
}

/// Logs what a converter had to leave out.
pub(crate) fn complain(stream: &Stream, converter: &mut impl Convert) {
    for complaint in converter.complaints() {
        tracing::warn!(stream = %stream.name(), "{complaint}");
    }
}
