//! Jumps of decoding times.

use crate::{Ticks90k, TrackId};

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

impl Limits {
    fn allow(&self, step: Ticks90k) -> bool {
        step <= self.forward && step >= Ticks90k(-self.backward.0)
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

/// How long a track may go on as before a break that another track made. Then it is taken for
/// one that did not jump.
const STRAGGLE: Ticks90k = Ticks90k::SECOND;

/// Makes the decoding times of a stream continuous.
///
/// Tracks keep their distance: what jumps together is moved together. Small jitter passes
/// untouched. At a break the new run continues one step after the newest stamp, and `epoch`
/// counts up. Tracks that are interleaved later still find the old offset until they jump, too;
/// one that never does goes on where it is. A track whose clock has nothing to do with the
/// others' from its first stamp on is put beside them.
#[derive(Debug, Clone)]
pub struct Timeline {
    limits: Limits,
    newest: Option<Ticks90k>,
    step: Ticks90k,
    current: Run,
    /// Where the current run began.
    broke_at: Ticks90k,
    lines: Vec<Line>,
    forced: bool,
}

/// Stamps between two breaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Run {
    offset: Ticks90k,
    epoch: u32,
}

/// One track.
#[derive(Debug, Clone, Copy)]
struct Line {
    track: TrackId,
    /// Its newest stamp, as it came.
    last: Ticks90k,
    run: Run,
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
            broke_at: Ticks90k::ZERO,
            lines: Vec::new(),
            forced: false,
        }
    }

    /// Places an unwrapped decoding time of a track on the continuous timeline.
    pub fn repair(&mut self, track: TrackId, dts: Ticks90k) -> Repaired {
        let Some(newest) = self.newest else {
            self.forced = false;
            return self.place(track, dts, self.current);
        };
        if std::mem::take(&mut self.forced) {
            self.lines.clear();
            return self.begin_run(track, dts, newest);
        }
        let Some(line) = self.lines.iter().find(|line| line.track == track).copied() else {
            let run = match self.fits(dts, self.current, newest) {
                true => self.current,
                false => Run {
                    offset: newest - dts,
                    ..self.current
                },
            };
            return self.place(track, dts, run);
        };
        if self.limits.allow(dts - line.last) || self.fits(dts, line.run, newest) {
            return self.place(track, dts, self.caught_up(line.run, dts));
        }
        if self.fits(dts, self.current, newest) {
            return self.place(track, dts, self.current);
        }
        self.begin_run(track, dts, newest)
    }

    /// Where an unwrapped time of a companion stream lies, which is to move nothing: metadata
    /// with a wild stamp is no break of the stream. None if it fits no run, or if no stamp was
    /// repaired yet.
    pub fn locate(&self, time: Ticks90k) -> Option<Repaired> {
        let newest = self.newest?;
        if self.fits(time, self.current, newest) {
            return Some(placed(time, self.current));
        }
        let mut runs = self.lines.iter().map(|line| line.run);
        // Narrower: a straggler is never newer than a second.
        let run = runs.find(|run| {
            self.fits(time, *run, newest) && time + run.offset - newest <= Ticks90k::SECOND
        })?;
        Some(placed(time, run))
    }

    /// The newest stamp, as [`Timeline::locate`] would give it: for what has no stamp.
    pub fn now(&self) -> Option<Repaired> {
        let newest = self.newest?;
        Some(placed(newest - self.current.offset, self.current))
    }

    /// The next stamp starts a new run wherever it lies: a new publisher or another source.
    pub const fn force_break(&mut self) {
        self.forced = true;
    }

    /// What comes now has other tracks, and no break: each is placed as if it were the first time.
    pub fn forget_tracks(&mut self) {
        self.lines.clear();
    }

    /// Moves a track beside the others from its next stamp on.
    pub fn shift(&mut self, track: TrackId, by: Ticks90k) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.track == track) {
            line.run.offset += by;
        }
    }

    /// As [`Timeline::shift`], as a marked discontinuity. What is to go back stays, and all
    /// others go forward: time never runs back.
    pub fn shift_marked(&mut self, track: TrackId, by: Ticks90k) {
        let epoch = self.current.epoch.wrapping_add(1);
        let others = Ticks90k(by.0.saturating_neg().max(0));
        self.current = Run {
            offset: self.current.offset + others,
            epoch,
        };
        for line in &mut self.lines {
            let moved = match line.track == track {
                true => by + others,
                false => others,
            };
            line.run = Run {
                offset: line.run.offset + moved,
                epoch,
            };
        }
    }

    /// Marked discontinuities so far.
    pub const fn epoch(&self) -> u32 {
        self.current.epoch
    }

    /// The newest stamp given out.
    pub const fn newest(&self) -> Option<Ticks90k> {
        self.newest
    }

    fn place(&mut self, track: TrackId, dts: Ticks90k, run: Run) -> Repaired {
        let line = Line {
            track,
            last: dts,
            run,
        };
        match self.lines.iter_mut().find(|known| known.track == track) {
            Some(known) => *known = line,
            None => self.lines.push(line),
        }
        let placed = placed(dts, run);
        self.advance(placed.time);
        placed
    }

    fn advance(&mut self, time: Ticks90k) {
        let Some(newest) = self.newest else {
            self.newest = Some(time);
            return;
        };
        if time > newest {
            self.newest = Some(time);
            // Above 200 ms it is a gap, not a frame's length.
            if time - newest <= Ticks90k(18_000) {
                self.step = time - newest;
            }
        }
    }

    fn begin_run(&mut self, track: TrackId, dts: Ticks90k, newest: Ticks90k) -> Repaired {
        self.broke_at = newest + self.step;
        self.current = Run {
            offset: self.broke_at - dts,
            epoch: self.current.epoch.wrapping_add(1),
        };
        self.place(track, dts, self.current)
    }

    /// A track that goes on for long after a break did not jump: it belongs to what is now.
    fn caught_up(&self, run: Run, dts: Ticks90k) -> Run {
        let goes_on = dts + run.offset > self.broke_at + STRAGGLE;
        Run {
            epoch: match goes_on {
                true => self.current.epoch,
                false => run.epoch,
            },
            ..run
        }
    }

    fn fits(&self, dts: Ticks90k, run: Run, newest: Ticks90k) -> bool {
        self.limits.allow(dts + run.offset - newest)
    }
}

