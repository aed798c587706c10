//! RTP clocks of one peer on one timeline.
//!
//! Each RTP clock begins anywhere (RFC 3550 §5.1). A track begins where its first packet arrived;
//! once sender reports tell how the clocks belong together, tracks follow them.

use media::Ticks90k;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Below this nobody sees or hears it (ITU-R BT.1359 finds 45 ms); a step costs more.
const TOLERANCE: Ticks90k = Ticks90k(20 * 90);

/// A step beyond this is a broken report, not lip sync.
const BEYOND: Ticks90k = Ticks90k(10 * 90_000);

/// The clock of one track.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// Timeline minus RTP time, in 90 kHz.
    offset: Option<i64>,
    /// Wall clock of the peer minus RTP time, in 90 kHz, by its last report.
    wall: Option<i64>,
    newest: Option<Ticks90k>,
}

/// What a sender report says (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    /// The peer's wall clock.
    pub(super) wall: SystemTime,
    /// The RTP time of that moment, in 90 kHz.
    pub(super) rtp: i64,
}

impl Clock {
    /// Where a unit lies on the timeline, which began at `began`. Never before the last one.
    pub(super) fn place(&mut self, rtp: i64, arrived: Instant, began: Instant) -> Ticks90k {
        let offset = *self.offset.get_or_insert_with(|| {
            let since = arrived.saturating_duration_since(began);
            ticks(since).saturating_sub(rtp)
        });
        let next = self.newest.map_or(i64::MIN, |newest| newest.0 + 1);
        let time = Ticks90k(rtp.saturating_add(offset).max(next));
        self.newest = Some(time);
        time
    }

    /// Remembers a report.
    pub(super) fn report(&mut self, report: Report) {
        let since = report.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.wall = Some(ticks(since).saturating_sub(report.rtp));
    }

    /// Moves to where reports say that it belongs beside another track.
    pub(super) fn follow(&mut self, other: &Self) {
        let (Some(offset), Some(wall)) = (self.offset, self.wall) else {
            return;
        };
        let (Some(its_offset), Some(its_wall)) = (other.offset, other.wall) else {
            return;
        };
        // What happened at the same time of the peer's clock lies at the same place.
        let wanted = wall.saturating_sub(its_wall).saturating_add(its_offset);
        let step = wanted.saturating_sub(offset).saturating_abs();
        if step > TOLERANCE.0 && step < BEYOND.0 {
            self.offset = Some(wanted);
        }
    }
}

fn ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros() * 9 / 100).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seconds: f64, rtp: i64) -> Report {
        Report {
            wall: UNIX_EPOCH + Duration::from_secs_f64(1_700_000_000.0 + seconds),
            rtp,
        }
    }

    #[test]
    fn tracks_begin_where_they_arrive_and_follow_the_reports() {
        let began = Instant::now();
        let (mut video, mut audio) = (Clock::default(), Clock::default());
        assert_eq!(video.place(5_000_000, began, began), Ticks90k(0));
        // The sound of the same moment comes 100 ms later.
        let late = began + Duration::from_millis(100);
        assert_eq!(audio.place(7_000, late, began), Ticks90k(9_000));
        audio.follow(&video);
        assert_eq!(
            audio.place(8_800, late, began),
            Ticks90k(10_800),
            "no reports yet"
        );
        video.report(report(10.0, 5_000_000));
        audio.report(report(10.0, 7_000));
        audio.follow(&video);
        assert_eq!(audio.place(106_000, late, began), Ticks90k(99_000));
    }

    #[test]
    fn jitter_and_broken_reports_move_nothing_and_time_never_goes_back() {
        let now = Instant::now();
        let (mut video, mut audio) = (Clock::default(), Clock::default());
        video.place(0, now, now);
        audio.place(0, now, now);
        video.report(report(0.0, 0));
        for seconds in [0.015, 4000.0, -4000.0] {
            audio.report(report(seconds, 0));
            audio.follow(&video);
        }
        assert_eq!(audio.place(1_800, now, now), Ticks90k(1_800));
        audio.report(report(-0.5, 0));
        audio.follow(&video);
        assert_eq!(
            audio.place(3_600, now, now),
            Ticks90k(1_801),
            "held back, not reversed"
        );
        assert_eq!(audio.place(90_000, now, now), Ticks90k(45_000));
        let mut clock = Clock::default();
        clock.place(i64::MIN, now, now);
        clock.place(i64::MAX, now, now);
    }
}
