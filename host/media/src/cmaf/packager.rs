//! From access units to parts.

use super::event::Waiting;
use super::header::{Header, is_carried};
use super::track::{Assembler, Common, Part, zero_of};
use crate::hls::Cutting;
use crate::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A source's clock may run away from the host's by so much before segments are dated anew.
const MAX_DRIFT: Duration = Duration::from_millis(500);

/// Different complaints in the life of a packager.
const MAX_COMPLAINTS: usize = 32;

/// How long parts and segments are.
#[derive(Debug, Clone, Copy)]
pub struct Packaging {
    /// Wanted duration of a part: 100 ms to 1 s.
    pub part: Ticks90k,
    /// Where segments end.
    pub segment: Cutting,
}

impl Default for Packaging {
    /// Parts of 200 ms, segments of 2 s.
    fn default() -> Self {
        Self {
            part: Ticks90k::from_ms(200),
            segment: Cutting::default(),
        }
    }
}

/// Packs access units. Begins at the first random access point of the leading track, the video if
/// there is one. A part ends when the next frame of its track is known to begin another.
///
/// A break of the timeline, or other tracks, end all open parts and segments; what follows has a
/// new [`Header`] only if the tracks really changed.
#[derive(Debug)]
pub struct Packager {
    packaging: Packaging,
    tracks: Arc<Tracks>,
    epoch: u32,
    common: Common,
    assemblers: Vec<Assembler>,
    leader: Option<TrackId>,
    /// Where the leading track's segment began, and its bytes; `None` before the first.
    segment: Option<(Ticks90k, usize)>,
    /// The earliest zero seen since segments were last dated: the frame that came fastest.
    earliest_zero: Option<SystemTime>,
    /// A segment was cut since the last break: dates hold for whole segments now.
    dated: bool,
    said: HashSet<String>,
    complaints: Vec<String>,
}

impl Packager {
    /// Waits for the first frame.
    pub fn new(packaging: Packaging) -> Self {
        let packaging = Packaging {
            part: packaging
                .part
                .clamp(Ticks90k::from_ms(100), Ticks90k::SECOND),
            ..packaging
        };
        let tracks = Arc::<Tracks>::default();
        Self {
            packaging,
            epoch: 0,
            common: Common {
                header: Arc::new(Header::of(&tracks)),
                discontinuities: 0,
                zero: SystemTime::UNIX_EPOCH,
                sequence: 0,
                waiting: Waiting::default(),
            },
            tracks,
            assemblers: Vec::new(),
            leader: None,
            segment: None,
            earliest_zero: None,
            dated: false,
            said: HashSet::new(),
            complaints: Vec::new(),
        }
    }

    /// Ends the stream: yields what is held.
    pub fn finish(mut self) -> Vec<Part> {
        let mut out = Vec::new();
        self.flush(&mut out);
        out
    }

    fn follow_tracks(&mut self, frame: &Frame, out: &mut Vec<Part>) {
        if Arc::ptr_eq(&self.tracks, &frame.tracks) {
            return;
        }
        let before = std::mem::replace(&mut self.tracks, frame.tracks.clone());
        for track in frame.tracks.list.iter().filter(|it| !has_a_place(it)) {
            let name = track.codec.name();
            self.complain(format!(
                "{name} has no place in CMAF; its track is left out"
            ));
        }
        // Metadata comes and goes; what has decoders is not to be broken off for it.
        if carried(&before).eq(carried(&self.tracks)) {
            return;
        }
        self.break_off(out);
        self.common.header = Arc::new(Header::of(&self.tracks));
        let header = self.common.header.clone();
        self.leader = header.leader().map(|leader| leader.track);
        let packaging = self.packaging;
        let assemblers = header.renditions.iter().map(|rendition| {
            Assembler::new(rendition, Some(rendition.track) == self.leader, packaging)
        });
        self.assemblers = assemblers.collect();
    }

    fn follow_epoch(&mut self, frame: &Frame, out: &mut Vec<Part>) {
        // A straggler of the epoch before, from a track that is interleaved later, breaks nothing.
        let ahead = frame.epoch.wrapping_sub(self.epoch);
        if ahead != 0 && ahead < u32::MAX / 2 {
            self.epoch = frame.epoch;
            self.break_off(out);
        }
    }

    fn break_off(&mut self, out: &mut Vec<Part>) {
        if self.flush(out) {
            self.common.discontinuities += 1;
        }
        self.segment = None;
        self.earliest_zero = None;
        self.dated = false;
    }

    /// Whether there was anything before.
    fn flush(&mut self, out: &mut Vec<Part>) -> bool {
        for assembler in &mut self.assemblers {
            assembler.flush(&mut self.common, out);
        }
        self.segment.is_some()
    }

    /// Decides whether a segment begins with this frame of the leading track.
    fn lead(&mut self, now: SystemTime, frame: &Frame) {
        let zero = zero_of(now, frame.pts);
        let earliest = self.earliest_zero.map_or(zero, |known| known.min(zero));
        self.earliest_zero = Some(earliest);
        let size = frame.payload.len();
        let Some((start, bytes)) = &mut self.segment else {
            if frame.random_access {
                self.segment = Some((frame.pts, size));
                self.common.zero = earliest;
            }
            return;
        };
        let cutting = self.packaging.segment;
        let lasted = frame.pts - *start;
        let due = frame.random_access && lasted.0 >= cutting.target.0 / 10 * 9;
        if due || lasted >= cutting.max || *bytes >= cutting.max_bytes {
            self.segment = Some((frame.pts, size));
            self.date(earliest);
            for assembler in &mut self.assemblers {
                assembler.cut_at(frame.pts);
            }
        } else {
            *bytes += size;
            // What was held for a new reader comes all at once, and only its end is on time.
            if !self.dated {
                self.common.zero = earliest;
            }
        }
    }

    /// Keeps the dates of segments true to the host's clock, without making them jitter.
    fn date(&mut self, earliest: SystemTime) {
        self.dated = true;
        let zero = self.common.zero;
        let late = earliest.duration_since(zero).unwrap_or_default();
        if earliest < zero || late > MAX_DRIFT {
            self.common.zero = earliest;
        }
        self.earliest_zero = None;
    }

    fn complain(&mut self, complaint: String) {
        if self.said.len() < MAX_COMPLAINTS && self.said.insert(complaint.clone()) {
            self.complaints.push(complaint);
        }
    }
}

fn carried(tracks: &Tracks) -> impl Iterator<Item = &Track> {
    tracks.list.iter().filter(|it| is_carried(it))
}

/// In parts, or beside them.
fn has_a_place(track: &Track) -> bool {
    is_carried(track) || matches!(track.codec, Codec::Scte35 | Codec::Id3)
}

impl Convert for Packager {
    type In = Frame;
    type Out = Part;

    fn convert(&mut self, now: SystemTime, frame: &Frame, out: &mut Vec<Part>) {
        self.follow_tracks(frame, out);
        self.follow_epoch(frame, out);
        if Some(frame.track) == self.leader {
            self.lead(now, frame);
        }
        if self.segment.is_none() {
            return;
        }
        match frame.tracks.get(frame.track).map(|track| &track.codec) {
            Some(Codec::Scte35) => return self.common.waiting.splice(frame),
            Some(Codec::Id3) => return self.common.waiting.tag(frame),
            _ => {}
        }
        let mut assemblers = self.assemblers.iter_mut();
        if let Some(assembler) = assemblers.find(|it| it.track() == frame.track) {
            assembler.push(frame, &mut self.common, out);
        }
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}
