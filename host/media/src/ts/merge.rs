//! Identical transport streams that come over several paths, made one without a seam.
//!
//! What SMPTE ST 2022-7 does by RTP sequence numbers is done here by content, packet by packet,
//! so that it works for plain datagrams and for SRT, however each path cuts its packets into
//! datagrams. Every packet is taken from the path that has it first, and what one path lost from
//! another. Packets are kept back for as long as the paths may be apart, which is what the
//! repair costs: a constant delay.

use super::PACKET_BYTES;
use super::packet::{Packet, Pid};
use bytes::Bytes;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How far a path is looked for, in packets, where it is not where it was.
const REACH: usize = 4_096;

/// Packets kept at most, whatever the time, and as many again are remembered: 120 Mb/s for 1 s.
const MAX_HELD: usize = 80_000;

/// What was done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Packets that one path lost and another brought.
    pub repaired: u64,
    /// Packets that came when their place had passed: the paths are further apart than the hold.
    pub late: u64,
    /// Packets of paths that carry something else.
    pub strange: u64,
}

/// Joins the paths. Paths are numbered from 0.
#[derive(Debug)]
pub struct Merger {
    hold: Duration,
    hasher: RandomState,
    /// Number of the first packet that is remembered.
    first: u64,
    /// What was given out, but is remembered, and then what is held.
    packets: VecDeque<Held>,
    given: usize,
    paths: Vec<Path>,
    /// When a path last brought what comes next.
    led: Option<Instant>,
    figures: Figures,
}

/// A packet of the merged stream.
#[derive(Debug)]
struct Held {
    hash: u64,
    /// There is no other like it: it tells where a path is.
    is_anchor: bool,
    since: Instant,
    /// Shared with its neighbours, which leave together with it if they are still beside it.
    /// Empty once it was given out.
    run: Bytes,
    at: usize,
}

/// Where a path is.
#[derive(Debug, Default)]
struct Path {
    /// The number of the packet that it should bring next; unknown at first.
    next: Option<u64>,
    /// Its latest packets that no other has brought yet. Either it is ahead, and they will come,
    /// or the path in front has lost them.
    unmatched: VecDeque<Held>,
}

impl Merger {
    /// For paths that are at most `hold` apart (10 ms to 1 s are of use).
    pub fn new(hold: Duration) -> Self {
        Self {
            hold,
            hasher: RandomState::new(),
            first: 0,
            packets: VecDeque::new(),
            given: 0,
            paths: Vec::new(),
            led: None,
            figures: Figures::default(),
        }
    }

    /// What was done so far.
    pub const fn figures(&self) -> Figures {
        self.figures
    }

    /// A path has broken off; where it begins again is to be found out.
    pub fn forget(&mut self, path: usize) {
        if let Some(path) = self.paths.get_mut(path) {
            *path = Path::default();
        }
    }

    /// Takes whole packets of a path.
    pub fn push(&mut self, now: Instant, path: usize, run: &Bytes) {
        if self.paths.len() <= path {
            self.paths.resize_with(path + 1, Path::default);
        }
        for (index, packet) in Packet::iter(run).enumerate() {
            let held = Held {
                hash: self.hasher.hash_one(packet.bytes()),
                is_anchor: is_anchor(packet),
                since: now,
                run: run.clone(),
                at: index * PACKET_BYTES,
            };
            self.place(path, held);
        }
    }

