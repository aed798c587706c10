//! Wire clocks made continuous: [`Unwrap`] undoes wraps, [`Timeline`] repairs jumps.
//!
//! Both only compute offsets; the caller applies them to frames or to transport packets.

use crate::Ticks90k;

/// Ticks in one turn of the 33-bit 90 kHz clock of MPEG-TS (ISO/IEC 13818-1 §2.4.3.7).
pub const TS_WRAP: i64 = 1 << 33;

/// Undoes the wraps of a clock of limited width.
///
/// Each value is taken as the one nearest to the value before it, so steps back within half a
/// turn (B-frames, interleaving) stay steps back.
#[derive(Debug, Clone)]
pub struct Unwrap {
    turn: i64,
    last: Option<i64>,
}

impl Unwrap {
    /// For 33-bit PTS, DTS and PCR bases, in 90 kHz ticks.
    pub const fn mpeg_ts() -> Self {
        Self {
            turn: TS_WRAP,
            last: None,
        }
    }

    /// For 32-bit millisecond timestamps (RTMP, FLV); yields milliseconds.
    pub const fn ms32() -> Self {
        Self {
            turn: 1 << 32,
            last: None,
        }
    }

    /// The unwrapped value of `wire`; bits above the clock's width are ignored.
    ///
    /// The first value is taken as it is.
    pub fn unwrap(&mut self, wire: u64) -> i64 {
        let value = self.peek(wire);
        self.last = Some(value);
        value
    }

    /// As [`Unwrap::unwrap`], without moving the reference: for a PTS beside its DTS.
    pub fn peek(&self, wire: u64) -> i64 {
        // Both turns are powers of two, far below 2^63: neither the cast nor the sums overflow.
        let wire = (wire & (self.turn as u64 - 1)) as i64;
        let Some(last) = self.last else { return wire };
        let ahead = (wire - last).rem_euclid(self.turn);
        let step = if ahead >= self.turn / 2 {
            ahead - self.turn
        } else {
            ahead
        };
        last.saturating_add(step)
    }
}

/// What counts as a break of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A step forward beyond this is a jump.
    pub forward: Ticks90k,
    /// A step back beyond this is a restart; interleaved tracks and reordering stay below it.
    pub backward: Ticks90k,
}

impl Default for Limits {
    /// 10 s forward (a pause of the source is not a break), 3 s back.
    fn default() -> Self {
        Self {
            forward: Ticks90k(10 * 90_000),
            backward: Ticks90k(3 * 90_000),
        }
    }
}

/// One stamp, repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repaired {
    /// The stamp on the continuous timeline.
    pub time: Ticks90k,
    /// What was added; belongs also on the stamp's companions (PTS, PCR).
    pub offset: Ticks90k,
    /// Marked discontinuities so far; as [`crate::Frame::epoch`].
    pub epoch: u32,
}

/// Makes the decoding times of a stream continuous.
///
/// Stamps of all tracks go through one timeline, so that they keep their distance. Small
/// jitter passes untouched. At a break the new run continues one step after the newest stamp,
/// and `epoch` counts up. Stragglers of the old run, from a track that is interleaved later,
/// still find the old offset.
#[derive(Debug, Clone)]
pub struct Timeline {
    limits: Limits,
    newest: Option<Ticks90k>,
    step: Ticks90k,
    current: Run,
    previous: Option<Run>,
    forced: bool,
}

