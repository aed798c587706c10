//! The clapperboard: a picture that is white and a tone that sounds for the first 100 ms of
//! each second, and what a reader's decoded frames say about the way between.

use std::fmt;

/// FFmpeg's source of the picture: black, with the flash.
pub const PICTURE: &str =
    "color=black:size=320x180:rate=25,drawbox=color=white:t=fill:enable='lt(mod(t,1),0.1)'";

/// FFmpeg's source of the sound: silence, with the beep.
pub const SOUND: &str = "aevalsrc='if(lt(mod(t,1),0.1),0.5*sin(2*PI*1000*t),0)':s=48000";

/// Seconds from one picture to the next.
const PICTURE_INTERVAL: f64 = 0.040;

/// Samples of the sound's level are taken over this many frames of 48 kHz.
pub const SOUND_BLOCK: usize = 480;

/// Seconds from one sample of the level to the next.
const SOUND_INTERVAL: f64 = 0.010;

/// What timestamps in milliseconds (FLV) and 1024-sample audio frames in 90 kHz (TS) may round.
const ROUNDING: f64 = 0.005;

/// Between black (16) and white (235).
const FLASH_LUMA: f64 = 125.0;

/// Between an encoder's silence (below -50 dB) and the beep (-9 dB).
const BEEP_DB: f64 = -30.0;

/// How far a beep may begin from its flash. The flash is on a picture's timestamp; the beep is
/// seen to 10 ms, and rounding adds some. A sound off by one AAC frame (21 ms) fails.
const SYNC: f64 = 0.018;

/// A decoded frame: when it is shown, in seconds, and its level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Presentation time, seconds.
    pub at: f64,
    /// Mean luma, or decibels of full scale.
    pub level: f64,
}

/// What a reader decoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Take {
    /// Every picture.
    pub picture: Vec<Sample>,
    /// Every 10 ms of sound.
    pub sound: Vec<Sample>,
}

impl Take {
    /// What is wrong with it, for a reader that was to see this many seconds; empty if nothing.
    pub fn faults(&self, seconds: f64) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(irregular("picture", &self.picture, PICTURE_INTERVAL));
        faults.extend(irregular("sound", &self.sound, SOUND_INTERVAL));
        faults.extend(short("picture", &self.picture, seconds));
        faults.extend(short("sound", &self.sound, seconds));
        faults.extend(self.unsynchronous(seconds));
        faults
    }

    /// What is wrong with it, of a source that is no clapper: only frames are looked at.
    pub fn gaps(&self, seconds: f64) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(irregular("picture", &self.picture, PICTURE_INTERVAL));
        faults.extend(short("picture", &self.picture, seconds));
        faults.extend(short("sound", &self.sound, seconds));
        faults
    }

    /// Times at which the picture turns white.
    pub fn flashes(&self) -> Vec<f64> {
        rises(&self.picture, FLASH_LUMA)
    }

    /// Times at which the beep begins.
    pub fn beeps(&self) -> Vec<f64> {
        rises(&self.sound, BEEP_DB)
    }

    /// How long after each flash its beep begins, in seconds; none where none is near.
    pub fn offsets(&self) -> Vec<(f64, Option<f64>)> {
        let beeps = self.beeps();
        let nearest = |flash: f64| {
            let offsets = beeps.iter().map(|beep| beep - flash);
            offsets.min_by(|a, b| a.abs().total_cmp(&b.abs()))
        };
        let flashes = self.flashes().into_iter();
        let heard = flashes.filter(|at| self.is_heard(*at));
        heard
            .map(|at| (at, nearest(at).filter(|offset| offset.abs() < 0.5)))
            .collect()
    }

    fn unsynchronous(&self, seconds: f64) -> Vec<String> {
        let flashes = self.flashes();
        let mut faults = Vec::new();
        let mut pairs = 0;
        for (flash, offset) in self.offsets() {
            match offset {
                Some(offset) if offset.abs() <= SYNC => pairs += 1,
                offset => faults.push(format!("flash at {flash:.3} s: beep after {offset:?} s")),
            }
        }
        // The first flash may have been before, the last one after what was read.
        if f64::from(pairs) < seconds - 2.0 {
            faults.push(format!(
                "only {pairs} flashes with beeps: {flashes:.3?} {:.3?}",
                self.beeps()
            ));
        }
        for pair in flashes.windows(2) {
            if (pair[1] - pair[0] - 1.0).abs() > ROUNDING {
                faults.push(format!("flashes at {:.3} s and {:.3} s", pair[0], pair[1]));
            }
        }
        faults
    }

    /// Whether sound was decoded well around that time.
    fn is_heard(&self, at: f64) -> bool {
        const AROUND: f64 = 0.2;
        match (self.sound.first(), self.sound.last()) {
            (Some(first), Some(last)) => first.at + AROUND <= at && at + AROUND <= last.at,
            _ => false,
        }
    }
}