    /// Gives out what has been held long enough, in order.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Bytes>) {
        self.judge_unmatched(now);
        let held = self.packets.iter().skip(self.given);
        let due = |held: &&Held| now.saturating_duration_since(held.since) >= self.hold;
        let count = held.take_while(due).count();
        let held = self.packets.len() - self.given;
        self.give(count.max(held.saturating_sub(MAX_HELD)), out);
        // A path that is behind by more than twice the hold is of no use anyway.
        let old = |held: &Held| now.saturating_duration_since(held.since) > self.hold * 3;
        while self.given > 0 && (self.given > MAX_HELD || self.packets.front().is_some_and(old)) {
            self.packets.pop_front();
            self.first += 1;
            self.given -= 1;
        }
    }

    /// Gives out everything: no path brings anything any more.
    pub fn flush(&mut self, out: &mut Vec<Bytes>) {
        self.give(self.packets.len() - self.given, out);
        self.paths.clear();
    }

    fn index(&self, number: u64) -> usize {
        usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    fn get(&self, number: u64) -> Option<&Held> {
        self.packets.get(self.index(number))
    }

    fn end(&self) -> u64 {
        self.first + self.packets.len() as u64
    }

    fn place(&mut self, path: usize, packet: Held) {
        let nobody_leads = self.paths.iter().all(|path| path.next.is_none());
        let Some(known) = self.paths.get(path) else {
            return;
        };
        let (next, is_even) = (known.next, known.unmatched.is_empty());
        if is_even && (next == Some(self.end()) || nobody_leads) {
            return self.lead(path, packet);
        }
        let behind = self.end().saturating_sub(REACH as u64);
        // Of a packet that repeats only its turn tells which it is.
        let found = match next {
            Some(next) if is_even || packet.is_anchor => self.find(next, &packet),
            _ => None,
        };
        // Or its path was taken to be further ahead than it is.
        let found = found.or_else(|| self.find(behind, &packet).filter(|_| packet.is_anchor));
        match found {
            Some(found) => self.meet(path, found),
            None => self.keep_unmatched(path, packet),
        }
    }

    /// The path in front brings a packet; who is ahead of it is found by it.
    fn lead(&mut self, path: usize, packet: Held) {
        self.led = Some(packet.since);
        let ahead = self.paths.iter().enumerate().find_map(|(other, known)| {
            let is_it = |held: &Held| held.hash == packet.hash && packet.is_anchor;
            let place = known.unmatched.iter().position(is_it)?;
            Some((other, place))
        });
        let found = self.end();
        self.packets.push_back(packet);
        self.settle(path, found + 1);
        if let Some((other, place)) = ahead {
            let next = self.paths.get(other).and_then(|path| path.next);
            let mut unmatched = self.settle(other, found + 1);
            let later = unmatched.split_off(place + 1);
            unmatched.pop_back();
            self.restore(next, found, unmatched);
            self.packets.extend(later);
            self.settle(other, self.end());
        }
    }

    /// A path brings what another has brought.
    fn meet(&mut self, path: usize, found: u64) {
        let next = self.paths.get(path).and_then(|path| path.next);
        let unmatched = self.settle(path, found + 1);
        self.restore(next, found, unmatched);
    }

    /// Puts what a path brought from `next` on, and others lost, before packet `found`.
    fn restore(&mut self, next: Option<u64>, found: u64, mut lost: VecDeque<Held>) {
        let least = next.unwrap_or(self.first).max(self.first);
        let mut before = found;
        // Tables and stuffing that both have are not there twice.
        while before > least
            && let Some(last) = lost.back()
            && self
                .get(before - 1)
                .is_some_and(|held| held.hash == last.hash)
        {
            lost.pop_back();
            before -= 1;
        }
        // And what it lost itself.
        self.figures.repaired += next.map_or(0, |next| before.saturating_sub(next));
        let (count, index) = (lost.len() as u64, self.index(before));
        if count > 0 && index < self.given {
            self.figures.late += count;
            return;
        }
        // In time with its neighbours, so that they leave with them.
        let since = self.packets.get(index).map(|held| held.since);
        for packet in lost.into_iter().rev() {
            let since = since.unwrap_or(packet.since);
            self.packets.insert(index, Held { since, ..packet });
        }
        self.figures.repaired += count;
        for next in self.paths.iter_mut().filter_map(|path| path.next.as_mut()) {
            *next += if *next > before { count } else { 0 };
        }
    }

    fn keep_unmatched(&mut self, path: usize, packet: Held) {
        let Some(path) = self.paths.get_mut(path) else {
            return;
        };
        path.unmatched.push_back(packet);
        if path.unmatched.len() > REACH {
            path.unmatched.pop_front();
            self.figures.strange += 1;
        }
    }

    /// What nobody else brought in time: if nobody brings anything any more, its path leads now.
    /// Else it carries something else.
    fn judge_unmatched(&mut self, now: Instant) {
        let hold = self.hold;
        let old = |since: Instant| now.saturating_duration_since(since) >= hold;
        let nobody_leads = self.led.is_none_or(old);
        for path in 0..self.paths.len() {
            let Some(known) = self.paths.get_mut(path) else {
                return;
            };
            if !known.unmatched.front().is_some_and(|held| old(held.since)) {
                continue;
            }
            if nobody_leads {
                let unmatched = std::mem::take(&mut known.unmatched);
                self.packets.extend(unmatched);
                self.settle(path, self.end());
                self.led = Some(now);
                return;
            }
            while known.unmatched.front().is_some_and(|held| old(held.since)) {
                known.unmatched.pop_front();
                self.figures.strange += 1;
            }
        }
    }

    /// The number of such a packet, from `from` on.
    fn find(&self, from: u64, packet: &Held) -> Option<u64> {
        let skip = self.index(from);
        let mut ahead = self.packets.iter().skip(skip).take(REACH).enumerate();
        let (distance, _) = ahead.find(|(distance, held)| {
            held.hash == packet.hash && (*distance == 0 || packet.is_anchor)
        })?;
        Some(self.first + (skip + distance) as u64)
    }

    /// Says where a path is; gives what it brought that was not matched.
    fn settle(&mut self, path: usize, next: u64) -> VecDeque<Held> {
        let Some(path) = self.paths.get_mut(path) else {
            return VecDeque::new();
        };
        path.next = Some(next);
        std::mem::take(&mut path.unmatched)
    }

    fn give(&mut self, count: usize, out: &mut Vec<Bytes>) {
        let mut run: Option<(Bytes, usize, usize)> = None;
        for packet in self.packets.iter_mut().skip(self.given).take(count) {
            let bytes = std::mem::take(&mut packet.run);
            match &mut run {
                Some((before, _, end))
                    if *end == packet.at && before.as_ptr() == bytes.as_ptr() =>
                {
                    *end += PACKET_BYTES;
                }
                _ => {
                    let next = (bytes, packet.at, packet.at + PACKET_BYTES);
                    out.extend(run.replace(next).map(cut));
                }
            }
        }
        out.extend(run.map(cut));
        self.given += count;
    }
}

