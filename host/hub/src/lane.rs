//! A lane: one writer, any number of readers, each with its own cursor.
//!
//! A ring bounded in bytes and in seconds. The writer never blocks and never waits: a reader
//! that is overtaken gets [`Lagged`], which is counted, and goes on at the newest random
//! access point. The lock is held for as long as it takes to clone reference counts, never
//! across an await.

use parking_lot::RwLock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a lane can carry.
pub trait Item: Clone + Send + Sync + 'static {
    /// Bytes this item keeps in memory.
    fn bytes(&self) -> usize;

    /// Whether a reader can begin here.
    fn random_access(&self) -> bool;

    /// Whether it may come a few milliseconds late, so that it wakes the readers together with
    /// the next item.
    fn can_wait(&self) -> bool {
        false
    }
}

/// How much a lane holds. The newest group of pictures is kept beyond `age`, so that a new
/// reader can start at once, but never beyond `bytes`.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// At most this many bytes.
    pub bytes: usize,
    /// Items older than this go, unless they belong to the newest group.
    pub age: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            age: Duration::from_secs(2),
        }
    }
}

/// Where a new reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With whatever is written next.
    Live,
    /// At the newest random access point held, else at the next one.
    RandomAccess,
}

/// Why a read gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The reader was overtaken; it goes on at a random access point.
    #[error("the reader was too slow and lost {0} items")]
    Lagged(u64),
    /// The writer is gone, and everything it wrote has been read.
    #[error("the stream has ended")]
    Closed,
}

struct Slot<T> {
    item: T,
    at: Instant,
}

struct Ring<T> {
    slots: VecDeque<Slot<T>>,
    /// Sequence number of `slots[0]`.
    first: u64,
    bytes: usize,
    /// Sequence number of the newest random access item ever written.
    newest_start: Option<u64>,
}

impl<T> Ring<T> {
    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn start_held(&self) -> Option<u64> {
        self.newest_start.filter(|&start| start >= self.first)
    }
}

struct Shared<T> {
    ring: RwLock<Ring<T>>,
    bounds: Bounds,
    readers: AtomicUsize,
    /// The sequence number after the newest item; `u64::MAX` once closed.
    end: watch::Sender<u64>,
}

const CLOSED: u64 = u64::MAX;

/// A handle to one lane; clones share it.
pub struct Lane<T>(Arc<Shared<T>>);

impl<T> Clone for Lane<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Item> Lane<T> {
    /// An empty lane.
    pub fn new(bounds: Bounds) -> Self {
        let ring = Ring {
            slots: VecDeque::new(),
            first: 0,
            bytes: 0,
            newest_start: None,
        };
        Self(Arc::new(Shared {
            ring: RwLock::new(ring),
            bounds,
            readers: AtomicUsize::new(0),
            end: watch::Sender::new(0),
        }))
    }

    /// Appends items and wakes the readers once. Only the lane's one writer calls this.
    pub fn push(&self, now: Instant, items: impl IntoIterator<Item = T>) {
        let end = {
            let mut ring = self.0.ring.write();
            for item in items {
                if item.random_access() {
                    ring.newest_start = Some(ring.end());
                }
                ring.bytes += item.bytes();
                ring.slots.push_back(Slot { item, at: now });
            }
            evict(&mut ring, self.0.bounds, now);
            ring.end()
        };
        self.0.end.send_if_modified(|seen| {
            let changed = *seen != CLOSED && *seen != end;
            if changed {
                *seen = end;
            }
            changed
        });
    }

    /// Ends the lane: readers drain what is held and then see [`ReadError::Closed`].
    pub fn close(&self) {
        self.0.end.send_replace(CLOSED);
    }

    /// Drops everything held, for a lane whose converter stopped: what it holds is stale.
    pub fn clear(&self) {
        let mut ring = self.0.ring.write();
        ring.first = ring.end();
        ring.slots = VecDeque::new();
        ring.bytes = 0;
        ring.newest_start = None;
    }

    /// A new reader.
    pub fn subscribe(&self, start: Start) -> Reader<T> {
        self.0.readers.fetch_add(1, Ordering::AcqRel);
        let ring = self.0.ring.read();
        let (next, seek) = match start {
            Start::Live => (ring.end(), false),
            Start::RandomAccess => match ring.start_held() {
                Some(at) => (at, false),
                None => (ring.end(), true),
            },
        };
        drop(ring);
        Reader {
            lane: self.clone(),
            end: self.0.end.subscribe(),
            next,
            seek,
        }
    }

    /// How many readers there are, converters included.
    pub fn readers(&self) -> usize {
        self.0.readers.load(Ordering::Acquire)
    }

    /// Bytes held now.
    pub fn held_bytes(&self) -> usize {
        self.0.ring.read().bytes
    }
}

fn evict<T: Item>(ring: &mut Ring<T>, bounds: Bounds, now: Instant) {
    while let Some(oldest) = ring.slots.front() {
        let aged = now.saturating_duration_since(oldest.at) > bounds.age
            && ring.newest_start.is_none_or(|start| ring.first < start);
        if ring.bytes <= bounds.bytes && !aged {
            break;
        }
        ring.bytes -= oldest.item.bytes();
        ring.slots.pop_front();
        ring.first += 1;
    }
}

