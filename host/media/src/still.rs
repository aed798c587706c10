//! Frozen and black pictures, told by how little an encoder spent on them.
//!
//! Nothing is decoded, so this is evidence and no proof. Where nothing moves, an encoder says so
//! in a few bytes (macroblocks that are skipped); where there is nothing to see, so does a key
//! frame. What that cannot tell:
//!
//! * An encoder with a constant bit rate goes on refining a frozen picture for seconds, and may
//!   fill up with data of no meaning: the freeze is seen later, or never.
//! * Slides, and noise so faint that the encoder drops it, are as good as frozen.
//! * Any plain colour looks like black.
//! * Where every picture is a key frame, only repetition to the byte counts as frozen, and in a
//!   transport stream nothing does.
//!
//! So this is off unless an operator wants it for an input, with times that suit its content.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// A key frame of black has about 0.005 bit a sample, one of a test picture 0.3.
const BLACK_BITS_PER_1000_SAMPLES: u64 = 12;
/// Pictures in between have 0.0005 bit a sample where nothing moves, 0.01 and more elsewhere.
const STILL_BITS_PER_1000_SAMPLES: u64 = 2;
/// Headers, delimiters and parameter sets, bytes.
const OVERHEAD: u64 = 80;
/// Pictures over which sizes are averaged: one that an encoder refines among many that stand
/// still does not count.
const AVERAGED: u64 = 8;

/// How long pictures have to be so until they are called so; zero: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Nothing moves, 1 s to 10 min.
    pub freeze: Duration,
    /// There is nothing to see, 1 s to 10 min.
    pub black: Duration,
}

/// What pictures are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Nothing has moved for longer than the limit.
    pub frozen: bool,
    /// There has been nothing to see for longer than the limit.
    pub black: bool,
}

impl Verdict {
    /// Nothing is wrong.
    pub const fn is_good(self) -> bool {
        !self.frozen && !self.black
    }
}

/// A picture, as far as it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Decoding may begin with it.
    pub key: bool,
    /// Coded size.
    pub bytes: u64,
    /// Width times height.
    pub samples: u64,
    /// Stands for its content, where that is known: equal for equal bytes.
    pub print: Option<u64>,
}

impl Picture {
    /// With a fingerprint of its bytes, where it is a key frame.
    pub fn of(key: bool, payload: &[u8], samples: u64) -> Self {
        let print = key.then(|| {
            let mut hasher = DefaultHasher::new();
            payload.hash(&mut hasher);
            hasher.finish()
        });
        Self {
            key,
            bytes: payload.len() as u64,
            samples,
            print,
        }
    }
}

/// Watches the pictures of one track, each in constant time.
#[derive(Debug, Default)]
pub struct Stillness {
    limits: Limits,
    /// Of the pictures between key frames: [`AVERAGED`] times their average size, bytes.
    average: u64,
    /// Since the last key frame there was a picture that is none.
    between: bool,
    /// Key frames before: encoders number them in turns, so that every other is the same.
    keys: [u64; 2],
    still: Option<Instant>,
    black: Option<Instant>,
    last: Option<Instant>,
}

impl Stillness {
    /// Watches by other limits from now on; what was seen counts.
    pub const fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether anything is watched for.
    pub fn is_on(&self) -> bool {
        self.limits != Limits::default()
    }

    /// Takes a picture that came at `now`.
    pub fn picture(&mut self, now: Instant, picture: Picture) {
        self.last = Some(now);
        let bound = |per_1000: u64| OVERHEAD + picture.samples * per_1000 / 8_000;
        let dark = picture.bytes <= bound(BLACK_BITS_PER_1000_SAMPLES);
        let dark = dark && (picture.key || self.black.is_some());
        begin(&mut self.black, now, dark);
        if picture.key {
            if !std::mem::take(&mut self.between) {
                let repeated = picture
                    .print
                    .is_some_and(|print| self.keys.contains(&print));
                begin(&mut self.still, now, repeated);
            }
            self.keys = [self.keys[1], picture.print.unwrap_or_default()];
            return;
        }
        self.between = true;
        self.average = match self.average {
            // Nothing is still before it was seen: the first is its own average.
            0 => picture.bytes * AVERAGED,
            sum => sum - sum / AVERAGED + picture.bytes,
        };
        let still = self.average / AVERAGED <= bound(STILL_BITS_PER_1000_SAMPLES);
        begin(&mut self.still, now, still);
    }

    /// How things stood when the last picture came: what has none is silent, not frozen.
    pub fn verdict(&self) -> Verdict {
        let over = |since: Option<Instant>, limit: Duration| {
            let lasted = self.last.zip(since).map(|(last, since)| last - since);
            !limit.is_zero() && lasted.is_some_and(|lasted| lasted >= limit)
        };
        Verdict {
            frozen: over(self.still, self.limits.freeze),
            black: over(self.black, self.limits.black),
        }
    }
}

/// Begins a time if it is so and did not begin already; ends it if it is not.
fn begin(since: &mut Option<Instant>, now: Instant, is_so: bool) {
    *since = is_so.then(|| since.unwrap_or(now));
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // A test's time has to begin somewhere.
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        freeze: Duration::from_secs(2),
        black: Duration::from_secs(2),
    };
    const SAMPLES: u64 = 640 * 360;

    /// What is said after so many pictures at 25 a second.
    fn after(pictures: impl IntoIterator<Item = Picture>) -> Verdict {
        let mut watch = Stillness::default();
        watch.limit(LIMITS);
        let mut now = Instant::now();
        for picture in pictures {
            watch.picture(now, picture);
            now += Duration::from_millis(40);
        }
        watch.verdict()
    }

    fn sized(key: bool, bytes: u64) -> Picture {
        Picture {
            key,
            bytes,
            samples: SAMPLES,
            print: None,
        }
    }

    /// Groups of 50 pictures.
    fn groups(key: u64, between: u64, count: usize) -> impl Iterator<Item = Picture> {
        (0..count).map(move |n| match n % 50 {
            0 => sized(true, key),
            _ => sized(false, between),
        })
    }

    #[test]
    fn nothing_is_said_before_the_limit_and_all_is_well_again_at_the_first_that_moves() {
        assert_eq!(after(groups(20_000, 30, 45)), Verdict::default());
        assert!(after(groups(20_000, 30, 100)).frozen);
        assert!(!after(groups(20_000, 30, 100)).black);
        let moves = groups(20_000, 30, 100).chain([sized(false, 9_000)]);
        assert_eq!(after(moves), Verdict::default());
    }

    #[test]
    fn a_fade_from_black_ends_it_within_the_group() {
        assert!(after(groups(150, 25, 100)).black);
        let fade = groups(150, 25, 100).chain([sized(false, 2_000)]);
        assert!(!after(fade).black);
    }

    #[test]
    fn key_frames_alone_are_frozen_only_if_they_repeat() {
        let keys = |distinct: usize| {
            (0..100).map(move |n| Picture::of(true, &vec![(n % distinct) as u8; 9_000], SAMPLES))
        };
        assert!(after(keys(1)).frozen);
        assert!(after(keys(2)).frozen, "numbered in turns");
        assert!(!after(keys(25)).frozen);
    }

    #[test]
    fn without_limits_nothing_is_said() {
        let mut watch = Stillness::default();
        let now = Instant::now();
        for n in 0..1_000 {
            watch.picture(now + Duration::from_secs(n), sized(n % 50 == 0, 10));
        }
        assert_eq!(watch.verdict(), Verdict::default());
    }
}
