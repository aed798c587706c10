//! RTP timestamps of several tracks on one timeline of 90 kHz ticks.

use super::rtcp::{Ntp, SenderReport};
use std::time::Duration;

/// Ticks a second.
const TICKS: i128 = 90_000;

/// Reports jitter by some milliseconds; what they are apart beyond is drift.
const TOLERANCE: u64 = 10 * 90;

/// Nobody's clocks drift that far from one report to the next: they were set anew.
const SET_ANEW: u64 = 100 * 90;

/// A track is moved by at most one part in so many of the time that passes, which nobody hears.
const SLOWNESS: i64 = 500;

/// The clocks of all tracks of one session.
///
/// A track is placed by when its first packet came, until its sender reports tell how its clock
/// stands to the wall (RFC 3550 §6.4.1); the first track to have a report stays where it is, the
/// others are moved beside it: at once by their first report and where clocks were set anew, and
/// else slowly, since clocks drift slowly.
#[derive(Debug)]
pub struct Clock {
    tracks: Vec<Track>,
    /// A moment of the sender's wall clock, and its place in the timeline.
    reference: Option<(Ntp, i64)>,
}

#[derive(Debug)]
struct Track {
    hz: u32,
    /// The unwrapped timestamp last seen.
    last: Option<i64>,
    /// Added to a timestamp in ticks.
    offset: i64,
    /// What the offset is on its way to.
    wanted: i64,
    reported: bool,
    /// It was found to drift.
    follows: bool,
    /// By how much it was moved for that, ticks.
    moved: i64,
    wraps: u64,
}

impl Clock {
    /// For tracks of these rates in Hz, numbered in that order.
    pub fn new(rates_hz: impl IntoIterator<Item = u32>) -> Self {
        let track = |hz: u32| Track {
            hz: hz.max(1),
            last: None,
            offset: 0,
            wanted: 0,
            reported: false,
            follows: false,
            moved: 0,
            wraps: 0,
        };
        Self {
            tracks: rates_hz.into_iter().map(track).collect(),
            reference: None,
        }
    }

    /// The place of a timestamp; `since_start` is when its packet came. `None` for a track that
    /// is not there.
    pub fn place(&mut self, track: usize, timestamp: u32, since_start: Duration) -> Option<i64> {
        let track = self.tracks.get_mut(track)?;
        track.settle(timestamp, since_start);
        let unwrapped = track.unwrap(timestamp);
        track.advance(unwrapped);
        Some(track.ticks(unwrapped))
    }

    /// Takes a sender's word about a track.
    pub fn report(&mut self, track: usize, report: &SenderReport, since_start: Duration) {
        // Some cameras have no wall clock and say 0.
        let Some(track) = self.tracks.get_mut(track).filter(|_| report.ntp.0 != 0) else {
            return;
        };
        track.settle(report.timestamp, since_start);
        let place = track.ticks(track.unwrap(report.timestamp));
        let Some((ntp, at)) = self.reference else {
            self.reference = Some((report.ntp, place));
            track.reported = true;
            return;
        };
        let wanted = at.saturating_add(report.ntp.ticks_since(ntp));
        let away = wanted.saturating_sub(place);
        let to = track.offset.saturating_add(away);
        if !track.reported || away.unsigned_abs() > SET_ANEW {
            (track.offset, track.wanted) = (to, to);
        } else if away.unsigned_abs() > TOLERANCE {
            (track.wanted, track.follows) = (to, true);
        }
        track.reported = true;
    }

    /// How many tracks were found to drift.
    pub fn drifts(&self) -> u64 {
        self.tracks
            .iter()
            .map(|track| u64::from(track.follows))
            .sum()
    }

    /// By how much the track is moved that is moved most, in ticks.
    pub fn moved(&self) -> i64 {
        let moved = self.tracks.iter().map(|track| track.moved);
        moved.max_by_key(|by| by.unsigned_abs()).unwrap_or_default()
    }

    /// How often timestamps have wrapped, of all tracks.
    pub fn wraps(&self) -> u64 {
        self.tracks.iter().map(|track| track.wraps).sum()
    }

    /// Whether the sender has told the time of every track that sends.
    pub fn is_settled(&self) -> bool {
        self.tracks.iter().all(|track| track.reported)
    }
}