/// Whether there is hardly another like it: stuffing and tables repeat, units and their parts do
/// not.
fn is_anchor(packet: Packet<'_>) -> bool {
    let payload = packet.payload();
    let repeats = packet.unit_start() && !payload.starts_with(&[0, 0, 1]);
    packet.pid() != Pid::NULL && !payload.is_empty() && !repeats
}

fn cut((bytes, start, end): (Bytes, usize, usize)) -> Bytes {
    bytes.slice(start..end)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // A test's time has to begin somewhere.
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOLD: Duration = Duration::from_millis(100);

    /// Packet `number` of a stream with a table every 20 packets that repeats, and stuffing.
    fn packet(number: u32) -> [u8; PACKET_BYTES] {
        let mut packet = [0xFF; PACKET_BYTES];
        let (pid, tag) = match number % 20 {
            0 => (0x4000, number / 20 % 16),
            7 | 8 => (0x1FFF, 0),
            _ => (0x100, number),
        };
        packet[..4].copy_from_slice(&[0x47, (pid >> 8) as u8, pid as u8, 0x10]);
        packet[4..8].copy_from_slice(&tag.to_be_bytes());
        packet
    }

    fn run(numbers: impl IntoIterator<Item = u32>) -> Bytes {
        numbers
            .into_iter()
            .flat_map(packet)
            .collect::<Vec<_>>()
            .into()
    }

    fn bytes(out: &[Bytes]) -> Vec<u8> {
        out.concat()
    }

    /// Sends packets `0..count` over two paths; the second is behind by `skew` packets. One packet
    /// a millisecond.
    fn send(count: u32, skew: u32, lost: [&dyn Fn(u32) -> bool; 2]) -> (Vec<u8>, Figures) {
        let (mut merger, mut out) = (Merger::new(HOLD), Vec::new());
        let start = Instant::now();
        for ms in 0..count + skew {
            let now = start + Duration::from_millis(ms.into());
            let first = (ms < count).then_some(ms);
            let second = ms.checked_sub(skew).filter(|number| *number < count);
            for (path, number) in [first, second].into_iter().enumerate() {
                if let Some(number) = number.filter(|number| !lost[path](*number)) {
                    merger.push(now, path, &run([number]));
                }
            }
            merger.poll(now, &mut out);
        }
        merger.flush(&mut out);
        (bytes(&out), merger.figures())
    }

    /// Compares packet by packet, and tells of the first that differs.
    #[track_caller]
    fn assert_same(is: &[u8], shall: &[u8]) {
        let (is, shall) = (
            is.as_chunks::<PACKET_BYTES>().0,
            shall.as_chunks::<PACKET_BYTES>().0,
        );
        let pairs = is.iter().zip(shall).enumerate();
        let differ = pairs.filter(|(_, (is, shall))| is != shall);
        let differ = differ
            .map(|(at, (is, _))| (at, is.get(1..8).map(<[u8]>::to_vec)))
            .next();
        assert!(
            differ.is_none() && is.len() == shall.len(),
            "{differ:?}, {} of {}",
            is.len(),
            shall.len()
        );
    }

    #[test]
    fn what_one_path_loses_comes_from_the_other() {
        let every_tenth = |number: u32| number % 10 == 3;
        let a_burst = |number: u32| (505..512).contains(&number);
        for skew in [0, 1, 30] {
            let (merged, figures) = send(2_000, skew, [&every_tenth, &a_burst]);
            assert_same(&merged, &run(0..2_000));
            // 200 and 7; more cannot be told where both lose what is next to each other.
            assert!((190..=210).contains(&figures.repaired), "{figures:?}");
            assert_eq!((figures.late, figures.strange), (0, 0));
        }
    }

    #[test]
    fn a_path_that_comes_later_and_is_ahead_leads_from_then_on() {
        let (mut merger, mut out) = (Merger::new(HOLD), Vec::new());
        let now = Instant::now();
        merger.push(now, 0, &run(0..50));
        merger.push(now, 1, &run(60..90));
        merger.push(now, 0, &run((50..70).chain(75..95)));
        merger.push(now, 1, &run(90..100));
        merger.flush(&mut out);
        assert_eq!(bytes(&out), bytes(&[run(0..100)]));
    }

    #[test]
    fn one_path_alone_is_passed_on_as_it_came_after_the_hold() {
        let (mut merger, mut out) = (Merger::new(HOLD), Vec::new());
        let now = Instant::now();
        let sent = run(0..7);
        merger.push(now, 0, &sent);
        merger.poll(now + HOLD / 2, &mut out);
        assert!(out.is_empty());
        merger.poll(now + HOLD, &mut out);
        assert_eq!(out, std::slice::from_ref(&sent));
        assert_eq!(out[0].as_ptr(), sent.as_ptr(), "it was copied");
    }

    #[test]
    fn who_is_further_behind_than_the_hold_repairs_nothing_and_harms_nothing() {
        let every_tenth = |number: u32| number % 10 == 3;
        let (merged, figures) = send(1_000, 150, [&every_tenth, &|_| false]);
        let expected = run((0..1_000).filter(|number| !every_tenth(*number)));
        assert!(merged == bytes(&[expected]), "{figures:?}");
        assert!(figures.late > 50 && figures.repaired == 0, "{figures:?}");
    }

    #[test]
    fn another_stream_on_the_second_path_is_left_out_and_bounded() {
        let (mut merger, mut out) = (Merger::new(HOLD), Vec::new());
        let start = Instant::now();
        for number in 0..20_000_u32 {
            let now = start + Duration::from_millis(number.into());
            merger.push(now, 0, &run([number]));
            merger.push(now, 1, &run([1_000_001 + number * 20]));
            merger.poll(now, &mut out);
            assert!(merger.packets.len() < 1_000);
        }
        merger.flush(&mut out);
        assert!(bytes(&out) == bytes(&[run(0..20_000)]));
        assert!(merger.figures().strange > 10_000);
    }

    proptest! {
        #[test]
        fn no_loss_of_either_path_changes_the_order(
            // What each loses lies between packets that both have: else nothing tells the order.
            losses in prop::collection::vec((0..2_usize, 5..60_u32, 1..40_u32), 0..12),
            skew in 0..40_u32,
        ) {
            let mut end = 0;
            let losses: Vec<_> = losses.into_iter().map(|(whose, gap, count)| {
                let from = end + gap;
                end = from + count;
                (whose, from..end)
            }).collect();
            let hit = |path: usize| {
                let losses = losses.clone();
                move |number: u32| losses.iter().any(|(whose, range)| {
                    *whose == path && range.contains(&number)
                })
            };
            let (first, second) = (hit(0), hit(1));
            let (merged, _) = send(700, skew, [&first, &second]);
            let expected = run((0..700).filter(|number| !(first(*number) && second(*number))));
            // Of packets that are all alike, one may be left out where one path goes on for another.
            let tags = |bytes: &[u8]| {
                let packets = bytes.as_chunks::<PACKET_BYTES>().0.iter();
                let data = packets.filter(|packet| packet[1] != 0x1F);
                data.map(|packet| (packet[1], packet[4..8].to_vec())).collect::<Vec<_>>()
            };
            prop_assert!(tags(&merged) == tags(&expected));
        }
    }
}
