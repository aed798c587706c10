//! Derived lanes: made by one converter on first demand, shared by every reader, dropped
//! when idle.

use crate::forms::{Form, Fragment, RtmpMessage, RtpPackets, Segment};
use crate::lane::{Bounds, Item, Lane, ReadError, Reader, Start};
use crate::source::complain;
use crate::stream::Stream;
use media::{Convert, Frame, TsChunk};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A converter nobody reads from ends after this long.
const IDLE: Duration = Duration::from_secs(10);

/// How long items that can wait are kept back for one that cannot. For hundreds of players it is
/// wake-ups and writes that cost: sound that leaves with the next picture saves a third of them.
const HOLD: Duration = Duration::from_millis(20);

/// How long frames are held beyond the newest group of pictures.
const FRAME_AGE: Duration = Duration::from_millis(250);

/// Items a converter takes at a time.
const BATCH: usize = 256;

/// A lane and whether something writes it.
pub(crate) struct Slot<T: Item> {
    pub(crate) lane: Lane<T>,
    /// Held while a reader joins or a converter leaves, so that no reader is left behind.
    running: Mutex<bool>,
}

impl<T: Item> Slot<T> {
    pub(crate) fn new(lane: Lane<T>) -> Self {
        Self {
            lane,
            running: Mutex::new(false),
        }
    }

    /// A reader; `start_converter` is called if none runs and one is needed.
    fn subscribe(&self, start: Start, start_converter: impl FnOnce() -> bool) -> Reader<T> {
        let mut running = self.running.lock();
        let reader = self.lane.subscribe(start);
        if !*running {
            *running = start_converter();
        }
        reader
    }

    /// Starts the converter for readers that came before there was anything to convert.
    fn catch_up(&self, start_converter: impl FnOnce() -> bool) {
        let mut running = self.running.lock();
        if !*running && self.lane.readers() > 0 {
            *running = start_converter();
        }
    }

    /// Whether the converter may stop; then the slot is free for a new one.
    fn release_if_idle(&self) -> bool {
        let mut running = self.running.lock();
        let idle = self.lane.readers() == 0;
        if idle {
            *running = false;
            self.lane.clear();
        }
        idle
    }
}

/// The lanes of a stream.
pub(crate) struct Lanes {
    pub(crate) ts: Slot<TsChunk>,
    pub(crate) frames: Slot<Frame>,
    rtmp: Slot<RtmpMessage>,
    rtp: Slot<RtpPackets>,
    hls: Slot<Segment>,
    cmaf: Slot<Fragment>,
}

impl Lanes {
    pub(crate) fn new(bounds: Bounds, segment_bounds: Bounds) -> Self {
        // Only converters read frames, and those keep up: what peers that fall behind have
        // still to be sent is in the lanes that peers read.
        let frame_bounds = Bounds {
            age: bounds.age.min(FRAME_AGE),
            ..bounds
        };
        Self {
            ts: Slot::new(Lane::new(bounds)),
            frames: Slot::new(Lane::new(frame_bounds)),
            rtmp: Slot::new(Lane::new(bounds)),
            rtp: Slot::new(Lane::new(bounds)),
            hls: Slot::new(Lane::new(segment_bounds)),
            cmaf: Slot::new(Lane::new(bounds)),
        }
    }

    pub(crate) fn close(&self) {
        self.ts.lane.close();
        self.frames.lane.close();
        self.rtmp.lane.close();
        self.rtp.lane.close();
        self.hls.lane.close();
        self.cmaf.lane.close();
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.ts.lane.held_bytes()
            + self.frames.lane.held_bytes()
            + self.rtmp.lane.held_bytes()
            + self.rtp.lane.held_bytes()
            + self.hls.lane.held_bytes()
            + self.cmaf.lane.held_bytes()
    }
}

impl Stream {
    /// Whole transport packets.
    pub fn read_ts(self: &Arc<Self>, start: Start) -> Reader<TsChunk> {
        self.lanes().ts.subscribe(start, || self.start_ts())
    }

    /// Access units.
    pub fn read_frames(self: &Arc<Self>, start: Start) -> Reader<Frame> {
        self.lanes().frames.subscribe(start, || self.start_frames())
    }

    /// RTMP messages in wire form.
    pub fn read_rtmp(self: &Arc<Self>, start: Start) -> Reader<RtmpMessage> {
        self.lanes().rtmp.subscribe(start, || self.start_rtmp())
    }

    /// RTP packets in wire form.
    pub fn read_rtp(self: &Arc<Self>, start: Start) -> Reader<RtpPackets> {
        self.lanes().rtp.subscribe(start, || self.start_rtp())
    }

    /// HLS segments.
    pub fn read_segments(self: &Arc<Self>, start: Start) -> Reader<Segment> {
        self.lanes().hls.subscribe(start, || self.start_segments())
    }

    /// CMAF parts, of all tracks in the order they are made.
    pub fn read_fragments(self: &Arc<Self>, start: Start) -> Reader<Fragment> {
        self.lanes()
            .cmaf
            .subscribe(start, || self.start_fragments())
    }

    /// Called once, when the native form is first known.
    pub(crate) fn serve_waiting_readers(self: &Arc<Self>) {
        let lanes = self.lanes();
        lanes.ts.catch_up(|| self.start_ts());
        lanes.frames.catch_up(|| self.start_frames());
    }