const fn placed(dts: Ticks90k, run: Run) -> Repaired {
    Repaired {
        time: Ticks90k(dts.0.saturating_add(run.offset.0)),
        offset: run.offset,
        epoch: run.epoch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURES: TrackId = TrackId(0);
    const SOUND: TrackId = TrackId(1);

    fn run(timeline: &mut Timeline, stamps: &[(TrackId, i64)]) -> Vec<(i64, u32)> {
        let repair = |&(track, dts): &(TrackId, i64)| {
            let repaired = timeline.repair(track, Ticks90k(dts));
            (repaired.time.0, repaired.epoch)
        };
        stamps.iter().map(repair).collect()
    }

    fn of_one(timeline: &mut Timeline, stamps: &[i64]) -> Vec<(i64, u32)> {
        let stamps: Vec<_> = stamps.iter().map(|dts| (PICTURES, *dts)).collect();
        run(timeline, &stamps)
    }

    #[test]
    fn jitter_and_reorder_pass_untouched() {
        let stamps = [90_000, 93_600, 92_000, 97_200, 91_000, 180_000];
        let got = of_one(&mut Timeline::default(), &stamps);
        assert_eq!(got, stamps.map(|dts| (dts, 0)));
    }

    #[test]
    fn a_jump_forward_continues_one_step_later_in_a_new_epoch() {
        let got = of_one(&mut Timeline::default(), &[0, 3_000, 9_000_000, 9_003_000]);
        assert_eq!(got, [(0, 0), (3_000, 0), (6_000, 1), (9_000, 1)]);
    }

    #[test]
    fn a_restart_at_zero_continues_one_step_later_in_a_new_epoch() {
        let got = of_one(&mut Timeline::default(), &[900_000, 903_000, 0, 3_000]);
        let wanted = [(900_000, 0), (903_000, 0), (906_000, 1), (909_000, 1)];
        assert_eq!(got, wanted);
    }

    #[test]
    fn a_straggler_of_the_old_run_keeps_the_old_offset_until_it_jumps_too() {
        let stamps = [
            (PICTURES, 0),
            (SOUND, 1_000),
            (PICTURES, 3_000),
            (PICTURES, 9_000_000),
            (SOUND, 4_000),
            (PICTURES, 9_003_000),
            (SOUND, 9_001_000),
        ];
        let got = run(&mut Timeline::default(), &stamps);
        let after = [(5_000, 1), (4_000, 0), (8_000, 1), (6_000, 1)];
        assert_eq!(got[3..], after);
    }

    #[test]
    fn a_track_that_did_not_jump_goes_on_in_the_new_epoch() {
        let mut timeline = Timeline::default();
        let second = |n: i64| (n * 90_000, n * 90_000 + 1);
        let (mut pictures, mut sound) = (Vec::new(), Vec::new());
        for n in 0..20 {
            let (at, beside) = second(n);
            let jumped = at + if n >= 10 { 900_000_000 } else { 0 };
            pictures.push(run(&mut timeline, &[(PICTURES, jumped)])[0]);
            sound.push(run(&mut timeline, &[(SOUND, beside)])[0]);
        }
        let steps = pictures
            .windows(2)
            .filter(|two| two[1].0 - two[0].0 == 90_000);
        assert_eq!(
            steps.count(),
            18,
            "all but the step over the break: {pictures:?}"
        );
        assert_eq!(sound.last().map(|last| last.0), Some(second(19).1));
        let epochs = |stamps: &[(i64, u32)]| (stamps[9].1, stamps[12].1, stamps[19].1);
        assert_eq!((epochs(&pictures), epochs(&sound)), ((0, 1, 1), (0, 1, 1)));
    }

    #[test]
    fn tracks_whose_clocks_lie_apart_from_the_start_are_put_beside_each_other_and_stay() {
        for apart in [4 * 90_000, -8 * 90_000, 500_000_000] {
            let mut timeline = Timeline::default();
            let mut last = (0, 0);
            for n in 0..500 {
                let stamps = [(PICTURES, n * 3_600), (SOUND, n * 3_600 + apart)];
                let got = run(&mut timeline, &stamps);
                assert_eq!((got[0], got[1].1), ((n * 3_600, 0), 0), "{apart}");
                last = got[1];
            }
            assert!(
                (last.0 - 499 * 3_600).abs() <= apart.abs().min(720_000),
                "{apart}: {last:?}"
            );
        }
    }

    #[test]
    fn a_forced_break_marks_even_a_continuous_stamp() {
        let mut timeline = Timeline::default();
        of_one(&mut timeline, &[0, 3_000]);
        timeline.force_break();
        let got = of_one(&mut timeline, &[6_500, 9_500]);
        assert_eq!(got, [(6_000, 1), (9_000, 1)]);
    }

    #[test]
    fn what_is_shifted_back_as_a_break_stays_and_the_rest_goes_forward() {
        let mut timeline = Timeline::default();
        run(&mut timeline, &[(PICTURES, 0), (SOUND, 90_000)]);
        timeline.shift_marked(SOUND, Ticks90k(-90_000));
        let got = run(&mut timeline, &[(PICTURES, 3_600), (SOUND, 93_600)]);
        assert_eq!(got, [(93_600, 1), (93_600, 1)]);
        timeline.shift_marked(SOUND, Ticks90k(500));
        let got = run(&mut timeline, &[(PICTURES, 7_200), (SOUND, 97_200)]);
        assert_eq!(got, [(97_200, 2), (97_700, 2)]);
    }
}
