//! The latest segments of one track: those that playlists and manifests list, and those that
//! players may still be fetching.

use super::header::{Header, Rendition};
use super::segment::{Segment, Stored, seconds};
use super::track::Part;
use crate::Ticks90k;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// More segments than this are never listed.
const MOST_LISTED: usize = 20_000;

/// A segment that is listed no more is kept for so long at most.
const KEPT: Duration = Duration::from_secs(30);

/// Parts of one segment at most; a segment of sixty seconds in parts of a tenth has fewer.
const MOST_PARTS: usize = 1_024;

/// How much is listed.
#[derive(Debug, Clone, Copy)]
pub struct WindowConfig {
    /// Wanted duration of a segment.
    pub target: Ticks90k,
    /// How far back players may seek; at least six segments are listed whatever it says.
    pub depth: Duration,
    /// What one track may hold, listed or not.
    pub max_bytes: usize,
}

impl Default for WindowConfig {
    /// Segments of 2 s, 12 s of them, 256 MiB (170 Mb/s).
    fn default() -> Self {
        Self {
            target: Ticks90k(2 * 90_000),
            depth: Duration::from_secs(12),
            max_bytes: 256 << 20,
        }
    }
}

/// The segments of one track, the newest of them perhaps in the making. Cloning costs a reference
/// count for each segment.
#[derive(Debug, Clone)]
pub struct Window {
    config: WindowConfig,
    /// The listed ones last.
    segments: VecDeque<Arc<Segment>>,
    listed: usize,
    bytes: usize,
    next_sequence: u64,
    map: u64,
    header: Option<Arc<Header>>,
    discontinuities: u64,
    discontinuities_gone: u64,
    gap: bool,
    target_s: u64,
    part_target: Duration,
    ended: bool,
}

impl Window {
    /// Empty; the first segment gets this number.
    pub const fn new(config: WindowConfig, first_sequence: u64) -> Self {
        Self {
            config,
            segments: VecDeque::new(),
            listed: 0,
            bytes: 0,
            next_sequence: first_sequence,
            map: first_sequence,
            header: None,
            discontinuities: 0,
            discontinuities_gone: 0,
            gap: false,
            target_s: 0,
            part_target: Duration::ZERO,
            ended: false,
        }
    }

    /// Adds the newest part. Returns how far the target duration had to grow under a playlist
    /// that players may already know, which RFC 8216 §4.3.3.1 forbids: the source's random access
    /// points come too far apart.
    pub fn push(&mut self, part: &Part) -> Option<crate::hls::TargetRaised> {
        let open = self.segments.back().is_some_and(|last| !last.complete);
        if !open || std::mem::take(&mut self.gap) {
            self.begin(part);
        }
        self.part_target = self.part_target.max(seconds(part.duration, part.timescale));
        self.bytes += part.data.len();
        let segment = Arc::make_mut(self.segments.back_mut()?);
        segment.push(part);
        segment.complete |= segment.parts.len() >= MOST_PARTS;
        if !segment.complete {
            return None;
        }
        let (needed_s, from_s) = (rounded_s(segment.lasts()), self.target_s);
        self.target_s = from_s.max(needed_s).max(1);
        if from_s == 0 {
            let wanted = rounded_s(self.config.target.as_duration());
            self.target_s = self.target_s.max(wanted);
        }
        self.unlist();
        self.forget();
        (from_s > 0 && needed_s > from_s).then_some(crate::hls::TargetRaised {
            from_s,
            to_s: needed_s,
        })
    }

    fn begin(&mut self, part: &Part) {
        if let Some(last) = self.segments.back_mut().filter(|last| !last.complete) {
            Arc::make_mut(last).complete = true;
        }
        let lost = std::mem::take(&mut self.gap);
        let known = self.header.as_ref();
        if known.is_none_or(|known| !Arc::ptr_eq(known, &part.header)) {
            self.header = Some(part.header.clone());
            self.map = self.next_sequence;
        }
        let first = self.segments.is_empty();
        let discontinuity = !first && (lost || part.discontinuities != self.discontinuities);
        self.discontinuities = part.discontinuities;
        let segment = Segment::first(part, self.next_sequence, self.map, discontinuity);
        self.next_sequence += 1;
        self.listed += 1;
        self.segments.push_back(Arc::new(segment));
    }

    /// Parts were lost: what comes next begins another segment.
    pub const fn mark_gap(&mut self) {
        self.gap = true;
    }

