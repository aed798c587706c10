//! Several sounds in one: gains without clicks, ducking, a limiter, and how loud each is.

use super::clock::SAMPLE_RATE;
use super::intake::Sample;
use std::collections::VecDeque;

/// Over how many samples a level is measured: 400 ms, the momentary loudness of EBU R 128.
const LEVEL_SAMPLES: usize = SAMPLE_RATE as usize * 2 / 5;
/// What counts as silence, dBFS.
const SILENCE_DB: f64 = -100.0;
/// How fast others make way for who speaks, and come back: the share of the way in a second.
const DUCK_PER_S: f32 = 12.0;
const RETURN_PER_S: f32 = 2.0;
/// Above this share of full scale the sum is bent rather than cut.
const KNEE: f32 = 0.9;
/// How fast the limiter lets go: the share of the way in a second.
const RELEASE_PER_S: f32 = 3.0;

/// From decibels.
pub(super) fn gain(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}

/// The sound of one source on its way into the sum.
#[derive(Debug, Default)]
pub(super) struct Strip {
    /// In force at the end of the last frame; none before the first.
    gain: Option<f32>,
    /// Sums of squares and their samples, of the last frames.
    squares: VecDeque<(f64, usize)>,
}

impl Strip {
    /// Adds a frame's samples to the sum, at a gain that is reached at the frame's end.
    pub(super) fn add(&mut self, samples: &[Sample], gain: f32, sum: &mut [[f32; 2]]) {
        self.measure(samples);
        let from = self.gain.replace(gain).unwrap_or(gain);
        if from == 0.0 && gain == 0.0 {
            return;
        }
        let step = (gain - from) / samples.len().max(1) as f32;
        for (n, (sum, sample)) in sum.iter_mut().zip(samples).enumerate() {
            let gain = (from + step * n as f32) / 32_768.0;
            sum[0] += f32::from(sample[0]) * gain;
            sum[1] += f32::from(sample[1]) * gain;
        }
    }

    fn measure(&mut self, samples: &[Sample]) {
        let square = |value: i16| f64::from(value) * f64::from(value);
        let squares = samples.iter().map(|[l, r]| square(*l) + square(*r)).sum();
        self.squares.push_back((squares, samples.len()));
        let held = |it: &VecDeque<(f64, usize)>| it.iter().map(|(_, count)| count).sum::<usize>();
        while self.squares.len() > 1 && held(&self.squares) > LEVEL_SAMPLES {
            self.squares.pop_front();
        }
    }

    /// Over the last 400 ms, before any gain: dBFS, where a square wave at full scale is 0.
    pub(super) fn level_db(&self) -> f64 {
        let (squares, count) = self.squares.iter().fold((0.0, 0), |(squares, count), it| {
            (squares + it.0, count + it.1)
        });
        let mean = squares / (2 * count).max(1) as f64 / (32_768.0 * 32_768.0);
        (10.0 * mean.log10()).clamp(SILENCE_DB, 0.0)
    }
}

/// Makes others quieter while one speaks.
#[derive(Debug)]
pub(super) struct Ducker(f32);

