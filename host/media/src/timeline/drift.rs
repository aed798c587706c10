//! Sound that slowly runs away from the pictures it belongs to.
//!
//! An encoder with two clocks stamps sound by the one and pictures by the other, and so the two
//! drift apart, although they come together. What is told here is told by the order in which they
//! come: how far the newest sound lies ahead of the source's clock, against how far it did at the
//! start. Where a sender says how its clocks belong together (RTCP), that is used instead.
//!
//! A muxer that sorts by stamps shows no drift that could be seen here; what it holds back for that
//! is its affair.

use super::Repaired;
use crate::{Ticks90k, TrackId};

/// Sound is compared by its mean over so much of the source's clock, which interleaving and
/// jitter do not move.
const WINDOW: Ticks90k = Ticks90k(10 * 90_000);

/// Below this nobody notices (ITU-R BT.1359 §2: 45 ms early, 125 ms late are just seen).
const TOLERANCE: i64 = 100 * 90;

/// Within a window no clock drifts that far, nor is a mean that wrong: the encoder moved its
/// sound, or an operator did, and is right.
const STEP: i64 = 80 * 90;
/// And within two, where the step lay across the end of the first.
const STEP_OF_TWO: i64 = 120 * 90;

/// Sound that no buffer explains: a decoder's holds one second (ISO/IEC 13818-1 §2.4.2.7).
const BOUND: i64 = 90_000;

/// Sound is moved by at most one part in so many of the time that passes: 2 ms a second. Of a
/// frame of AAC that is 43 microseconds.
const SLOWNESS: i64 = 500;

/// Further than sound ever is from its pictures: an hour.
const FAR: i64 = 3_600 * 90_000;

/// What is to be done about it, to the track's stamps from the next one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Add this; far below what is heard.
    Slew(Ticks90k),
    /// Add this at once, as a marked discontinuity.
    Break(Ticks90k),
}

/// Watches the sound of one source.
#[derive(Debug, Default)]
pub struct Drift {
    reference: Option<(Ticks90k, u32)>,
    gauges: Vec<Gauge>,
    drifts: u64,
}

/// One track of sound. Times are in 90 kHz ticks.
#[derive(Debug)]
struct Gauge {
    track: TrackId,
    epoch: u32,
    /// Where its window began, on the source's clock.
    began: Ticks90k,
    sum: i64,
    count: i64,
    /// Its newest stamp.
    newest: Ticks90k,
    /// How far ahead of the source's clock it was in the first window.
    origin: Option<i64>,
    /// In the two windows before, corrections left out; the older one first.
    before: [i64; 2],
    /// Where it belongs, corrections left out.
    baseline: i64,
    /// It drifts, and is followed.
    follows: bool,
    wanted: i64,
    moved: i64,
}

impl Drift {
    /// The source's clock is here: its PCR, or the stamps of its pictures. Sound of another
    /// epoch is not compared with it.
    pub const fn reference(&mut self, time: Ticks90k, epoch: u32) {
        self.reference = Some((time, epoch));
    }

    /// Takes the stamp of a frame of sound, corrections applied.
    pub fn sound(&mut self, track: TrackId, at: Repaired) -> Option<Correction> {
        let (reference, epoch) = self.reference.filter(|known| known.1 == at.epoch)?;
        let known = self.gauges.iter().position(|gauge| gauge.track == track);
        let index = known.unwrap_or_else(|| {
            self.gauges
                .push(Gauge::new(track, epoch, reference, at.time));
            self.gauges.len() - 1
        });
        let gauge = self.gauges.get_mut(index)?;
        if gauge.epoch != epoch {
            *gauge = Gauge::new(track, epoch, reference, at.time);
        }
        let followed = gauge.follows;
        let correction = gauge.take(reference, at.time);
        let began = gauge.follows && !followed;
        self.drifts += u64::from(began || matches!(correction, Some(Correction::Break(_))));
        correction
    }

    /// What comes now is another source's.
    pub fn restart(&mut self) {
        self.reference = None;
        self.gauges.clear();
    }

    /// How often sound was found to drift.
    pub const fn drifts(&self) -> u64 {
        self.drifts
    }

    /// By how much sound is moved now: of the track that is moved most, 90 kHz ticks.
    pub fn moved(&self) -> Ticks90k {
        let moved = self.gauges.iter().map(|gauge| gauge.moved);
        Ticks90k(moved.max_by_key(|by| by.abs()).unwrap_or_default())
    }
}

impl Gauge {
    const fn new(track: TrackId, epoch: u32, began: Ticks90k, newest: Ticks90k) -> Self {
        Self {
            track,
            epoch,
            began,
            sum: 0,
            count: 0,
            newest,
            origin: None,
            before: [0; 2],
            baseline: 0,
            follows: false,
            wanted: 0,
            moved: 0,
        }
    }