    /// No part will follow.
    pub fn end(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            Arc::make_mut(last).complete = true;
        }
        self.ended = true;
    }

    /// Encrypts the whole segments that are not yet: each becomes one part, which `encrypt` makes
    /// of its number and its parts.
    pub fn seal(&mut self, mut encrypt: impl FnMut(u64, &[Stored]) -> Bytes) {
        for segment in self.segments.iter_mut().rev() {
            if segment.sealed {
                return;
            }
            if !segment.complete {
                continue;
            }
            let segment = Arc::make_mut(segment);
            let data = encrypt(segment.sequence, &segment.parts);
            self.bytes = (self.bytes + data.len()).saturating_sub(segment.bytes);
            segment.bytes = data.len();
            segment.parts = vec![Stored {
                data,
                duration: segment.duration,
                independent: segment.independent,
            }];
            segment.sealed = true;
        }
    }

    /// Whether [`Self::end`] was called.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether there is a whole segment: before, players have nothing to begin with.
    pub fn is_ready(&self) -> bool {
        self.segments.front().is_some_and(|first| first.complete)
    }

    /// The segments of the playlist, oldest first; the newest may be in the making.
    pub fn listed(&self) -> impl DoubleEndedIterator<Item = &Arc<Segment>> + ExactSizeIterator {
        let unlisted = self.segments.len() - self.listed;
        self.segments.range(unlisted..)
    }

    /// The numbers of the oldest and the newest segment there are.
    pub fn held(&self) -> Option<(u64, u64)> {
        Some((
            self.segments.front()?.sequence,
            self.segments.back()?.sequence,
        ))
    }

    /// A segment that is listed, or was until a little while ago.
    pub fn get(&self, sequence: u64) -> Option<&Arc<Segment>> {
        let first = self.segments.front()?.sequence;
        let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.segments.get(index)
    }

    /// The initialization segment of that number.
    pub fn init(&self, map: u64) -> Option<&Bytes> {
        let segment = self.segments.iter().find(|it| it.map == map)?;
        let rendition = segment.header.rendition(segment.track)?;
        Some(&rendition.init)
    }

    /// The rendition as the newest segment has it.
    pub fn rendition(&self) -> Option<&Rendition> {
        let newest = self.segments.back()?;
        newest.header.rendition(newest.track)
    }

    /// The part that is made next: its segment's number, and its place in it.
    pub fn next_part(&self) -> (u64, usize) {
        match self.segments.back() {
            Some(open) if !open.complete => (open.sequence, open.parts.len()),
            _ => (self.next_sequence, 0),
        }
    }

    /// The newest part there is, as [`Self::next_part`] counts.
    pub fn last_part(&self) -> Option<(u64, usize)> {
        let newest = self.segments.back()?;
        Some((newest.sequence, newest.parts.len().checked_sub(1)?))
    }

    /// Whether that part is there, or any behind it; without a part, whether the segment is
    /// whole (RFC 8216bis §6.2.5.2).
    pub fn has(&self, sequence: u64, part: Option<usize>) -> bool {
        let (next, parts) = self.next_part();
        match part {
            _ if sequence != next => sequence < next,
            Some(part) => part < parts,
            None => false,
        }
    }

    /// Number of the segment after the newest.
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// How much is listed, the open segment included.
    pub fn depth(&self) -> Duration {
        self.listed().map(|segment| segment.lasts()).sum()
    }

    /// `EXT-X-TARGETDURATION`, in seconds.
    pub const fn target_s(&self) -> u64 {
        self.target_s
    }

    /// The longest part so far.
    pub const fn part_target(&self) -> Duration {
        self.part_target
    }

    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    pub const fn discontinuity_sequence(&self) -> u64 {
        self.discontinuities_gone
    }

    /// Peak and mean bit rate of the whole segments listed.
    pub fn bandwidth_bps(&self) -> (u64, u64) {
        let whole = || self.listed().filter(|segment| segment.complete);
        let peak = whole().map(|it| it.bitrate_bps()).max().unwrap_or(0);
        let bits: u64 = whole().map(|it| it.bytes as u64 * 8).sum();
        let ms: u64 = whole().map(|it| it.lasts().as_millis() as u64).sum();
        let mean = bits.saturating_mul(1000).checked_div(ms).unwrap_or(0);
        (peak, mean)
    }

    /// A live playlist stays longer than three target durations (§6.2.2).
    fn unlist(&mut self) {
        let least = Duration::from_secs(3 * self.target_s).max(self.config.depth);
        let mut total: Duration = self.listed().map(|segment| segment.lasts()).sum();
        while self.listed > 6 {
            let Some(oldest) = self.listed().next() else {
                return;
            };
            let (lasts, discontinuity) = (oldest.lasts(), oldest.discontinuity);
            total = total.saturating_sub(lasts);
            let bounded = self.listed <= MOST_LISTED && self.bytes <= self.config.max_bytes;
            if bounded && total < least {
                return;
            }
            self.listed -= 1;
            self.discontinuities_gone += u64::from(discontinuity);
            if !bounded {
                self.drop_oldest();
            }
        }
    }

    /// A segment stays after it was unlisted for as long as it lasts, and the playlist that named
    /// it (§6.2.2), but not for the whole of a long one: players fetch near its end.
    fn forget(&mut self) {
        let listed: Duration = self.listed().map(|segment| segment.lasts()).sum();
        let needed = listed.min(KEPT);
        let mut kept: Duration = {
            let unlisted = self.segments.len() - self.listed;
            let gone = self.segments.range(..unlisted);
            gone.map(|segment| segment.lasts()).sum()
        };
        while self.segments.len() > self.listed {
            let Some(oldest) = self.segments.front() else {
                return;
            };
            kept = kept.saturating_sub(oldest.lasts());
            let bounded = self.segments.len() - self.listed <= 64 + self.listed
                && self.bytes <= self.config.max_bytes;
            if bounded && kept < needed {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if self.segments.len() > self.listed
            && let Some(gone) = self.segments.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }
}

/// To the nearest second, as EXTINF compares with the target duration (§4.3.3.1).
fn rounded_s(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}