impl fmt::Display for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |samples: &[Sample]| match (samples.first(), samples.last()) {
            (Some(first), Some(last)) => format!("{:.3} to {:.3} s", first.at, last.at),
            _ => "none".to_owned(),
        };
        write!(
            f,
            "{} pictures ({}), {} blocks of sound ({}), beeps after flashes by",
            self.picture.len(),
            span(&self.picture),
            self.sound.len(),
            span(&self.sound),
        )?;
        self.offsets()
            .iter()
            .try_for_each(|(_, offset)| match offset {
                Some(offset) => write!(f, " {:.1}", offset * 1e3),
                None => write!(f, " -"),
            })?;
        write!(f, " ms")
    }
}

fn irregular(what: &str, samples: &[Sample], interval: f64) -> Vec<String> {
    let pairs = samples.windows(2);
    let off = pairs.filter(|pair| (pair[1].at - pair[0].at - interval).abs() > ROUNDING);
    off.map(|pair| {
        format!(
            "{what}: {:.4} s is followed by {:.4} s",
            pair[0].at, pair[1].at
        )
    })
    .take(10)
    .collect()
}

fn short(what: &str, samples: &[Sample], seconds: f64) -> Option<String> {
    let (first, last) = (samples.first()?.at, samples.last()?.at);
    // What is read counts from the first frame of either kind; the other may begin a GOP later.
    (last - first < seconds - 1.2).then(|| format!("{what}: {:.2} s of {seconds} s", last - first))
}

/// Times at which the level goes from below to above.
fn rises(samples: &[Sample], level: f64) -> Vec<f64> {
    let pairs = samples.windows(2);
    pairs
        .filter(|pair| pair[0].level < level && pair[1].level >= level)
        .map(|pair| pair[1].at)
        .collect()
}

/// Reads what FFmpeg's filters `metadata=print` and `ametadata=print` write: a line with the
/// frame's `pts_time`, then one with the value.
pub fn parse(printed: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut at = None;
    for line in printed.lines() {
        if let Some((_, time)) = line.split_once("pts_time:") {
            at = time.trim().parse().ok();
        } else if let (Some(at), Some((_, level))) = (at.take(), line.split_once('='))
            && let Ok(level) = level.trim().parse()
        {
            samples.push(Sample { at, level });
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of the clapper as it is sent.
    fn sent() -> Take {
        let samples = |interval: f64, count: u32, loud: f64, low: f64| {
            let at = move |n: u32| f64::from(n) * interval;
            let level = move |n: u32| if at(n).fract() < 0.0999 { loud } else { low };
            (0..count)
                .map(move |n| Sample {
                    at: at(n),
                    level: level(n),
                })
                .collect()
        };
        Take {
            picture: samples(PICTURE_INTERVAL, 250, 235.0, 16.0),
            sound: samples(SOUND_INTERVAL, 1000, -9.0, f64::NEG_INFINITY),
        }
    }

    #[test]
    fn what_was_sent_has_no_fault() {
        assert_eq!(sent().faults(10.0), [""; 0]);
        assert_eq!(sent().flashes().len(), 9, "the first has no edge");
    }

    #[test]
    fn a_lost_picture_is_a_fault() {
        let mut take = sent();
        take.picture.remove(100);
        assert!(take.faults(10.0)[0].starts_with("picture: 3.9600 s is followed by 4.0400 s"));
        take.picture.truncate(50);
        assert!(
            take.gaps(10.0)
                .iter()
                .any(|fault| fault.contains("1.96 s of 10 s"))
        );
    }

    #[test]
    fn sound_that_is_late_by_one_aac_frame_is_a_fault() {
        let mut take = sent();
        take.sound.iter_mut().for_each(|sample| sample.at += 0.0213);
        let faults = take.faults(10.0);
        assert!(
            faults[0].starts_with("flash at 1.000 s: beep after Some(0.02"),
            "{faults:?}"
        );
    }

    #[test]
    fn lost_sound_is_a_fault() {
        let mut take = sent();
        take.sound.drain(300..302);
        assert!(take.faults(10.0)[0].starts_with("sound: 2.9900 s is followed by 3.0200 s"));
    }

    #[test]
    fn silence_is_a_fault() {
        let mut take = sent();
        take.sound
            .iter_mut()
            .for_each(|sample| sample.level = -90.0);
        assert!(!take.faults(10.0).is_empty());
        take.sound.clear();
        assert!(!take.faults(10.0).is_empty());
    }

    #[test]
    fn what_ffmpeg_prints_is_read() {
        let printed = "frame:0    pts:480     pts_time:0.01\nlavfi.astats.Overall.RMS_level=-inf\n\
                       frame:1    pts:960     pts_time:0.02\nlavfi.astats.Overall.RMS_level=-9.5\nframe:2  pts:";
        let expected = [(0.01, f64::NEG_INFINITY), (0.02, -9.5)];
        assert_eq!(
            parse(printed),
            expected.map(|(at, level)| Sample { at, level })
        );
    }
}
