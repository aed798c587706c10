//! What has come of one source and is not shown yet.
//!
//! A decoder makes pictures at the canvas's own rate, and sound from the same beginning, so that
//! the n-th picture and a stretch of samples belong together without any timestamps. They come in
//! bursts and are shown one a frame: a few are kept in hand, as many as the source's unevenness
//! takes, and no more. Without one in hand the last is shown again and nothing is heard.

use super::clock::Rate;
use raster::Picture;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A sample of sound: left and right.
pub(super) type Sample = [i16; 2];

/// Frames in hand when a source begins.
const IN_HAND: usize = 3;
/// The most that is held: sound may come that much later than its pictures, or earlier.
const LONGEST: Duration = Duration::from_millis(1_200);
/// Bytes of pictures that are held of one source at most.
const MOST_BYTES: usize = 64 << 20;
/// Frames that come between two that are shown, of a decoder that has caught up with its stream.
const CAUGHT_UP: usize = 2;
/// A decoder that never catches up is shown all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// Buffers that are kept to be filled again.
const SPARE: usize = 3;

/// What a decoder makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) pictures: bool,
    pub(super) sound: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Intake {
    rate: Rate,
    kinds: Kinds,
    pictures: VecDeque<(u64, Arc<Picture>)>,
    /// Pictures that came so far.
    came: u64,
    sound: VecDeque<Sample>,
    /// Which sample the first of them is.
    first_sample: u64,
    /// The frame that is shown next, once it has begun.
    head: Option<u64>,
    /// Since the last look: pictures that came.
    burst: usize,
    /// Looks that it was not begun at.
    waited: u64,
    /// The fewest frames left in hand, and over how many frames that was.
    fewest: usize,
    watched: u64,
    spare: Vec<Picture>,
}

impl Intake {
    pub(super) fn new(rate: Rate, kinds: Kinds) -> Self {
        Self {
            rate,
            kinds,
            pictures: VecDeque::new(),
            came: 0,
            sound: VecDeque::new(),
            first_sample: 0,
            head: None,
            burst: 0,
            waited: 0,
            fewest: usize::MAX,
            watched: 0,
            spare: Vec::new(),
        }
    }

    pub(super) const fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// The decoder's next picture.
    pub(super) fn push_picture(&mut self, picture: Picture) {
        let most = (MOST_BYTES / picture.bytes().len().max(1)).max(IN_HAND);
        let limit = most.min(self.rate.frames_in(LONGEST) as usize);
        while self.pictures.len() >= limit {
            self.drop_picture();
        }
        self.pictures.push_back((self.came, Arc::new(picture)));
        self.came += 1;
        self.burst += 1;
    }

    /// The decoder's next samples.
    pub(super) fn push_sound(&mut self, samples: impl IntoIterator<Item = Sample>) {
        self.sound.extend(samples);
        let limit = self.rate.sample(self.rate.frames_in(LONGEST)) as usize;
        let beyond = self.sound.len().saturating_sub(limit);
        self.drop_sound(beyond);
    }

    /// A picture of that size to be filled and pushed; nothing of what it shows counts.
    pub(super) fn blank(&mut self, width: u32, height: u32) -> Option<Picture> {
        let picture = self.spare.pop()?;
        (picture.width() == width && picture.height() == height).then_some(picture)
    }

    /// Gives back a picture that is not shown any more.
    pub(super) fn recycle(&mut self, picture: Arc<Picture>) {
        if self.spare.len() < SPARE
            && let Ok(picture) = Arc::try_unwrap(picture)
        {
            self.spare.push(picture);
        }
    }

    /// Whether a frame can be shown; how many more are in hand then.
    fn in_hand(&self) -> Option<usize> {
        let head = self.head.unwrap_or(0);
        let last = self.first_sample + self.sound.len() as u64;
        let mut heard = 0;
        while heard < self.pictures.len().max(IN_HAND)
            && self.rate.sample(head + heard as u64 + 1) <= last
        {
            heard += 1;
        }
        let seen = self.pictures.len();
        let full = self.pictures.len() as u64 >= self.rate.frames_in(LONGEST);
        let frames = match (self.kinds.pictures, self.kinds.sound) {
            // Sound that never comes holds up no pictures.
            (true, true) if full => seen.min(heard).max(1),
            (true, true) => seen.min(heard),
            (true, false) => seen,
            (false, _) => heard,
        };
        frames.checked_sub(1)
    }

