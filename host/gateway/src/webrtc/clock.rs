//! RTP clocks of one peer on one timeline.
//!
//! Each RTP clock begins anywhere (RFC 3550 §5.1). A track begins where its first packet arrived;
//! once sender reports tell how the clocks belong together, tracks follow them.

use media::Ticks90k;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Below this nobody sees or hears it (ITU-R BT.1359 finds 45 ms); a step costs more.
const TOLERANCE: Ticks90k = Ticks90k(20 * 90);

/// Nobody's clocks drift that far from one report to the next: they were set anew.
const SET_ANEW: Ticks90k = Ticks90k(100 * 90);

/// A track is moved by at most one part in so many of the time that passes, which nobody hears.
const SLOWNESS: i64 = 500;

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
    /// RTP time of the newest unit.
    last: Option<i64>,
    /// What the offset is on its way to, once reports told.
    wanted: Option<i64>,
    /// By how much it was moved since, for drift.
    moved: i64,
    follows: bool,
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
    /// Where sound lies on the timeline, which began at `began`. Never before the last one.
    pub(super) fn place(&mut self, rtp: i64, arrived: Instant, began: Instant) -> Ticks90k {
        let time = self.present(rtp, arrived, began);
        let next = self.newest.map_or(i64::MIN, |newest| newest.0 + 1);
        let time = Ticks90k(time.0.max(next));
        self.newest = Some(time);
        time
    }

    /// When a picture is shown, on the same timeline; they may come in another order.
    pub(super) fn present(&mut self, rtp: i64, arrived: Instant, began: Instant) -> Ticks90k {
        let offset = *self.offset.get_or_insert_with(|| {
            let since = arrived.saturating_duration_since(began);
            ticks(since).saturating_sub(rtp)
        });
        let last = self.last.replace(rtp).unwrap_or(rtp);
        let most = rtp.saturating_sub(last).clamp(0, 90_000) / SLOWNESS;
        let to_go = self
            .wanted
            .map_or(0, |wanted| wanted.saturating_sub(offset));
        let by = to_go.clamp(-most, most);
        self.moved = self.moved.saturating_add(by);
        let offset = offset.saturating_add(by);
        self.offset = Some(offset);
        Ticks90k(rtp.saturating_add(offset))
    }

    /// Whether it was found to drift from the other.
    pub(super) const fn follows(&self) -> bool {
        self.follows
    }

    /// By how much it was moved for that.
    pub(super) const fn moved(&self) -> Ticks90k {
        Ticks90k(self.moved)
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
        if step >= BEYOND.0 {
            return;
        }
        if step <= TOLERANCE.0 {
            self.wanted.get_or_insert(offset);
            return;
        }
        // At once by the first reports and where clocks were set anew; drift is slow.
        match self.wanted.is_none() || step > SET_ANEW.0 {
            true => self.offset = Some(wanted),
            false => self.follows = true,
        }
        self.wanted = Some(wanted);
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
