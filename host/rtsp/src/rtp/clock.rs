//! RTP timestamps of several tracks on one timeline of 90 kHz ticks.

use super::rtcp::{Ntp, SenderReport};
use std::time::Duration;

/// Ticks a second.
const TICKS: i128 = 90_000;

/// The clocks of all tracks of one session.
///
/// A track is placed by when its first packet came, until its sender reports tell how its clock
/// stands to the wall (RFC 3550 §6.4.1); the first track to have a report stays where it is, the
/// others are moved beside it.
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
    reported: bool,
}

impl Clock {
    /// For tracks of these rates in Hz, numbered in that order.
    pub fn new(rates_hz: impl IntoIterator<Item = u32>) -> Self {
        let track = |hz: u32| Track {
            hz: hz.max(1),
            last: None,
            offset: 0,
            reported: false,
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
        track.last = Some(unwrapped);
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
        // Reports jitter by some milliseconds; only what is heard or seen is worth a step.
        if !track.reported || wanted.abs_diff(place) > 90 * 40 {
            track.offset = track.offset.saturating_add(wanted.saturating_sub(place));
            track.reported = true;
        }
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
        }
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
    fn timestamps_go_on_over_a_wrap_and_step_back_for_reordered_pictures() {
        let mut clock = Clock::new([90_000]);
        assert_eq!(clock.place(0, u32::MAX - 99, ms(0)), Some(0));
        assert_eq!(clock.place(0, 3_500, ms(40)), Some(3_600));
        assert_eq!(clock.place(0, u32::MAX, ms(50)), Some(99));
    }
}
