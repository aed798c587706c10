//! A prepared slate, and the endless line of frames that it is played as.

use super::recipe::Recipe;
use bytes::Bytes;
use media::ts::demux::Demuxer;
use media::ts::framer::Framer;
use media::{Convert, Frame, Ticks90k, TrackId, Tracks, TsChunk};
use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Pictures a second, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pictures: u32,
    seconds: u32,
}

impl Rate {
    /// Where the stream does not say.
    pub(super) const USUAL: Self = Self {
        pictures: 25,
        seconds: 1,
    };

    /// From pictures in 1000 s; the usual one where that is unknown or beyond 120 a second.
    pub(super) const fn of_milli(milli: u32) -> Self {
        let (pictures, seconds) = match milli {
            23_970..=23_980 => (24_000, 1_001),
            29_960..=29_980 => (30_000, 1_001),
            59_930..=59_950 => (60_000, 1_001),
            119_870..=119_890 => (120_000, 1_001),
            1_000..=120_000 => (milli, 1_000),
            _ => return Self::USUAL,
        };
        Self { pictures, seconds }
    }

    /// Pictures in 1000 s.
    pub(super) const fn milli(self) -> u32 {
        (self.pictures as u64 * 1_000 / self.seconds as u64) as u32
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pictures, self.seconds)
    }
}

