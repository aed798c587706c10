//! A long asset as a row of segments.
//!
//! Cuts stand at multiples of the segment's length, so that they stay where they are whatever was
//! played. What was played is known as parts of the asset, which need not fit the cuts: other
//! settings may have been in force, and a player cuts where a keyframe is. So a segment counts as
//! played when half of it was, and as played when the latest of these parts was.

use pointsman_sdk::library::Asset;
use pointsman_sdk::selection::Item;

/// How assets are cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Length of a segment, milliseconds; at least 1.
    pub(crate) length_ms: u64,
    /// A remainder shorter than this goes with the segment before it, milliseconds.
    pub(crate) min_ms: u64,
}

/// A part of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Its place in the row, from 0.
    pub(crate) index: u64,
    /// How many segments the asset has.
    pub(crate) of: u64,
    /// Where it begins within the asset, milliseconds.
    pub(crate) start_ms: u64,
    /// Where it ends, milliseconds.
    pub(crate) end_ms: u64,
    /// When it was last played or will be, milliseconds since 1970; none: never.
    pub(crate) played_unix_ms: Option<u64>,
}

/// The first segment that was never played, else the one not played for longest.
pub(crate) fn least_recent(asset: &Asset, history: &[Item], shape: Shape) -> Segment {
    let of = count(asset.duration_ms, shape);
    let stretches = stretches(asset, history);
    let mut rest = stretches.as_slice();
    let mut best: Option<Segment> = None;
    for index in 0..of {
        let start_ms = index * shape.length_ms;
        let end_ms = match index + 1 == of {
            true => asset.duration_ms,
            false => start_ms + shape.length_ms,
        };
        // Stretches are in order, as segments are: what lies before this one concerns no later one.
        let passed = rest.iter().take_while(|it| it.end_ms <= start_ms).count();
        rest = rest.get(passed..).unwrap_or_default();
        let played_unix_ms = played(rest, start_ms, end_ms);
        if best.is_none_or(|best| played_unix_ms < best.played_unix_ms) {
            best = Some(Segment {
                index,
                of,
                start_ms,
                end_ms,
                played_unix_ms,
            });
        }
        if played_unix_ms.is_none() {
            break;
        }
    }
    best.unwrap_or(Segment {
        index: 0,
        of: 1,
        start_ms: 0,
        end_ms: asset.duration_ms,
        played_unix_ms: None,
    })
}

/// How many segments an asset has.
fn count(duration_ms: u64, shape: Shape) -> u64 {
    let whole = duration_ms / shape.length_ms;
    let remainder = duration_ms % shape.length_ms;
    let separate = remainder > 0 && remainder >= shape.min_ms;
    (whole + u64::from(separate)).max(1)
}

/// When a segment was last played, if half of it was.
fn played(stretches: &[Stretch], start_ms: u64, end_ms: u64) -> Option<u64> {
    let mut covered = 0;
    let mut latest = 0;
    for stretch in stretches.iter().take_while(|it| it.start_ms < end_ms) {
        let overlap = stretch
            .end_ms
            .min(end_ms)
            .saturating_sub(stretch.start_ms.max(start_ms));
        if overlap > 0 {
            covered += overlap;
            latest = latest.max(stretch.played_unix_ms);
        }
    }
    (covered * 2 >= end_ms - start_ms).then_some(latest)
}

/// A part of the asset over which the time of its last playing is the same.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start_ms: u64,
    end_ms: u64,
    played_unix_ms: u64,
}

/// The parts played, cut where they overlap: in order, each millisecond at most once.
fn stretches(asset: &Asset, history: &[Item]) -> Vec<Stretch> {
    let parts = parts(asset, history);
    let mut cuts: Vec<u64> = parts
        .iter()
        .flat_map(|part| [part.start_ms, part.end_ms])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let between = cuts.windows(2).filter_map(|cut| match cut {
        [start_ms, end_ms] => Some((*start_ms, *end_ms)),
        _ => None,
    });
    let stretch = |(start_ms, end_ms)| {
        let over = parts
            .iter()
            .filter(|it| it.start_ms <= start_ms && it.end_ms >= end_ms);
        let played_unix_ms = over.map(|it| it.played_unix_ms).max()?;
        Some(Stretch {
            start_ms,
            end_ms,
            played_unix_ms,
        })
    };
    between.filter_map(stretch).collect()
}