/// One reader of a lane.
pub struct Reader<T: Item> {
    lane: Lane<T>,
    end: watch::Receiver<u64>,
    /// Sequence number of the next item to read.
    next: u64,
    /// Skip to a random access point first.
    seek: bool,
}

impl<T: Item> Reader<T> {
    /// Waits for items and appends up to `max` of them to `out`; returns how many.
    ///
    /// Cancel safe: an item is either in `out` or still to be read.
    pub async fn recv_many(&mut self, out: &mut Vec<T>, max: usize) -> Result<usize, ReadError> {
        loop {
            let end = *self.end.borrow_and_update();
            match self.try_recv_many(out, max)? {
                0 if end == CLOSED => return Err(ReadError::Closed),
                0 => {
                    if self.end.changed().await.is_err() {
                        return Err(ReadError::Closed);
                    }
                }
                n => return Ok(n),
            }
        }
    }

    /// Waits for the next item.
    pub async fn recv(&mut self) -> Result<T, ReadError> {
        let mut one = Vec::with_capacity(1);
        self.recv_many(&mut one, 1).await?;
        one.pop().ok_or(ReadError::Closed)
    }

    /// Appends up to `max` items that are there already; `Ok(0)` if there is none.
    pub fn try_recv_many(&mut self, out: &mut Vec<T>, max: usize) -> Result<usize, ReadError> {
        let ring = self.lane.0.ring.read();
        if self.next < ring.first {
            let (target, seek) = match ring.start_held() {
                Some(at) => (at, false),
                None => (ring.end(), true),
            };
            let lost = target - self.next;
            (self.next, self.seek) = (target, seek);
            return Err(ReadError::Lagged(lost));
        }
        if self.seek {
            match ring.newest_start.filter(|&at| at >= self.next) {
                Some(at) => (self.next, self.seek) = (at, false),
                None => {
                    self.next = ring.end();
                    return Ok(0);
                }
            }
        }
        let from = (self.next - ring.first) as usize;
        let before = out.len();
        out.extend(
            ring.slots
                .iter()
                .skip(from)
                .take(max)
                .map(|slot| slot.item.clone()),
        );
        let taken = out.len() - before;
        self.next += taken as u64;
        Ok(taken)
    }

    /// Appends what a reader that begins now would read up to where this one stands, so that it
    /// can go on beside it. Nothing, while no random access point lies before that.
    pub fn lead_in(&self, out: &mut Vec<T>) {
        let ring = self.lane.0.ring.read();
        let Some(start) = ring.start_held().filter(|_| !self.seek) else {
            return;
        };
        let count = self.next.saturating_sub(start) as usize;
        let from = (start - ring.first) as usize;
        let held = ring.slots.iter().skip(from).take(count);
        out.extend(held.map(|slot| slot.item.clone()));
    }

    /// The place of the next item to read among all that were ever written.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Appends the items from `position` up to where this reader stands; false, and none of them,
    /// if they are no longer held.
    pub fn since(&self, position: u64, out: &mut Vec<T>) -> bool {
        let ring = self.lane.0.ring.read();
        let Some(from) = position.checked_sub(ring.first) else {
            return false;
        };
        let count = self.next.saturating_sub(position) as usize;
        let held = ring.slots.iter().skip(from as usize).take(count);
        out.extend(held.map(|slot| slot.item.clone()));
        true
    }

    /// Goes on at `position`, or, if that is no longer held, as a reader that was overtaken.
    pub fn seek(&mut self, position: u64) {
        (self.next, self.seek) = (position, false);
    }

    /// How many items are written but not yet read.
    pub fn behind(&self) -> u64 {
        self.lane.0.ring.read().end().saturating_sub(self.next)
    }
}