    fn take(&mut self, reference: Ticks90k, time: Ticks90k) -> Option<Correction> {
        // Wild stamps must not overflow; all that is beyond the bound is beyond the bound.
        let ahead = (time - reference).0.clamp(-FAR, FAR);
        self.sum = self.sum.saturating_add(ahead - self.moved);
        self.count += 1;
        let passed = (time - self.newest).0.clamp(0, 90_000);
        self.newest = self.newest.max(time);
        if reference - self.began >= WINDOW {
            let mean = self.sum / self.count;
            (self.began, self.sum, self.count) = (reference, 0, 0);
            if let Some(by) = self.close(mean) {
                return Some(Correction::Break(Ticks90k(by)));
            }
        }
        let most = passed / SLOWNESS;
        let by = (self.wanted - self.moved).clamp(-most, most);
        self.moved += by;
        (by != 0).then_some(Correction::Slew(Ticks90k(by)))
    }

    /// Judges a window by its mean; says by how much to break.
    fn close(&mut self, mean: i64) -> Option<i64> {
        let Some(origin) = self.origin else {
            self.origin = Some(mean);
            (self.before, self.baseline) = ([mean; 2], mean);
            return None;
        };
        let [older, newer] = self.before;
        self.before = [newer, mean];
        let away = mean + self.moved - origin;
        if away.abs() > BOUND {
            // Measured anew from where it is then.
            (self.origin, self.follows) = (None, false);
            (self.wanted, self.moved) = (0, 0);
            return Some(-away);
        }
        if (mean - newer).abs() > STEP || (mean - older).abs() > STEP_OF_TWO {
            self.before = [mean; 2];
            (self.baseline, self.wanted, self.follows) = (mean, 0, false);
            return None;
        }
        self.follows |= (mean - self.baseline).abs() > TOLERANCE;
        if self.follows {
            self.wanted = self.baseline - mean;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: TrackId = TrackId(1);

    /// Plays so many seconds of sound in frames of 1,920 ticks, stamped by `stamp`; gives how
    /// far it ended from where it belongs, the longest step, and the breaks.
    fn play(drift: &mut Drift, seconds: i64, stamp: impl Fn(i64) -> i64) -> (i64, i64, usize) {
        let (mut moved, mut breaks, mut last, mut longest) = (0, 0, 0, 0);
        let mut epoch = 0;
        for n in 0..seconds * 90_000 / 1_920 {
            let true_time = n * 1_920;
            // Sound comes in fours, as muxers pack it, 300 ms before its pictures.
            drift.reference(Ticks90k(true_time / 7_680 * 7_680), epoch);
            let time = stamp(true_time) + 27_000 + moved;
            longest = longest.max(if n > 0 { time - last } else { 0 });
            last = time;
            let repaired = Repaired {
                time: Ticks90k(time),
                offset: Ticks90k::ZERO,
                epoch,
            };
            match drift.sound(SOUND, repaired) {
                Some(Correction::Slew(by)) => moved += by.0,
                Some(Correction::Break(by)) => {
                    (moved, epoch, breaks) = (moved + by.0, epoch + 1, breaks + 1);
                }
                None => {}
            }
        }
        let end = (seconds * 90_000 / 1_920 - 1) * 1_920;
        (last - 27_000 - end, longest, breaks)
    }

    #[test]
    fn a_clock_a_thousandth_off_is_followed_in_steps_that_nobody_hears() {
        for rate in [1_001, 999] {
            let mut drift = Drift::default();
            let (away, longest, breaks) = play(&mut drift, 1_200, |t| t * rate / 1_000);
            assert!(away.abs() < 40 * 90, "{rate}: {away} of 108000");
            assert!(longest <= 1_935, "{rate}: {longest}");
            assert_eq!((drift.drifts(), breaks), (1, 0), "{rate}");
            assert!(drift.moved().0.abs() > 90_000, "{rate}");
        }
    }

    #[test]
    fn a_clock_a_hundredth_off_is_set_back_at_each_second() {
        let mut drift = Drift::default();
        let (away, _, breaks) = play(&mut drift, 600, |t| t * 101 / 100);
        assert!(away.abs() < 120_000, "{away} of 540000");
        assert!((3..=6).contains(&breaks), "{breaks}");
    }

    #[test]
    fn interleaving_and_what_an_operator_moves_are_no_drift() {
        let mut drift = Drift::default();
        let jitter = |t: i64| t + (t / 1_920 * 7_919 % 5_400) - 2_700;
        let (away, _, breaks) = play(&mut drift, 900, jitter);
        assert!(away.abs() <= 2_700);
        assert_eq!((drift.drifts(), drift.moved().0, breaks), (0, 0, 0));
        let later = |t: i64| t + if t > 30_000_000 { 18_000 } else { 0 };
        let mut drift = Drift::default();
        let (away, _, breaks) = play(&mut drift, 900, later);
        assert_eq!((away, drift.drifts(), breaks), (18_000, 0, 0));
    }

    #[test]
    fn wild_stamps_overflow_nothing() {
        let mut drift = Drift::default();
        for time in [i64::MIN, i64::MAX, 0, i64::MAX, i64::MIN] {
            drift.reference(Ticks90k(time), 0);
            let repaired = Repaired {
                time: Ticks90k(time.wrapping_neg()),
                offset: Ticks90k::ZERO,
                epoch: 0,
            };
            let _ = drift.sound(SOUND, repaired);
        }
    }
}
