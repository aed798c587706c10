//! What one publisher sends, over however many requests.

use super::Settings;
use bytes::Bytes;
use hub::{Meter, Source};
use media::frame::Video;
use media::jpeg::Picture;
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use model::StreamName;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio_util::sync::CancellationToken;

/// How far a publisher may be ahead of its rate: pictures that a network held up come at once.
const BURST: Duration = Duration::from_millis(250);

/// What tells publishers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) address: IpAddr,
    /// Of user and token.
    pub(super) shown: u64,
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It went to the stream.
    Taken,
    /// It was above the rate.
    TooFast,
    /// The publisher was let go.
    Gone,
}

/// One publisher.
pub(super) struct Publication {
    name: StreamName,
    pub(super) key: Key,
    since: Instant,
    since_wall: SystemTime,
    interval: Duration,
    traffic: Arc<Meter>,
    state: Mutex<State>,
    gone: CancellationToken,
}

struct State {
    /// None once it was let go.
    source: Option<Source>,
    tracks: Arc<Tracks>,
    /// The size that `tracks` tell.
    video: Option<Video>,
    clock: Ticks90k,
    /// When the next picture is due by the rate.
    due: Instant,
    last: Instant,
    counted: Counted,
}

/// What was counted of a publisher.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) frames: u64,
    pub(super) bytes: u64,
    /// Above the rate, and so left out.
    pub(super) too_fast: u64,
    pub(super) video: Option<Video>,
    pub(super) last_frame: Option<SystemTime>,
    pub(super) fps_milli: u32,
    sample: Option<(Instant, u64)>,
}

impl Publication {
    pub(super) fn new(key: Key, source: Source, settings: &Settings, now: Instant) -> Arc<Self> {
        Arc::new(Self {
            name: source.stream().name().clone(),
            key,
            since: now,
            since_wall: SystemTime::now(),
            interval: Duration::from_secs(1) / settings.max_fps.max(1),
            traffic: source.traffic(),
            state: Mutex::new(State {
                source: Some(source),
                tracks: Arc::default(),
                video: None,
                clock: Ticks90k(-1),
                due: now,
                last: now,
                counted: Counted::default(),
            }),
            gone: CancellationToken::new(),
        })
    }

    /// The stream it feeds.
    pub(super) const fn name(&self) -> &StreamName {
        &self.name
    }

    /// Since when, by both clocks.
    pub(super) const fn since(&self) -> (Instant, SystemTime) {
        (self.since, self.since_wall)
    }

    /// What counts the bytes received.
    pub(super) fn traffic(&self) -> Arc<Meter> {
        self.traffic.clone()
    }

    pub(super) fn counted(&self, now: Instant) -> Counted {
        let mut state = self.state.lock();
        state.counted.sample(now);
        state.counted
    }

    /// For how long nothing has come.
    pub(super) fn idle_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.state.lock().last)
    }

    /// Resolves once nothing has come for `idle`.
    pub(super) async fn idle(&self, idle: Duration) {
        loop {
            let silent = self.idle_for(Instant::now());
            if silent >= idle {
                return;
            }
            tokio::time::sleep(idle - silent).await;
        }
    }

    /// Passes a picture to the stream. Its time is that of its arrival: JPEG has none.
    pub(super) fn push(&self, now: Instant, picture: &Picture, data: Bytes) -> Pushed {
        let mut state = self.state.lock();
        let State { source, due, .. } = &mut *state;
        if source.is_none() {
            return Pushed::Gone;
        }
        if due.saturating_duration_since(now) > BURST {
            state.last = now;
            state.counted.too_fast += 1;
            return Pushed::TooFast;
        }
        *due = (*due).max(now) + self.interval;
        let frame = state.frame(now.saturating_duration_since(self.since), picture, data);
        state.last = now;
        state.counted.frames += 1;
        state.counted.bytes += frame.payload.len() as u64;
        state.counted.video = Some(picture.video);
        state.counted.last_frame = Some(SystemTime::now());
        state.counted.sample(now);
        if let Some(source) = &mut state.source {
            source.push_frames([frame]);
        }
        Pushed::Taken
    }

    /// Lets the publisher go; its stream has no source until it comes again.
    pub(super) fn close(&self) {
        let source = self.state.lock().source.take();
        // Not under the lock: that it leaves is announced.
        drop(source);
        self.gone.cancel();
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// Resolves once it was let go.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }
}

impl State {
    fn frame(&mut self, at: Duration, picture: &Picture, payload: Bytes) -> Frame {
        let track = TrackId(0);
        if self.video != Some(picture.video) {
            self.video = Some(picture.video);
            let codec = Codec::Mjpeg {
                video: picture.video,
            };
            let list = vec![Track {
                id: track,
                codec,
                language: None,
            }];
            self.tracks = Arc::new(Tracks { list });
        }
        let ticks = i64::try_from(at.as_micros() * 9 / 100).unwrap_or(i64::MAX);
        // Two within one tick are still one behind the other.
        self.clock = Ticks90k(ticks.max(self.clock.0.saturating_add(1)));
        Frame {
            tracks: self.tracks.clone(),
            track,
            dts: self.clock,
            pts: self.clock,
            random_access: true,
            epoch: 0,
            payload,
        }
    }
}

impl Counted {
    /// The rate over the last second or two.
    fn sample(&mut self, now: Instant) {
        let (since, before) = *self.sample.get_or_insert((now, self.frames));
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Duration::from_secs(1) {
            let rate = (self.frames - before) as f64 * 1000.0 / elapsed.as_secs_f64();
            self.fps_milli = rate as u32;
            self.sample = Some((now, self.frames));
        }
    }
}