impl Track {
    /// Places the track by when its first packet came.
    fn settle(&mut self, timestamp: u32, since_start: Duration) {
        if self.last.is_none() {
            let unwrapped = i64::from(timestamp);
            let arrived = (since_start.as_micros() as i128 * TICKS / 1_000_000) as i64;
            self.last = Some(unwrapped);
            self.offset = arrived - self.scaled(unwrapped);
            self.wanted = self.offset;
        }
    }

    /// Goes on to a timestamp, and some way to where the track belongs.
    fn advance(&mut self, unwrapped: i64) {
        let last = self.last.replace(unwrapped).unwrap_or(unwrapped);
        self.wraps += u64::from(unwrapped >> 32 > last >> 32);
        let passed = self.scaled(unwrapped).saturating_sub(self.scaled(last));
        let most = passed.clamp(0, TICKS as i64) / SLOWNESS;
        let by = self.wanted.saturating_sub(self.offset).clamp(-most, most);
        self.offset = self.offset.saturating_add(by);
        self.moved = self.moved.saturating_add(by);
    }

    fn unwrap(&self, timestamp: u32) -> i64 {
        let Some(last) = self.last else {
            return i64::from(timestamp);
        };
        let step = timestamp.wrapping_sub(last as u32) as i32;
        last.saturating_add(i64::from(step))
    }

    fn scaled(&self, unwrapped: i64) -> i64 {
        (i128::from(unwrapped) * TICKS).div_euclid(i128::from(self.hz)) as i64
    }

    fn ticks(&self, unwrapped: i64) -> i64 {
        self.scaled(unwrapped).saturating_add(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn report(at: SystemTime, timestamp: u32) -> SenderReport {
        SenderReport {
            ssrc: 0,
            ntp: Ntp::of(at),
            timestamp,
            packets: 0,
            bytes: 0,
        }
    }

    #[test]
    fn until_there_is_a_report_arrival_places_a_track() {
        let mut clock = Clock::new([90_000, 48_000]);
        assert_eq!(clock.place(0, 5, ms(0)), Some(0));
        assert_eq!(clock.place(1, 1_000, ms(100)), Some(9_000));
        assert_eq!(clock.place(0, 9_005, ms(130)), Some(9_000), "its own clock");
        assert_eq!(clock.place(1, 49_000, ms(900)), Some(99_000));
        assert_eq!(clock.place(2, 0, ms(0)), None);
    }

    #[test]
    fn reports_bring_tracks_together_and_leave_the_first_where_it_is() {
        let mut clock = Clock::new([90_000, 48_000]);
        let wall = UNIX_EPOCH + Duration::from_secs(1_000_000);
        clock.place(0, 0, ms(0));
        clock.place(1, 0, ms(300));
        clock.report(0, &report(wall, 0), ms(310));
        clock.report(1, &report(wall + ms(100), 0), ms(310));
        assert!(clock.is_settled());
        assert_eq!(clock.place(0, 90_000, ms(1_000)), Some(90_000));
        assert_eq!(clock.place(1, 48_000, ms(1_300)), Some(99_000));
    }

    #[test]
    fn sound_that_drifts_is_followed_in_steps_that_nobody_hears() {
        let mut clock = Clock::new([90_000, 48_000]);
        let wall = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (mut last, mut longest) = (0, 0);
        for n in 0..30_000u32 {
            // Frames of 20 ms of a sound card that makes a thousandth too many.
            let at = ms(u64::from(n) * 20);
            let sound = n * 961 - n / 25;
            clock.place(0, n * 1_800, at);
            let place = clock.place(1, sound, at).unwrap();
            (longest, last) = (longest.max(place - last), place);
            if n % 250 == 0 {
                clock.report(0, &report(wall + at, n * 1_800), at);
                clock.report(1, &report(wall + at, sound), at);
            }
        }
        let away = last - 29_999 * 1_800;
        assert!(away.abs() < 30 * 90, "{away} of 54000");
        assert!(longest <= 1_810, "{longest}");
        assert_eq!(clock.drifts(), 1);
        assert!(clock.moved() < -40_000, "{}", clock.moved());
    }

    #[test]
    fn timestamps_go_on_over_a_wrap_and_step_back_for_reordered_pictures() {
        let mut clock = Clock::new([90_000]);
        assert_eq!(clock.place(0, u32::MAX - 99, ms(0)), Some(0));
        assert_eq!(clock.place(0, 3_500, ms(40)), Some(3_600));
        assert_eq!(clock.place(0, u32::MAX, ms(50)), Some(99));
        assert_eq!(clock.place(0, 7_100, ms(80)), Some(7_200));
    }
}