/// What is wrong with what was prepared.
#[derive(Debug, thiserror::Error)]
#[error("what FFmpeg made of it lacks {0}")]
pub(super) struct Incomplete(&'static str);

/// A prepared slate.
#[derive(Debug)]
pub(super) struct Clip {
    tracks: Arc<Tracks>,
    pictures: Line,
    sounds: Line,
}

/// The frames of one track, and how far apart they are: `num / den` ticks.
#[derive(Debug, Default)]
struct Line {
    track: Option<TrackId>,
    frames: Vec<(Bytes, bool)>,
    num: i64,
    den: i64,
}

impl Clip {
    /// From a transport stream made by the recipe.
    ///
    /// # Errors
    /// If a track that the recipe asks for is not in it.
    pub(super) fn of_ts(recipe: &Recipe, ts: Bytes) -> Result<Self, Incomplete> {
        let (mut framer, mut runs) = (Framer::stream(), Vec::new());
        framer.push(ts, &mut runs);
        let (mut demuxer, mut frames) = (Demuxer::new(), Vec::new());
        for data in runs {
            let chunk = TsChunk {
                data,
                random_access: false,
                epoch: 0,
            };
            demuxer.convert(UNIX_EPOCH, &chunk, &mut frames);
        }
        demuxer.finish(&mut frames);
        let tracks = frames.last().map(|frame| frame.tracks.clone());
        let tracks = tracks.ok_or(Incomplete("any frame"))?;
        let line = |track: Option<&media::Track>, num, den| Line {
            track: track.map(|track| track.id),
            frames: track.map_or_else(Vec::new, |track| payloads(&frames, track.id)),
            num,
            den,
        };
        let pictures = recipe.picture.map_or_else(Line::default, |picture| {
            let Rate { pictures, seconds } = picture.rate;
            line(tracks.video(), 90_000 * i64::from(seconds), pictures.into())
        });
        let sounds = recipe.sound.map_or_else(Line::default, |sound| {
            let samples = 90_000 * i64::from(sound.samples());
            line(tracks.audio(), samples, sound.sample_rate_hz.into())
        });
        if recipe.picture.is_some() && !pictures.frames.first().is_some_and(|(_, start)| *start) {
            return Err(Incomplete("pictures"));
        }
        if recipe.sound.is_some() && sounds.frames.is_empty() {
            return Err(Incomplete("sound"));
        }
        Ok(Self {
            tracks,
            pictures,
            sounds,
        })
    }
}

fn payloads(frames: &[Frame], track: TrackId) -> Vec<(Bytes, bool)> {
    let frames = frames.iter().filter(|frame| frame.track == track);
    frames
        .map(|frame| (frame.payload.clone(), frame.random_access))
        .collect()
}

impl Line {
    /// When its n-th frame is due, after its beginning.
    const fn time(&self, n: u64) -> i64 {
        // 2^63 ticks of a line at 120 pictures a second are reached after 3 million years.
        if self.den == 0 {
            return i64::MAX;
        }
        (n as i128 * self.num as i128 / self.den as i128) as i64
    }
}

/// Plays a clip over and over, each track on its own exact clock: a line of pictures and a line
/// of sound, neither of which has a seam. Sound begins anew with the pictures.
#[derive(Debug)]
pub(super) struct Player {
    clip: Arc<Clip>,
    /// Where this clip began.
    base: Ticks90k,
    /// Frames given out of it.
    picture: u64,
    sound: u64,
    /// The sound that comes next, of those the clip has.
    next_sound: usize,
}

impl Player {
    /// From time 0 on.
    pub(super) const fn new(clip: Arc<Clip>) -> Self {
        Self {
            clip,
            base: Ticks90k::ZERO,
            picture: 0,
            sound: 0,
            next_sound: 0,
        }
    }

    /// Goes on with another clip, when all of what was given out has been played.
    pub(super) fn follow(&mut self, clip: Arc<Clip>) {
        let line = |line: &Line, n| {
            if line.frames.is_empty() {
                0
            } else {
                line.time(n)
            }
        };
        let picture = line(&self.clip.pictures, self.picture);
        let sound = line(&self.clip.sounds, self.sound);
        self.base += Ticks90k(picture.max(sound));
        (self.clip, self.picture, self.sound, self.next_sound) = (clip, 0, 0, 0);
    }

    /// When the next frame is due.
    pub(super) fn due(&self) -> Ticks90k {
        let (picture, sound) = self.times();
        self.base + Ticks90k(picture.min(sound))
    }

    /// The next frame.
    pub(super) fn next(&mut self) -> Option<Frame> {
        let due = self.due();
        let (picture, sound) = self.times();
        let (line, at) = if picture <= sound {
            let many = self.clip.pictures.frames.len() as u64;
            let at = self.picture.checked_rem(many)?;
            if at == 0 {
                self.next_sound = 0;
            }
            self.picture += 1;
            (&self.clip.pictures, at as usize)
        } else {
            let many = self.clip.sounds.frames.len();
            let at = self.next_sound.checked_rem(many)?;
            self.next_sound = at + 1;
            self.sound += 1;
            (&self.clip.sounds, at)
        };
        let (payload, start) = line.frames.get(at)?;
        Some(Frame {
            tracks: self.clip.tracks.clone(),
            track: line.track?,
            dts: due,
            pts: due,
            random_access: *start,
            epoch: 0,
            payload: payload.clone(),
        })
    }

    /// Of the next picture and the next sound; what there is none of is never due.
    fn times(&self) -> (i64, i64) {
        let Clip {
            pictures, sounds, ..
        } = &*self.clip;
        let at = |line: &Line, n| {
            if line.frames.is_empty() {
                i64::MAX
            } else {
                line.time(n)
            }
        };
        (at(pictures, self.picture), at(sounds, self.sound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pictures at 30000/1001 a second, and sound of 44.1 kHz.
    fn clip(payload: u8) -> Arc<Clip> {
        let rate = Rate::of_milli(29_970);
        let line = |track, many: u8, num, den| Line {
            track: Some(TrackId(track)),
            frames: (0..many)
                .map(|n| (Bytes::from(vec![payload, n]), n == 0))
                .collect(),
            num,
            den,
        };
        Arc::new(Clip {
            tracks: Arc::default(),
            pictures: line(0, 3, 90_000 * i64::from(rate.seconds), rate.pictures.into()),
            sounds: line(1, 5, 90_000 * 1_024, 44_100),
        })
    }

    #[test]
    fn neither_track_has_a_seam_however_long_it_plays() {
        let mut player = Player::new(clip(1));
        let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
        for _ in 0..100_000 {
            let due = player.due();
            let frame = player.next().unwrap();
            assert_eq!(frame.dts, due);
            let line = if frame.track.0 == 0 {
                &mut pictures
            } else {
                &mut sounds
            };
            line.push(frame);
        }
        for (n, frame) in pictures.iter().enumerate() {
            assert_eq!(frame.dts.0, n as i64 * 3_003);
            assert_eq!(frame.payload[1] as usize, n % 3);
            assert_eq!(frame.random_access, n % 3 == 0);
        }
        for (n, frame) in sounds.iter().enumerate() {
            assert_eq!(frame.dts.0, n as i64 * 90_000 * 1_024 / 44_100);
        }
        // Sound begins anew with the pictures: five frames of it are longer than three of those.
        assert!(sounds.iter().all(|frame| frame.payload[1] <= 4));
        assert!(sounds.iter().filter(|frame| frame.payload[1] == 0).count() > 10_000);
    }

    #[test]
    fn another_clip_goes_on_where_the_last_one_ended() {
        let mut player = Player::new(clip(1));
        let mut last = Ticks90k::ZERO;
        for n in 0..1_000 {
            if n % 7 == 6 {
                player.follow(clip(2));
            }
            let frame = player.next().unwrap();
            assert!(frame.dts >= last, "{frame:?} after {last:?}");
            assert!(n % 7 != 6 || frame.random_access);
            last = frame.dts;
        }
    }

    #[test]
    fn rates_of_american_television_are_exact() {
        for (milli, text) in [
            (29_970, "30000/1001"),
            (23_976, "24000/1001"),
            (25_000, "25000/1000"),
            (12_500, "12500/1000"),
            (0, "25/1"),
            (1_000_000, "25/1"),
        ] {
            assert_eq!(Rate::of_milli(milli).to_string(), text);
        }
    }
}
