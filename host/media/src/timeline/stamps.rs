//! The stamps of one source.

use super::decoding::Decoding;
use super::{Correction, Drift, Repaired, Timeline, Unwrap};
use crate::frame::Medium;
use crate::{Codec, Ticks90k, TrackId};
use std::collections::BTreeMap;

/// Presentation further from decoding than this is a mistake.
const MAX_REORDER: i64 = 10 * 90_000;

/// What was wrong with the stamps of a source so far, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Jumps of its time, of all tracks together or of one alone.
    pub jumps: u64,
    /// Turns of its clock's limited width; nobody sees them.
    pub wraps: u64,
    /// Pictures whose decoding time was made, since they came without one that can be.
    pub repaired_dts: u64,
    /// How often sound was found to drift from pictures.
    pub drifts: u64,
    /// By how much sound is moved now to stay beside them, in milliseconds; negative: back.
    pub drift_ms: i64,
    /// Marked discontinuities: jumps, and sound that drifted too fast to be followed.
    pub discontinuities: u64,
}

/// The stamps of an access unit, as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Of all tracks that share the clock.
    pub track: TrackId,
    /// What it is; metadata has no place here.
    pub medium: Medium,
    /// Decoding time, in units and width of the clock.
    pub dts: u64,
    /// Presentation time, the same.
    pub pts: u64,
    /// Decoding may begin with it.
    pub random_access: bool,
}

/// An access unit's place on the continuous timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Decoding time.
    pub dts: Ticks90k,
    /// Presentation time; at least `dts`.
    pub pts: Ticks90k,
    /// As [`crate::Frame::epoch`].
    pub epoch: u32,
}

/// Makes the stamps of one source's tracks, which share a clock, those of a continuous timeline;
/// and counts what had to be done for it.
#[derive(Debug)]
pub struct Stamps {
    clock: Unwrap,
    /// Ticks of 90 kHz in one of the clock's units.
    scale: i64,
    /// Sound is held against the stamps of pictures, for want of a clock beside them.
    by_pictures: bool,
    timeline: Timeline,
    pictures: BTreeMap<TrackId, Decoding>,
    drift: Drift,
    jumps: u64,
    repaired_dts: u64,
    /// By drift.
    breaks: u64,
}

impl Stamps {
    /// 33 bits of 90 kHz, with a PCR beside them ([`Stamps::pcr`]).
    pub fn mpeg_ts() -> Self {
        Self::of(Unwrap::mpeg_ts(), 1, false)
    }

    /// 32 bits of milliseconds, as RTMP and FLV have them.
    pub fn ms32() -> Self {
        Self::of(Unwrap::ms32(), 90, true)
    }

    fn of(clock: Unwrap, scale: i64, by_pictures: bool) -> Self {
        Self {
            clock,
            scale,
            by_pictures,
            timeline: Timeline::default(),
            pictures: BTreeMap::new(),
            drift: Drift::default(),
            jumps: 0,
            repaired_dts: 0,
            breaks: 0,
        }
    }

    /// What a track's pictures are coded with, which tells how they are ordered.
    pub fn configure(&mut self, track: TrackId, codec: &Codec) {
        if codec.is_video() {
            self.decoding(track).configure(codec);
        }
    }

    /// The next access unit, in decoding order within its track.
    pub fn place(&mut self, unit: &Unit) -> Placed {
        let dts = self.clock.unwrap(unit.dts);
        // Reordering is far below half a turn: the nearest value is the right one.
        let ahead = (self.clock.peek(unit.pts) - dts).saturating_mul(self.scale);
        let dts = Ticks90k(dts.saturating_mul(self.scale));
        let pts = match ahead.abs() <= MAX_REORDER {
            true => dts + Ticks90k(ahead),
            false => dts,
        };
        let decoded = match unit.medium {
            Medium::Video => self.decode(unit, dts, pts),
            Medium::Audio | Medium::Data => dts,
        };
        let before = self.timeline.epoch();
        let placed = self.timeline.repair(unit.track, decoded);
        self.jumps += u64::from(placed.epoch.wrapping_sub(before).cast_signed() > 0);
        self.hold_together(unit, placed);
        Placed {
            dts: placed.time,
            pts: (pts + placed.offset).max(placed.time),
            epoch: placed.epoch,
        }
    }

    /// The program clock (ISO/IEC 13818-1 §2.4.3.5) is here.
    pub fn pcr(&mut self, base: u64) {
        let time = Ticks90k(self.clock.peek(base));
        if let Some(at) = self.timeline.locate(time) {
            self.drift.reference(at.time, at.epoch);
        }
    }

    /// What comes now is another source's, whose time goes on where the last one's ended.
    pub fn another_source(&mut self) {
        self.timeline.forget_tracks();
        self.drift.restart();
        self.pictures.clear();
    }

    /// The place of a stamp that is to move nothing; as [`Timeline::locate`].
    pub fn locate(&self, stamp: u64) -> Option<Repaired> {
        let time = self.clock.peek(stamp).saturating_mul(self.scale);
        self.timeline.locate(Ticks90k(time))
    }

    /// As [`Timeline::now`].
    pub fn now(&self) -> Option<Repaired> {
        self.timeline.now()
    }

    /// As of now.
    pub fn counters(&self) -> Counters {
        Counters {
            jumps: self.jumps,
            wraps: self.clock.turns(),
            repaired_dts: self.repaired_dts,
            drifts: self.drift.drifts(),
            drift_ms: self.drift.moved().as_ms(),
            discontinuities: self.jumps + self.breaks,
        }
    }

    fn decode(&mut self, unit: &Unit, dts: Ticks90k, pts: Ticks90k) -> Ticks90k {
        let decoding = self.decoding(unit.track);
        let decoded = decoding.place(dts, pts, unit.random_access);
        self.repaired_dts += u64::from(decoded != dts);
        decoded
    }

    fn decoding(&mut self, track: TrackId) -> &mut Decoding {
        self.pictures.entry(track).or_default()
    }

    fn hold_together(&mut self, unit: &Unit, placed: Repaired) {
        match unit.medium {
            Medium::Video if self.by_pictures => self.drift.reference(placed.time, placed.epoch),
            Medium::Audio => match self.drift.sound(unit.track, placed) {
                Some(Correction::Slew(by)) => self.timeline.shift(unit.track, by),
                Some(Correction::Break(by)) => {
                    self.timeline.shift_marked(unit.track, by);
                    self.breaks += 1;
                }
                None => {}
            },
            Medium::Video | Medium::Data => {}
        }
    }
}