/// What the library and the channel's history know of; both are bounded by the host.
fn parts(asset: &Asset, history: &[Item]) -> Vec<Stretch> {
    let known = asset.segments.iter().map(|it| Stretch {
        start_ms: it.start_ms,
        end_ms: it.end_ms,
        played_unix_ms: it.played_unix_ms,
    });
    let queued = history.iter().filter(|item| item.asset == asset.id);
    let queued = queued.map(|it| Stretch {
        start_ms: it.start_ms,
        end_ms: it.end_ms,
        played_unix_ms: it.at_unix_ms,
    });
    known
        .chain(queued)
        .filter(|it| it.start_ms < it.end_ms)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_sdk::library::PlayedSegment;

    const SECOND: u64 = 1_000;

    fn asset(seconds: u64, played: &[(u64, u64, u64)]) -> Asset {
        Asset {
            id: "film".into(),
            duration_ms: seconds * SECOND,
            segments: played
                .iter()
                .map(|(start, end, at)| PlayedSegment {
                    start_ms: start * SECOND,
                    end_ms: end * SECOND,
                    played_unix_ms: *at,
                })
                .collect(),
            ..Asset::default()
        }
    }

    fn shape(length: u64, min: u64) -> Shape {
        Shape {
            length_ms: length * SECOND,
            min_ms: min * SECOND,
        }
    }

    /// Place, start, end (seconds) and time played of the segment chosen.
    fn chosen(asset: &Asset, shape: Shape) -> (u64, u64, u64, Option<u64>) {
        let it = least_recent(asset, &[], shape);
        (
            it.index,
            it.start_ms / SECOND,
            it.end_ms / SECOND,
            it.played_unix_ms,
        )
    }

    #[test]
    fn a_remainder_below_the_minimum_goes_with_the_segment_before_it() {
        for (seconds, segments, last) in [
            (120, 2, 60),
            (121, 2, 61),
            (149, 2, 89),
            (150, 3, 30),
            (179, 3, 59),
        ] {
            let shape = shape(60, 30);
            assert_eq!(count(seconds * SECOND, shape), segments, "{seconds} s");
            let played = asset(seconds, &[(0, (segments - 1) * 60, 5)]);
            let (index, start, end, _) = chosen(&played, shape);
            assert_eq!(
                (index, end - start, end),
                (segments - 1, last, seconds),
                "{seconds} s"
            );
        }
    }

    #[test]
    fn an_asset_shorter_than_a_segment_is_one() {
        assert_eq!(chosen(&asset(10, &[]), shape(60, 30)), (0, 0, 10, None));
        assert_eq!(
            count(
                10,
                Shape {
                    length_ms: u64::MAX,
                    min_ms: u64::MAX / 2
                }
            ),
            1
        );
    }

    #[test]
    fn unplayed_segments_come_in_order_and_then_the_least_recent() {
        let shape = shape(60, 30);
        assert_eq!(chosen(&asset(180, &[]), shape).0, 0);
        assert_eq!(chosen(&asset(180, &[(0, 60, 5)]), shape).0, 1);
        assert_eq!(
            chosen(&asset(180, &[(0, 60, 5), (120, 180, 9)]), shape).0,
            1
        );
        let all = asset(180, &[(0, 60, 7), (60, 120, 5), (120, 180, 9)]);
        assert_eq!(chosen(&all, shape), (1, 60, 120, Some(5)));
    }

    #[test]
    fn a_segment_counts_as_played_once_half_of_it_was() {
        let shape = shape(60, 30);
        // A player that ran 40 ms past the cut did not play the next segment.
        let mut ran_over = asset(120, &[(0, 60, 5)]);
        ran_over.segments[0].end_ms += 40;
        assert_eq!(chosen(&ran_over, shape).0, 1);
        // Two quarters under other settings make a half, one quarter played twice does not.
        assert_eq!(chosen(&asset(120, &[(0, 15, 5), (30, 45, 6)]), shape).0, 1);
        assert_eq!(chosen(&asset(120, &[(0, 15, 5), (0, 15, 6)]), shape).0, 0);
    }

    #[test]
    fn a_segment_played_again_counts_from_the_last_time() {
        let all = asset(120, &[(0, 60, 1), (0, 60, 8), (60, 120, 5)]);
        assert_eq!(chosen(&all, shape(60, 30)), (1, 60, 120, Some(5)));
    }

    #[test]
    fn what_is_queued_counts_as_played() {
        let queued = Item {
            asset: "film".into(),
            start_ms: 0,
            end_ms: 60 * SECOND,
            at_unix_ms: 99,
        };
        let it = least_recent(&asset(120, &[]), &[queued], shape(60, 30));
        assert_eq!(it.index, 1);
    }

    #[test]
    fn parts_that_make_no_sense_are_left_out() {
        let odd = asset(120, &[(90, 10, 5), (40, 40, 5), (500, 900, 5)]);
        assert_eq!(chosen(&odd, shape(60, 30)), (0, 0, 60, None));
    }

    #[test]
    fn the_first_unplayed_second_of_a_day_is_found_behind_all_that_a_library_tells() {
        let played: Vec<_> = (0..256).map(|n| (n * 300, n * 300 + 600, n)).collect();
        assert_eq!(chosen(&asset(86_400, &played), shape(1, 0)).0, 77_100);
    }
}