    /// The next frame: its picture, if there is a new one, and as many samples as are asked for,
    /// silence where there are none. False if there is nothing new.
    pub(super) fn take(
        &mut self,
        count: usize,
        samples: &mut Vec<Sample>,
    ) -> (bool, Option<Arc<Picture>>) {
        samples.clear();
        let burst = std::mem::take(&mut self.burst);
        if self.head.is_none() && !self.begin(burst) {
            samples.resize(count, [0; 2]);
            return (false, None);
        }
        self.align();
        let Some(left) = self.in_hand() else {
            self.fewest = 0;
            samples.resize(count, [0; 2]);
            return (false, None);
        };
        let head = self.head.unwrap_or(0);
        let picture = self.pictures.pop_front().map(|(_, picture)| picture);
        let available = self.sound.len().min(count);
        samples.extend(self.sound.drain(..available));
        self.first_sample += available as u64;
        samples.resize(count, [0; 2]);
        self.head = Some(head + 1);
        self.trim(left);
        (true, picture)
    }

    /// Begins once the decoder has caught up, with as little in hand as may be.
    fn begin(&mut self, burst: usize) -> bool {
        self.waited += 1;
        let ready = match self.kinds.pictures {
            true => self.pictures.len() >= IN_HAND && burst <= CAUGHT_UP,
            false => self.sound.len() as u64 >= self.rate.sample(IN_HAND as u64),
        };
        let patient = self.waited < self.rate.frames_in(PATIENCE);
        if !ready && (patient || (self.pictures.is_empty() && self.sound.is_empty())) {
            return false;
        }
        match self.kinds.pictures {
            true => {
                while self.pictures.len() > IN_HAND {
                    self.drop_picture();
                }
                self.head = self.pictures.front().map(|(index, _)| *index);
            }
            // The first frame all of whose sound is there.
            false => {
                let whole = self.rate.sample(IN_HAND as u64);
                let last = self.first_sample + self.sound.len() as u64;
                let from = Duration::from_secs_f64(last.saturating_sub(whole) as f64 / 48e3);
                self.head = Some(self.rate.frames_in(from));
            }
        }
        self.head.is_some()
    }

    /// Both begin at the same frame: what was lost of one is left out of the other.
    fn align(&mut self) {
        let Some((index, _)) = self.pictures.front() else {
            return self.align_sound();
        };
        let head = self.head.unwrap_or(0).max(*index);
        self.head = Some(head);
        while self
            .pictures
            .front()
            .is_some_and(|(index, _)| *index < head)
        {
            self.drop_picture();
        }
        self.align_sound();
    }

    /// Frames are not whole numbers of samples: a few too many or too few are no reason to cut.
    fn align_sound(&mut self) {
        let due = self.rate.sample(self.head.unwrap_or(0));
        let early = due.saturating_sub(self.first_sample);
        if early > 8 {
            self.drop_sound(usize::try_from(early).unwrap_or(usize::MAX));
        }
        let missing = self.first_sample.saturating_sub(due);
        if missing > 8 && !self.sound.is_empty() {
            let missing = missing.min(self.rate.sample(self.rate.frames_in(LONGEST)));
            (0..missing).for_each(|_| self.sound.push_front([0; 2]));
            self.first_sample -= missing;
        }
    }

    /// The oldest is not shown.
    fn drop_picture(&mut self) {
        if let Some((_, old)) = self.pictures.pop_front() {
            self.recycle(old);
        }
    }

    fn drop_sound(&mut self, count: usize) {
        let count = count.min(self.sound.len());
        self.sound.drain(..count);
        self.first_sample += count as u64;
    }

