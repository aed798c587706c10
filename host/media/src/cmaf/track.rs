//! One track's part in the making.

use super::chunk::{self, Sample};
use super::cue::Cue;
use super::event::Waiting;
use super::header::{Header, Rendition, track_number};
use super::packager::Packaging;
use crate::{Frame, Ticks90k, TrackId};
use bytes::Bytes;
use std::sync::Arc;
use std::time::SystemTime;

/// Added to every time: decoding times may lie a little below zero, `tfdt` may not.
pub(super) const ORIGIN: Ticks90k = Ticks90k(10 * 90_000);

/// A part holds no more, however little time it lasts.
const MAX_BYTES: usize = 8 << 20;
const MAX_SAMPLES: usize = 4_096;

/// A frame that comes so much later than expected leaves a gap; it does not stretch the one
/// before. Slow slide shows stay below it.
const MAX_STEP_S: u64 = 3;

/// One chunk of one track: `moof` and `mdat`, behind an `emsg` for each ID3 tag.
#[derive(Debug, Clone)]
pub struct Part {
    /// The tracks in force; compare by pointer.
    pub header: Arc<Header>,
    /// Which of them this is.
    pub track: TrackId,
    /// Ticks a second of `time` and `duration`.
    pub timescale: u32,
    /// Decoding time of the first sample, which is also the presentation time of the first
    /// picture shown (composition offsets are signed).
    pub time: u64,
    /// Until the next part's `time`, unless there is a gap.
    pub duration: u64,
    /// When `time` was, by the host's clock.
    pub at: SystemTime,
    /// A sample in it can be decoded without those before the part.
    pub independent: bool,
    /// The first sample is such a one, of the leading track: a player may begin here.
    pub random_access: bool,
    /// It is the last of its segment.
    pub ends_segment: bool,
    /// Breaks of the timeline and changes of the tracks so far.
    pub discontinuities: u64,
    /// Splices that were announced since the part before, of any track.
    pub cues: Vec<Cue>,
    /// The chunk.
    pub data: Bytes,
}

/// What all tracks of a stream share at one moment.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) header: Arc<Header>,
    pub(super) discontinuities: u64,
    /// Presentation time zero by the host's clock.
    pub(super) zero: SystemTime,
    /// `sequence_number` of the next chunk.
    pub(super) sequence: u32,
    /// What goes with the next parts.
    pub(super) waiting: Waiting,
}

/// A frame whose duration is known once the next one comes.
#[derive(Debug)]
struct Pending {
    time: u64,
    sample: Sample,
}

/// Gathers the frames of one track.
#[derive(Debug)]
pub(super) struct Assembler {
    track: TrackId,
    timescale: u32,
    leading: bool,
    /// Wanted duration of a part, in ticks.
    target: u64,
    /// Of the first picture: presentation minus decoding time. Decoding times are moved by it.
    delay: Option<Ticks90k>,
    open: Vec<Pending>,
    bytes: usize,
    /// How long a frame of sound lasts, where all last as long.
    nominal: Option<u64>,
    /// Duration of the last sample whose duration is known.
    step: u64,
    /// Presentation time of the cut that the next frame behind it makes.
    cut_at: Option<Ticks90k>,
    /// Where the segment began.
    began: Option<Ticks90k>,
    /// A segment that lasts so long ends even if the leading track makes no cut.
    max: Ticks90k,
}

impl Assembler {
    pub(super) fn new(rendition: &Rendition, leading: bool, packaging: Packaging) -> Self {
        let timescale = rendition.timescale;
        let usual = u64::from(timescale / if rendition.video.is_some() { 25 } else { 50 });
        Self {
            track: rendition.track,
            timescale,
            leading,
            target: scale(packaging.part, timescale).max(1),
            delay: None,
            open: Vec::new(),
            bytes: 0,
            nominal: rendition.frame_samples,
            step: rendition.frame_samples.unwrap_or(usual).max(1),
            cut_at: None,
            began: None,
            max: packaging.segment.max,
        }
    }

    pub(super) const fn track(&self) -> TrackId {
        self.track
    }

    /// The next frame at or behind `pts` begins a segment.
    pub(super) const fn cut_at(&mut self, pts: Ticks90k) {
        self.cut_at = Some(pts);
    }

