//! The latest segments of a stream: those that the playlist lists, and those that players
//! may still be fetching.

use super::Segment;
use crate::Ticks90k;
use std::collections::VecDeque;

/// However short they are, no more segments than this are listed unless the operator wants it,
/// and as many again kept: a source whose clock jumps with every picture makes segments of
/// hardly any length, and it would take very many of them to last three target durations.
const MOST_LISTED: usize = 64;

/// Nor do they hold more bytes, listed or kept: a source may also send much in hardly any time.
/// Enough for 170 Mb/s in segments of 2 s.
const MOST_BYTES: usize = 512 << 20;

/// How many segments, and how long they are meant to be.
#[derive(Debug, Clone, Copy)]
pub struct WindowConfig {
    /// Segments in the playlist, once there are so many; at least 3.
    pub listed: usize,
    /// Wanted duration of a segment.
    pub target: Ticks90k,
}

impl Default for WindowConfig {
    /// 6 segments of 2 s.
    fn default() -> Self {
        Self {
            listed: 6,
            target: Ticks90k(2 * 90_000),
        }
    }
}

/// `EXT-X-TARGETDURATION` had to grow under a playlist that players may already know, which
/// RFC 8216 §4.3.3.1 forbids: the source's random access points come too far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetRaised {
    /// Seconds before.
    pub from_s: u64,
    /// Seconds now.
    pub to_s: u64,
}

/// The state that playlists are written from.
#[derive(Debug, Clone)]
pub struct Window {
    config: WindowConfig,
    /// The listed ones last.
    segments: VecDeque<Segment>,
    listed: usize,
    discontinuities_gone: u64,
    target_s: u64,
    ended: bool,
}

impl Window {
    /// Empty.
    pub fn new(config: WindowConfig) -> Self {
        let config = WindowConfig {
            listed: config.listed.max(3),
            ..config
        };
        Self {
            config,
            segments: VecDeque::new(),
            listed: 0,
            discontinuities_gone: 0,
            target_s: rounded_s(config.target).max(1),
            ended: false,
        }
    }

    /// Adds the newest segment, and lets go of those that nobody needs.
    ///
    /// The target duration follows the first segment silently: nobody has seen a playlist
    /// before it.
    pub fn push(&mut self, segment: Segment) -> Option<TargetRaised> {
        let needed_s = rounded_s(segment.duration);
        let from_s = self.target_s;
        let first = self.segments.is_empty();
        self.target_s = from_s.max(needed_s);
        self.segments.push_back(segment);
        self.listed += 1;
        self.unlist();
        self.forget();
        (!first && needed_s > from_s).then_some(TargetRaised {
            from_s,
            to_s: needed_s,
        })
    }

    /// No segment will follow.
    pub const fn end(&mut self) {
        self.ended = true;
    }

    /// Whether [`Self::end`] was called.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The segments of the playlist, oldest first.
    pub fn listed(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.iter().skip(self.segments.len() - self.listed)
    }

    /// The numbers of the oldest and the newest segment there are.
    pub fn held(&self) -> Option<(u64, u64)> {
        Some((
            self.segments.front()?.sequence,
            self.segments.back()?.sequence,
        ))
    }

    /// A segment that is listed, or was until a little while ago.
    pub fn get(&self, sequence: u64) -> Option<&Segment> {
        let first = self.segments.front()?.sequence;
        let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.segments
            .get(index)
            .filter(|segment| segment.sequence == sequence)
    }

    /// `EXT-X-TARGETDURATION`, in seconds.
    pub const fn target_s(&self) -> u64 {
        self.target_s
    }

    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    pub const fn discontinuity_sequence(&self) -> u64 {
        self.discontinuities_gone
    }

    /// Peak and mean bit rate of the listed segments, as `BANDWIDTH` and
    /// `AVERAGE-BANDWIDTH` mean them (§4.3.4.2).
    pub fn bandwidth_bps(&self) -> (u64, u64) {
        let peak = self.listed().map(Segment::bitrate_bps).max().unwrap_or(0);
        let bits: u64 = self
            .listed()
            .map(|segment| segment.data.len() as u64 * 8)
            .sum();
        let ticks = u64::try_from(total(self.listed()).0).unwrap_or(0);
        let mean = bits.saturating_mul(90_000).checked_div(ticks).unwrap_or(0);
        (peak, mean)
    }

    /// A live playlist stays longer than three target durations (§6.2.2).
    fn unlist(&mut self) {
        let least =
            Ticks90k(3 * 90_000 * i64::try_from(self.target_s).unwrap_or(i64::MAX / 270_000));
        while self.listed > self.config.listed {
            let bounded = self.listed <= MOST_LISTED && bytes(self.listed()) <= MOST_BYTES;
            if bounded && total(self.listed().skip(1)) < least {
                break;
            }
            let gone = self
                .listed()
                .next()
                .is_some_and(|segment| segment.discontinuity);
            self.discontinuities_gone += u64::from(gone);
            self.listed -= 1;
        }
    }

    /// A segment stays as long after it was unlisted as it lasts, and the longest playlist
    /// that named it (§6.2.2).
    fn forget(&mut self) {
        while let Some(oldest) = self.segments.front() {
            let newer = self.segments.iter().skip(1 + self.config.listed);
            let playlist = total(self.listed());
            let needed = total(newer) < oldest.duration + playlist;
            let unlisted = self.segments.len() - self.listed;
            let bounded = unlisted <= MOST_LISTED && bytes(self.segments.iter()) <= MOST_BYTES;
            if unlisted == 0 || (needed && bounded) {
                break;
            }
            self.segments.pop_front();
        }
    }
}

fn total<'a>(segments: impl Iterator<Item = &'a Segment>) -> Ticks90k {
    segments.fold(Ticks90k::ZERO, |sum, segment| sum + segment.duration)
}

fn bytes<'a>(segments: impl Iterator<Item = &'a Segment>) -> usize {
    segments.map(|segment| segment.data.len()).sum()
}

/// To the nearest second, as EXTINF compares with the target duration (§4.3.3.1).
fn rounded_s(duration: Ticks90k) -> u64 {
    u64::try_from((duration + Ticks90k(45_000)).0 / 90_000).unwrap_or(0)
}