    /// What was in hand all the time for nothing is left out.
    fn trim(&mut self, left: usize) {
        self.fewest = self.fewest.min(left);
        self.watched += 1;
        if self.watched < 2 * self.rate.frames_in(Duration::from_secs(1)) {
            return;
        }
        let beyond = self.fewest.saturating_sub(IN_HAND) as u64;
        self.head = self.head.map(|head| head + beyond);
        (self.fewest, self.watched) = (usize::MAX, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::of_milli(30_000);
    const BOTH: Kinds = Kinds {
        pictures: true,
        sound: true,
    };

    /// Each picture and each sample says which it is.
    struct Source {
        intake: Intake,
        pictures: u64,
        samples: u64,
    }

    impl Source {
        fn new(kinds: Kinds) -> Self {
            Self {
                intake: Intake::new(RATE, kinds),
                pictures: 0,
                samples: 0,
            }
        }

        fn pictures(&mut self, count: u64) {
            for _ in 0..count {
                let mut picture = Picture::new(2, 2).unwrap();
                picture.bytes_mut()[0] = self.pictures as u8;
                self.intake.push_picture(picture);
                self.pictures += 1;
            }
        }

        /// As much as belongs to so many frames.
        fn sound(&mut self, frames: u64) {
            for _ in 0..frames * 1_600 {
                let frame = (self.samples / 1_600) as i16;
                self.intake.push_sound([[frame, frame]]);
                self.samples += 1;
            }
        }

        /// Which picture is new, and to which frame the sound belongs.
        fn take(&mut self) -> (Option<u8>, i16) {
            let mut samples = Vec::new();
            let (_, picture) = self.intake.take(1_600, &mut samples);
            assert_eq!(samples.len(), 1_600);
            (picture.map(|it| it.bytes()[0]), samples[800][0])
        }
    }

    #[test]
    fn a_decoder_that_catches_up_is_shown_from_its_newest_on() {
        let mut source = Source::new(BOTH);
        source.pictures(20);
        source.sound(20);
        assert_eq!(source.take().0, None, "more is coming");
        source.pictures(1);
        source.sound(1);
        assert_eq!(source.take(), (Some(18), 18));
        for n in 19..60 {
            source.pictures(1);
            source.sound(1);
            assert_eq!(
                source.take(),
                (Some(n), n.into()),
                "one a frame, sound with it"
            );
        }
    }

    #[test]
    fn bursts_are_shown_evenly() {
        let mut source = Source::new(BOTH);
        let mut shown = Vec::new();
        for n in 0..120 {
            if n % 4 == 0 {
                source.pictures(4);
                source.sound(4);
            }
            shown.extend(source.take().0);
        }
        let steps = shown.windows(2).skip(10).map(|pair| pair[1] - pair[0]);
        assert!(steps.clone().all(|step| step == 1), "{shown:?}");
        assert!(shown.len() > 100, "{}", shown.len());
    }

    #[test]
    fn sound_that_comes_late_is_waited_for_and_what_never_comes_is_not() {
        let mut source = Source::new(BOTH);
        let mut heard = 0;
        for n in 0..90 {
            source.pictures(1);
            if n >= 15 {
                source.sound(1);
            }
            let (picture, sound) = source.take();
            if let Some(picture) = picture {
                assert_eq!(i16::from(picture), sound, "at frame {n}");
                heard += 1;
            }
        }
        assert!(heard > 60, "{heard}");
        let mut mute = Source::new(BOTH);
        let shown = (0..200).filter(|_| {
            mute.pictures(1);
            mute.take().0.is_some()
        });
        assert!(shown.count() > 150);
    }

    #[test]
    fn a_source_that_stops_is_silent_and_goes_on_where_it_stopped() {
        let mut source = Source::new(BOTH);
        for _ in 0..10 {
            source.pictures(1);
            source.sound(1);
            source.take();
        }
        let held = (0..20).filter(|_| source.take() == (None, 0)).count();
        assert!(held >= 17, "{held}");
        source.pictures(3);
        source.sound(3);
        assert_eq!(source.take(), (Some(10), 10));
    }

    #[test]
    fn what_is_held_is_bounded_and_more_than_needed_is_let_go() {
        let mut source = Source::new(BOTH);
        source.pictures(5);
        source.sound(5);
        source.take();
        source.take();
        // A pause that came late all at once.
        source.pictures(25);
        source.sound(25);
        for _ in 0..200 {
            source.pictures(1);
            source.sound(1);
            source.take();
        }
        assert!(
            source.intake.pictures.len() <= IN_HAND + 2,
            "{}",
            source.intake.pictures.len()
        );
        let (picture, sound) = source.take();
        assert_eq!(picture.map(i16::from), Some(sound), "still together");
        source.pictures(10_000);
        source.sound(1_000);
        assert!(source.intake.pictures.len() <= 36);
        assert!(source.intake.sound.len() <= 36 * 1_600);
    }

    #[test]
    fn sound_alone_and_pictures_alone_are_sources_too() {
        let kinds = |pictures, sound| Kinds { pictures, sound };
        let mut sound = Source::new(kinds(false, true));
        let heard = (0..60).filter(|_| {
            sound.sound(1);
            sound.take().1 > 0
        });
        assert!(heard.count() > 50);
        let mut pictures = Source::new(kinds(true, false));
        let seen = (0..60).filter(|_| {
            pictures.pictures(1);
            pictures.take().0.is_some()
        });
        assert!(seen.count() > 55);
    }
}