    /// Takes a frame; what it completes goes to `out`.
    pub(super) fn push(&mut self, frame: &Frame, common: &mut Common, out: &mut Vec<Part>) {
        let delay = *self.delay.get_or_insert(frame.pts - frame.dts);
        let cut = self.is_cut_by(frame.pts);
        let mut time = scale(frame.dts + delay + ORIGIN, self.timescale);
        if let Some(last) = self.open.last() {
            time = self.settle(time, last.time);
            let gap = self.lengthen_last(time);
            if cut || gap || self.is_full() {
                self.close(cut, common, out);
            }
        }
        let shown = scale(frame.pts + ORIGIN, self.timescale);
        let composition = i64::try_from(shown).unwrap_or(0) - i64::try_from(time).unwrap_or(0);
        self.bytes += frame.payload.len();
        self.open.push(Pending {
            time,
            sample: Sample {
                payload: frame.payload.clone(),
                duration: 0,
                // Sound is shown as it is decoded; rounding must not say otherwise.
                composition: if delay == Ticks90k::ZERO && frame.pts == frame.dts {
                    0
                } else {
                    i32::try_from(composition).unwrap_or(0)
                },
                sync: frame.random_access || !self.is_video(common),
            },
        });
    }

    fn is_cut_by(&mut self, pts: Ticks90k) -> bool {
        let began = *self.began.get_or_insert(pts);
        let cut = self.cut_at.take_if(|at| pts >= *at).is_some();
        let cut = cut || (!self.leading && pts - began >= self.max);
        if cut {
            self.began = Some(pts);
        }
        cut
    }

    /// Closes the open part: the timeline breaks here, or the tracks change.
    pub(super) fn flush(&mut self, common: &mut Common, out: &mut Vec<Part>) {
        let step = self.step;
        if let Some(last) = self.open.last_mut() {
            last.sample.duration = u32::try_from(step).unwrap_or(u32::MAX);
            self.close(true, common, out);
        }
        self.delay = None;
        self.cut_at = None;
        self.began = None;
    }

    fn is_video(&self, common: &Common) -> bool {
        let rendition = common.header.rendition(self.track);
        rendition.is_some_and(|it| it.video.is_some())
    }

    /// Stamps of RTMP are rounded to milliseconds: sound that is nearly where the frame before it
    /// ends is there. And time never goes back.
    fn settle(&self, time: u64, last: u64) -> u64 {
        let near = u64::from(self.timescale / 100);
        let expected = self.nominal.map(|nominal| last + nominal);
        let expected = expected.filter(|expected| time.abs_diff(*expected) <= near);
        expected.unwrap_or(time).max(last + 1)
    }

    /// Gives the newest sample its duration; whether a gap follows it.
    fn lengthen_last(&mut self, time: u64) -> bool {
        let Some(last) = self.open.last_mut() else {
            return false;
        };
        let step = time - last.time;
        let gap = step > MAX_STEP_S * u64::from(self.timescale) && step > 2 * self.step;
        if !gap {
            self.step = step;
        }
        last.sample.duration = u32::try_from(self.step).unwrap_or(u32::MAX);
        gap
    }

    /// One more frame would bring the part further from its wanted duration than it is.
    fn is_full(&self) -> bool {
        self.duration() + self.step / 2 >= self.target
            || self.bytes >= MAX_BYTES
            || self.open.len() >= MAX_SAMPLES
    }

    fn duration(&self) -> u64 {
        let durations = self.open.iter().map(|it| u64::from(it.sample.duration));
        durations.sum()
    }

    fn close(&mut self, ends_segment: bool, common: &mut Common, out: &mut Vec<Part>) {
        let Some(first) = self.open.first() else {
            return;
        };
        let (time, starts) = (first.time, first.sample.sync);
        let duration = self.duration();
        let samples: Vec<_> = self.open.drain(..).map(|pending| pending.sample).collect();
        self.bytes = 0;
        common.sequence = common.sequence.wrapping_add(1);
        let number = track_number(self.track);
        let mut before = Vec::new();
        if self.leading {
            common.waiting.write_tags(&mut before);
        }
        out.push(Part {
            header: common.header.clone(),
            track: self.track,
            timescale: self.timescale,
            time,
            duration,
            at: wall(common.zero, time, self.timescale),
            independent: samples.iter().any(|sample| sample.sync),
            random_access: self.leading && starts,
            ends_segment,
            discontinuities: common.discontinuities,
            cues: common.waiting.take_cues(common.zero),
            data: chunk::write(before, common.sequence, number, time, &samples),
        });
    }
}

/// Where presentation time zero of the packager's own clock lies, if `pts` is now.
pub(super) fn zero_of(now: SystemTime, pts: Ticks90k) -> SystemTime {
    let behind = (pts + ORIGIN).as_duration();
    now.checked_sub(behind).unwrap_or(now)
}

fn wall(zero: SystemTime, time: u64, timescale: u32) -> SystemTime {
    let scale = u64::from(timescale.max(1));
    let nanos = (time % scale) * 1_000_000_000 / scale;
    let after = std::time::Duration::new(time / scale, nanos as u32);
    zero.checked_add(after).unwrap_or(zero)
}

/// From 90 kHz, rounded; 0 below the origin.
fn scale(time: Ticks90k, timescale: u32) -> u64 {
    let ticks = u128::try_from(time.0).unwrap_or(0);
    ((ticks * u128::from(timescale) + 45_000) / 90_000) as u64
}
