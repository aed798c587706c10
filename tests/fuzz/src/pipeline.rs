//! A transport stream through everything that reads it, wired as the router wires it.

use bytes::Bytes;
use media::frame::Frame;
use media::hls::{Cutting, Segment, Segmenter, Variant, Window, WindowConfig};
use media::hls::{media_playlist, multivariant_playlist};
use media::ts::demux::Demuxer;
use media::ts::monitor::Monitor;
use media::ts::restamp::Restamper;
use media::ts::{PACKET_BYTES, mux};
use media::{Convert, Ticks90k, TsChunk, flv};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// However the clock of a source jumps, no more segments are listed.
const MOST_LISTED: usize = 64;

/// Readers of one transport stream.
pub struct Pipeline {
    monitor: Monitor,
    restamper: Restamper,
    demuxer: Demuxer,
    segmenter: Segmenter,
    window: Window,
    writers: Writers,
    now: SystemTime,
    epoch: u32,
}

/// Writers of frames, in the forms that leave the router.
#[derive(Default)]
pub struct Writers {
    ts: Option<mux::Muxer>,
    flv: flv::Muxer,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            monitor: Monitor::new(),
            restamper: Restamper::new(),
            demuxer: Demuxer::new(),
            segmenter: Segmenter::new(Cutting::every(Ticks90k(9_000))),
            window: Window::new(WindowConfig::default()),
            writers: Writers::default(),
            now: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            epoch: 0,
        }
    }
}

impl Pipeline {
    /// Another source follows; `marked` also for those who count epochs.
    pub fn splice(&mut self, first_dts: Option<u64>, marked: bool) {
        self.restamper.splice(first_dts);
        self.epoch += u32::from(marked);
    }

    /// Takes a run of whole packets.
    pub fn run(&mut self, run: Bytes) {
        assert_eq!(run.len() % PACKET_BYTES, 0);
        let len = run.len();
        let seen = self.monitor.inspect(&run);
        let data = self.restamper.restamp(run);
        assert_eq!(data.len(), len);
        let chunk = TsChunk {
            data,
            random_access: seen.random_access,
            epoch: self.epoch,
        };
        let (mut frames, mut segments) = (Vec::new(), Vec::new());
        self.demuxer.convert(self.now, &chunk, &mut frames);
        self.segmenter.convert(self.now, &chunk, &mut segments);
        self.now += Duration::from_millis(1);
        self.frames(frames);
        self.segments(segments);
    }

    /// The source is over.
    pub fn finish(mut self) {
        let mut frames = Vec::new();
        self.demuxer.finish(&mut frames);
        self.frames(frames);
        let segmenter = std::mem::replace(&mut self.segmenter, Segmenter::new(Cutting::default()));
        self.segments(segmenter.finish());
        assert!(self.demuxer.complaints().len() <= 64);
        if let Some(playlist) = media_playlist(&self.window, None, |one| one.sequence.to_string()) {
            assert!(playlist.starts_with("#EXTM3U\n"));
        }
        let variant = Variant::of(self.demuxer.tracks(), &self.window, "v.m3u8".to_owned());
        multivariant_playlist(&[variant], true);
    }

    fn frames(&mut self, frames: Vec<Frame>) {
        for frame in &frames {
            self.writers.frame(frame);
        }
    }

    fn segments(&mut self, segments: Vec<Segment>) {
        for segment in segments {
            assert!(segment.duration > Ticks90k::ZERO, "{:?}", segment.duration);
            assert_eq!(segment.data.len() % PACKET_BYTES, 0);
            self.window.push(segment);
            assert!(self.window.listed().count() <= MOST_LISTED);
        }
    }
}

impl Writers {
    /// Writes the frame in every form.
    pub fn frame(&mut self, frame: &Frame) {
        assert!(frame.pts >= frame.dts, "{frame:?}");
        assert!(frame.tracks.get(frame.track).is_some(), "{frame:?}");
        let now = UNIX_EPOCH;
        let (mut chunks, mut messages) = (Vec::new(), Vec::new());
        let ts = self
            .ts
            .get_or_insert_with(|| mux::Muxer::new("fuzz", "frames"));
        ts.convert(now, frame, &mut chunks);
        for chunk in &chunks {
            assert!(!chunk.data.is_empty() && chunk.data.len() <= 7 * PACKET_BYTES);
            assert_eq!(chunk.data.len() % PACKET_BYTES, 0);
        }
        self.flv.convert(now, frame, &mut messages);
        messages.extend(flv::preface(&frame.tracks, frame.dts, flv::Abilities::ALL));
        for message in &messages {
            assert_eq!(message.to_body().len(), message.body_bytes());
        }
    }
}