impl Default for Ducker {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Ducker {
    /// The gain of the others in a frame of so many samples.
    pub(super) fn follow(&mut self, speaks: bool, reduced: f32, samples: usize) -> f32 {
        let (target, speed) = match speaks {
            true => (reduced, DUCK_PER_S),
            false => (1.0, RETURN_PER_S),
        };
        let passed = samples as f32 / SAMPLE_RATE as f32;
        self.0 += (target - self.0) * (speed * passed).min(1.0);
        self.0
    }
}

/// Keeps the sum within full scale: turned down at once, up again slowly, and what is above
/// meanwhile is bent.
#[derive(Debug)]
pub(super) struct Limiter(f32);

impl Default for Limiter {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Limiter {
    /// Appends a frame of the sum as 16 bit samples, little-endian, left and right in turn.
    pub(super) fn limit(&mut self, sum: &[[f32; 2]], to: &mut Vec<u8>) {
        let peak = sum
            .iter()
            .flatten()
            .fold(0.0, |peak: f32, it| peak.max(it.abs()));
        let passed = sum.len() as f32 / SAMPLE_RATE as f32;
        let allowed = if peak > KNEE { KNEE / peak } else { 1.0 };
        let risen = self.0 + (1.0 - self.0) * (RELEASE_PER_S * passed).min(1.0);
        let target = allowed.min(risen);
        let step = (target - self.0) / sum.len().max(1) as f32;
        for (n, frame) in sum.iter().enumerate() {
            let gain = self.0 + step * n as f32;
            for value in frame {
                let value = (bent(value * gain) * 32_767.0).round() as i16;
                to.extend_from_slice(&value.to_le_bytes());
            }
        }
        self.0 = target;
    }
}

/// Itself below the knee, and never above 1.
fn bent(value: f32) -> f32 {
    let beyond = value.abs() - KNEE;
    match beyond > 0.0 {
        true => (KNEE + (1.0 - KNEE) * (beyond / (1.0 - KNEE)).tanh()).copysign(value),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(count: usize, peak: i16) -> Vec<Sample> {
        let value = |n: usize| (f32::from(peak) * (n as f32 * 0.131).sin()) as i16;
        (0..count).map(|n| [value(n), value(n)]).collect()
    }

    fn samples(bytes: &[u8]) -> Vec<i16> {
        let pairs = bytes.chunks_exact(2);
        pairs
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    }

    #[test]
    fn one_quiet_sound_comes_through_as_it_is() {
        let (mut strip, mut limiter, mut out) = (Strip::default(), Limiter::default(), Vec::new());
        let tone = tone(1_600, 20_000);
        let mut sum = vec![[0.0; 2]; 1_600];
        strip.add(&tone, gain(0.0), &mut sum);
        limiter.limit(&sum, &mut out);
        for (sample, heard) in tone.iter().flatten().zip(samples(&out)) {
            assert!((sample - heard).abs() <= 1);
        }
    }

    #[test]
    fn a_sum_above_full_scale_is_turned_down_and_never_wraps() {
        let mut strips: Vec<Strip> = (0..8).map(|_| Strip::default()).collect();
        let (mut limiter, mut out) = (Limiter::default(), Vec::new());
        let tone = tone(1_600, 32_000);
        for _ in 0..30 {
            let mut sum = vec![[0.0; 2]; 1_600];
            strips
                .iter_mut()
                .for_each(|strip| strip.add(&tone, 1.0, &mut sum));
            out.clear();
            limiter.limit(&sum, &mut out);
            let heard = samples(&out);
            assert!(
                heard
                    .iter()
                    .zip(tone.iter().flatten())
                    .all(|(a, b)| a.signum() * b.signum() >= 0)
            );
        }
        let heard = samples(&out);
        let loudest = heard.iter().map(|it| it.unsigned_abs()).max().unwrap();
        assert!((28_000..=30_500).contains(&loudest), "{loudest}");
        // Still a sine: bent ones have flat tops.
        let near = heard
            .iter()
            .filter(|it| it.unsigned_abs() > loudest - 300)
            .count();
        assert!(near * 10 < heard.len(), "{near} of {}", heard.len());
    }

    #[test]
    fn a_gain_changes_without_a_step() {
        let mut strip = Strip::default();
        let even = vec![[10_000, 10_000]; 1_600];
        let mut last: Option<f32> = None;
        for gain in [1.0, 0.0, 0.0, 0.5] {
            let mut sum = vec![[0.0; 2]; 1_600];
            strip.add(&even, gain, &mut sum);
            for value in sum.iter().map(|it| it[0]) {
                assert!(last.is_none_or(|last| (last - value).abs() < 0.001));
                last = Some(value);
            }
        }
    }

    #[test]
    fn a_level_is_that_of_the_last_400_ms_and_silence_is_low() {
        let mut strip = Strip::default();
        assert_eq!(strip.level_db(), SILENCE_DB);
        let loud = vec![[16_384_i16, -16_384]; 1_600];
        for _ in 0..12 {
            strip.add(&loud, 0.0, &mut [[0.0; 2]; 1_600]);
        }
        assert!(
            (strip.level_db() + 6.02).abs() < 0.01,
            "{}",
            strip.level_db()
        );
        for _ in 0..12 {
            strip.add(&[[0, 0]; 1_600], 0.0, &mut [[0.0; 2]; 1_600]);
        }
        assert_eq!(strip.level_db(), SILENCE_DB);
    }

    #[test]
    fn others_make_way_within_a_quarter_of_a_second_and_come_back() {
        let mut ducker = Ducker::default();
        let after = |ducker: &mut Ducker, speaks, frames: u32| {
            (0..frames)
                .map(|_| ducker.follow(speaks, 0.25, 1_600))
                .last()
                .unwrap()
        };
        assert!(after(&mut ducker, true, 8) < 0.3);
        assert!(after(&mut ducker, false, 3) < 0.5, "slowly");
        assert!(after(&mut ducker, false, 90) > 0.95);
    }
}