    fn start_ts(self: &Arc<Self>) -> bool {
        self.form() == Some(Form::Frames)
            && self.run(self.muxer(), Self::read_frames, |lanes| &lanes.ts)
    }

    fn start_frames(self: &Arc<Self>) -> bool {
        self.form() == Some(Form::Ts)
            && self.run(media::ts::demux::Demuxer::new(), Self::read_ts, |lanes| {
                &lanes.frames
            })
    }

    fn start_rtmp(self: &Arc<Self>) -> bool {
        self.run(
            crate::rtmp_form::Encoder::default(),
            Self::read_frames,
            |lanes| &lanes.rtmp,
        )
    }

    fn start_rtp(self: &Arc<Self>) -> bool {
        self.run(
            crate::rtp_form::Encoder::new(self.name()),
            Self::read_frames,
            |lanes| &lanes.rtp,
        )
    }

    fn start_segments(self: &Arc<Self>) -> bool {
        let segmenter = crate::segment_form::Segments::new(self.settings().segments);
        self.run(segmenter, Self::read_ts, |lanes| &lanes.hls)
    }

    fn start_fragments(self: &Arc<Self>) -> bool {
        let settings = self.settings();
        let packager = media::cmaf::Packager::new(media::cmaf::Packaging {
            part: settings.part,
            segment: settings.segments,
        });
        self.run(packager, Self::read_frames, |lanes| &lanes.cmaf)
    }

    /// Runs a converter as a task of this stream; always true: it runs now.
    fn run<C>(
        self: &Arc<Self>,
        converter: C,
        read: fn(&Arc<Self>, Start) -> Reader<C::In>,
        slot: fn(&Lanes) -> &Slot<C::Out>,
    ) -> bool
    where
        C: Convert + Send + 'static,
        C::In: Item,
        C::Out: Item,
    {
        let stream = self.clone();
        self.spawn(async move {
            let source = read(&stream, Start::RandomAccess);
            convert(&stream, converter, source, slot(stream.lanes())).await;
        });
        true
    }
}

/// What a converter made and has not yet passed on.
struct Made<T> {
    items: Vec<T>,
    /// When the first of them was made.
    since: Option<Instant>,
}

impl<T: Item> Made<T> {
    /// How long there is nothing to do unless more is made.
    fn patience(&self, now: Instant) -> Duration {
        self.since
            .map_or(IDLE, |since| (since + HOLD).saturating_duration_since(now))
    }

    /// Passes everything on, unless all of it can wait and has not waited long.
    fn pass_on(&mut self, now: Instant, lane: &Lane<T>) {
        if self.items.is_empty() {
            return;
        }
        let since = *self.since.get_or_insert(now);
        if now < since + HOLD && self.items.iter().all(Item::can_wait) {
            return;
        }
        lane.push(now, self.items.drain(..));
        self.since = None;
    }
}

async fn convert<C>(
    stream: &Stream,
    mut converter: C,
    mut source: Reader<C::In>,
    slot: &Slot<C::Out>,
) where
    C: Convert,
    C::In: Item,
    C::Out: Item,
{
    let mut batch = Vec::with_capacity(BATCH);
    let mut made = Made {
        items: Vec::new(),
        since: None,
    };
    let mut last_read = Instant::now();
    loop {
        let patience = made.patience(Instant::now());
        match tokio::time::timeout(patience, source.recv_many(&mut batch, BATCH)).await {
            Ok(Ok(_)) => {
                let wall = SystemTime::now();
                for item in batch.drain(..) {
                    converter.convert(wall, &item, &mut made.items);
                }
                complain(stream, &mut converter);
            }
            Ok(Err(ReadError::Lagged(lost))) => {
                tracing::warn!(stream = %stream.name(), lost, "a converter was overtaken; this host is overloaded");
            }
            Ok(Err(ReadError::Closed)) => {
                slot.lane.push(Instant::now(), made.items);
                return slot.lane.close();
            }
            Err(_) => {}
        }
        made.pass_on(Instant::now(), &slot.lane);
        if slot.lane.readers() > 0 {
            last_read = Instant::now();
        } else if last_read.elapsed() >= IDLE && slot.release_if_idle() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Unit {
        Sound,
        Picture,
    }

    impl Item for Unit {
        fn bytes(&self) -> usize {
            1
        }
        fn random_access(&self) -> bool {
            false
        }
        fn can_wait(&self) -> bool {
            *self == Self::Sound
        }
    }

    #[test]
    fn sound_leaves_with_the_next_picture_and_never_waits_longer_than_the_hold() {
        let lane = Lane::new(Bounds::default());
        let mut reader = lane.subscribe(Start::Live);
        let mut made = Made {
            items: vec![Unit::Sound],
            since: None,
        };
        let t0 = Instant::now();
        let mut out = Vec::new();

        made.pass_on(t0, &lane);
        assert_eq!(reader.try_recv_many(&mut out, 9), Ok(0));
        let later = t0 + HOLD / 4;
        assert_eq!(made.patience(later), HOLD * 3 / 4);
        made.items.push(Unit::Picture);
        made.pass_on(later, &lane);
        assert_eq!(reader.try_recv_many(&mut out, 9), Ok(2));
        assert_eq!(out, [Unit::Sound, Unit::Picture]);
        assert_eq!(made.patience(later), IDLE);

        made.items.push(Unit::Sound);
        made.pass_on(t0, &lane);
        made.pass_on(t0 + HOLD, &lane);
        assert_eq!(reader.try_recv_many(&mut out, 9), Ok(1));
    }
}