impl<T: Item> Drop for Reader<T> {
    fn drop(&mut self) {
        self.lane.0.readers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Unit(u64, bool);

    impl Item for Unit {
        fn bytes(&self) -> usize {
            10
        }
        fn random_access(&self) -> bool {
            self.1
        }
    }

    fn lane(bytes: usize) -> Lane<Unit> {
        Lane::new(Bounds {
            bytes,
            age: Duration::from_secs(3600),
        })
    }

    fn read(reader: &mut Reader<Unit>) -> Vec<u64> {
        let mut out = Vec::new();
        while reader.try_recv_many(&mut out, 3).unwrap() > 0 {}
        out.into_iter().map(|unit| unit.0).collect()
    }

    #[test]
    fn who_joins_a_reader_begins_at_a_random_access_point_and_goes_on_with_it() {
        let lane = lane(1000);
        let now = Instant::now();
        let mut reader = lane.subscribe(Start::RandomAccess);
        let mut lead = Vec::new();
        reader.lead_in(&mut lead);
        assert_eq!(lead, []);
        lane.push(now, (1..7).map(|n| Unit(n, n % 4 == 0)));
        assert_eq!(read(&mut reader), [4, 5, 6]);
        lane.push(now, [Unit(7, false)]);
        reader.lead_in(&mut lead);
        assert_eq!(lead, [Unit(4, true), Unit(5, false), Unit(6, false)]);
        // The newest random access point lies ahead of the reader: both will come to it.
        lane.push(now, [Unit(8, true)]);
        lead.clear();
        reader.lead_in(&mut lead);
        assert_eq!(lead, []);
        assert_eq!(read(&mut reader), [7, 8]);
    }

    #[test]
    fn what_lies_between_two_readers_is_had_while_it_is_held() {
        let lane = lane(50);
        let now = Instant::now();
        let mut ahead = lane.subscribe(Start::Live);
        lane.push(now, (0..4).map(|n| Unit(n, n == 2)));
        assert_eq!((read(&mut ahead), ahead.position()), (vec![0, 1, 2, 3], 4));
        let mut missing = Vec::new();
        assert!(ahead.since(1, &mut missing));
        assert_eq!(missing, [Unit(1, false), Unit(2, true), Unit(3, false)]);
        assert!(ahead.since(4, &mut missing) && missing.len() == 3);
        lane.push(now, (4..7).map(|n| Unit(n, false)));
        assert!(!ahead.since(1, &mut missing) && missing.len() == 3);

        let mut other = lane.subscribe(Start::Live);
        other.seek(3);
        assert_eq!(read(&mut other), [3, 4, 5, 6]);
        other.seek(0);
        let mut out = Vec::new();
        assert_eq!(other.try_recv_many(&mut out, 9), Err(ReadError::Lagged(2)));
        assert_eq!(read(&mut other), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_new_reader_begins_at_the_newest_random_access_point() {
        let lane = lane(1000);
        let now = Instant::now();
        lane.push(now, (0..10).map(|n| Unit(n, n % 4 == 0)));
        assert_eq!(read(&mut lane.subscribe(Start::RandomAccess)), [8, 9]);
        assert_eq!(read(&mut lane.subscribe(Start::Live)), [0; 0]);
    }

    #[test]
    fn without_a_random_access_point_held_a_reader_waits_for_the_next() {
        let lane = lane(1000);
        let now = Instant::now();
        lane.push(now, [Unit(0, false)]);
        let mut reader = lane.subscribe(Start::RandomAccess);
        lane.push(now, [Unit(1, false)]);
        assert_eq!(read(&mut reader), [0; 0]);
        lane.push(now, [Unit(2, false), Unit(3, true), Unit(4, false)]);
        assert_eq!(read(&mut reader), [3, 4]);
    }

    #[test]
    fn an_overtaken_reader_is_told_its_loss_and_goes_on_at_a_random_access_point() {
        let lane = lane(50);
        let now = Instant::now();
        let mut reader = lane.subscribe(Start::Live);
        let mut fast = lane.subscribe(Start::Live);
        lane.push(now, (0..4).map(|n| Unit(n, false)));
        assert_eq!(read(&mut fast), [0, 1, 2, 3]);
        lane.push(now, (4..9).map(|n| Unit(n, n == 6)));
        assert_eq!(
            read(&mut fast),
            [4, 5, 6, 7, 8],
            "a slow reader slows nobody"
        );
        let mut out = Vec::new();
        assert_eq!(
            reader.try_recv_many(&mut out, 99),
            Err(ReadError::Lagged(6))
        );
        assert_eq!(read(&mut reader), [6, 7, 8]);
    }

    #[test]
    fn age_spares_the_newest_group_and_bytes_spare_nothing() {
        let bounds = Bounds {
            bytes: 60,
            age: Duration::from_secs(1),
        };
        let lane = Lane::new(bounds);
        let now = Instant::now();
        lane.push(
            now,
            [Unit(0, true), Unit(1, false), Unit(2, true), Unit(3, false)],
        );
        lane.push(now + Duration::from_secs(5), [Unit(4, false)]);
        assert_eq!(read(&mut lane.subscribe(Start::RandomAccess)), [2, 3, 4]);
        assert_eq!(lane.held_bytes(), 30);
        lane.push(
            now + Duration::from_secs(6),
            (5..12).map(|n| Unit(n, false)),
        );
        assert_eq!(lane.held_bytes(), 60);
    }

    #[tokio::test]
    async fn a_closed_lane_is_drained_before_it_ends() {
        let lane = lane(1000);
        let mut reader = lane.subscribe(Start::Live);
        lane.push(Instant::now(), [Unit(1, true)]);
        lane.close();
        assert_eq!(reader.recv().await, Ok(Unit(1, true)));
        assert_eq!(reader.recv().await, Err(ReadError::Closed));
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes_for_each_push() {
        let lane = lane(1000);
        let mut reader = lane.subscribe(Start::Live);
        let writer = lane.clone();
        let task = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Ok(unit) = reader.recv().await {
                seen.push(unit.0);
            }
            seen
        });
        for n in 0..100 {
            writer.push(Instant::now(), [Unit(n, false)]);
            tokio::task::yield_now().await;
        }
        writer.close();
        assert_eq!(task.await.unwrap(), (0..100).collect::<Vec<_>>());
    }
}