/// Stamps between two breaks.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    offset: Ticks90k,
    epoch: u32,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Timeline {
    /// With these limits, empty: the first stamp passes untouched.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            newest: None,
            // 40 ms until a real step was seen: one frame at 25 Hz.
            step: Ticks90k(3_600),
            current: Run {
                offset: Ticks90k::ZERO,
                epoch: 0,
            },
            previous: None,
            forced: false,
        }
    }

    /// Places an unwrapped decoding time on the continuous timeline.
    pub fn repair(&mut self, dts: Ticks90k) -> Repaired {
        let Some(newest) = self.newest else {
            self.forced = false;
            self.newest = Some(dts + self.current.offset);
            return Self::placed(dts, self.current);
        };
        if !self.forced && self.fits(dts, self.current, newest) {
            return self.advance(dts, newest);
        }
        if let Some(previous) = self
            .previous
            .filter(|run| self.straggles(dts, *run, newest))
        {
            return Self::placed(dts, previous);
        }
        self.break_at(dts, newest)
    }

    /// Where an unwrapped time of a companion stream lies, which is to move nothing: metadata
    /// with a wild stamp is no break of the stream. None if it fits neither run, or if no stamp
    /// was repaired yet.
    pub fn locate(&self, time: Ticks90k) -> Option<Repaired> {
        let newest = self.newest?;
        if self.fits(time, self.current, newest) {
            return Some(Self::placed(time, self.current));
        }
        let run = self
            .previous
            .filter(|run| self.straggles(time, *run, newest))?;
        Some(Self::placed(time, run))
    }

    /// The newest stamp, as [`Timeline::locate`] would give it: for what has no stamp.
    pub fn now(&self) -> Option<Repaired> {
        let newest = self.newest?;
        Some(Self::placed(newest - self.current.offset, self.current))
    }

    /// The next stamp starts a new run wherever it lies: a new publisher or another source.
    pub const fn force_break(&mut self) {
        self.forced = true;
    }

    /// Marked discontinuities so far.
    pub const fn epoch(&self) -> u32 {
        self.current.epoch
    }

    /// The newest stamp given out.
    pub const fn newest(&self) -> Option<Ticks90k> {
        self.newest
    }

    fn advance(&mut self, dts: Ticks90k, newest: Ticks90k) -> Repaired {
        let time = dts + self.current.offset;
        if time > newest {
            self.newest = Some(time);
            // Above 200 ms it is a gap, not a frame's length.
            if time - newest <= Ticks90k(18_000) {
                self.step = time - newest;
            }
        }
        Self::placed(dts, self.current)
    }

    fn break_at(&mut self, dts: Ticks90k, newest: Ticks90k) -> Repaired {
        let time = newest + self.step;
        self.previous = (!self.forced).then_some(self.current);
        self.current = Run {
            offset: time - dts,
            epoch: self.current.epoch.wrapping_add(1),
        };
        self.forced = false;
        self.newest = Some(time);
        Self::placed(dts, self.current)
    }

    fn fits(&self, dts: Ticks90k, run: Run, newest: Ticks90k) -> bool {
        let ahead = dts + run.offset - newest;
        ahead <= self.limits.forward && ahead >= Ticks90k(-self.limits.backward.0)
    }

    /// Narrower than `fits`: a straggler is never newer than a second.
    fn straggles(&self, dts: Ticks90k, run: Run, newest: Ticks90k) -> bool {
        !self.forced && self.fits(dts, run, newest) && dts + run.offset - newest <= Ticks90k::SECOND
    }

    const fn placed(dts: Ticks90k, run: Run) -> Repaired {
        Repaired {
            time: Ticks90k(dts.0.saturating_add(run.offset.0)),
            offset: run.offset,
            epoch: run.epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwrap_crosses_the_33_bit_turn_forward_and_back() {
        let mut clock = Unwrap::mpeg_ts();
        let top = (1u64 << 33) - 10;
        assert_eq!(clock.unwrap(top), TS_WRAP - 10);
        assert_eq!(clock.unwrap(5), TS_WRAP + 5);
        assert_eq!(clock.unwrap(top), TS_WRAP - 10);
        assert_eq!(clock.unwrap(20), TS_WRAP + 20);
    }

    #[test]
    fn unwrap_counts_many_turns_of_32_bit_milliseconds() {
        let mut clock = Unwrap::ms32();
        let mut time = 0i64;
        for _ in 0..10 {
            time += 1 << 30;
            assert_eq!(clock.unwrap(time as u64), time);
        }
    }

    #[test]
    fn unwrap_may_go_below_zero_at_the_start() {
        let mut clock = Unwrap::mpeg_ts();
        assert_eq!(clock.unwrap(100), 100);
        assert_eq!(clock.unwrap((1 << 33) - 100), -100);
    }

    fn run(timeline: &mut Timeline, stamps: &[i64]) -> Vec<(i64, u32)> {
        stamps
            .iter()
            .map(|&dts| {
                let repaired = timeline.repair(Ticks90k(dts));
                (repaired.time.0, repaired.epoch)
            })
            .collect()
    }

    #[test]
    fn jitter_and_reorder_pass_untouched() {
        let stamps = [90_000, 93_600, 92_000, 97_200, 91_000, 180_000];
        let got = run(&mut Timeline::default(), &stamps);
        assert_eq!(got, stamps.map(|dts| (dts, 0)));
    }

    #[test]
    fn a_jump_forward_continues_one_step_later_in_a_new_epoch() {
        let got = run(&mut Timeline::default(), &[0, 3_000, 9_000_000, 9_003_000]);
        assert_eq!(got, [(0, 0), (3_000, 0), (6_000, 1), (9_000, 1)]);
    }

    #[test]
    fn a_restart_at_zero_continues_one_step_later_in_a_new_epoch() {
        let got = run(&mut Timeline::default(), &[900_000, 903_000, 0, 3_000]);
        assert_eq!(
            got,
            [(900_000, 0), (903_000, 0), (906_000, 1), (909_000, 1)]
        );
    }

    #[test]
    fn a_straggler_of_the_old_run_keeps_the_old_offset() {
        let got = run(
            &mut Timeline::default(),
            &[0, 3_000, 9_000_000, 4_000, 9_003_000],
        );
        assert_eq!(
            got,
            [(0, 0), (3_000, 0), (6_000, 1), (4_000, 0), (9_000, 1)]
        );
    }

    #[test]
    fn a_forced_break_marks_even_a_continuous_stamp() {
        let mut timeline = Timeline::default();
        run(&mut timeline, &[0, 3_000]);
        timeline.force_break();
        assert_eq!(
            run(&mut timeline, &[6_500, 9_500]),
            [(6_000, 1), (9_000, 1)]
        );
    }
}
