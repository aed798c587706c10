//! Bytes in any cut to runs of whole packets.

use super::{PACKET_BYTES, SYNC_BYTE};
use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// Sync bytes in a row, one packet apart, that make a lock believable.
const SYNCS_TO_LOCK: usize = 3;

/// Bytes from the first of these sync bytes to the last, inclusive.
const LOCK_BYTES: usize = (SYNCS_TO_LOCK - 1) * PACKET_BYTES + 1;

/// What the cuts between pushes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Nothing.
    Stream,
    /// A push is what a sender sent in one go, nearly always whole packets.
    Datagram,
}

/// Finds packets in bytes, resynchronises after garbage.
///
/// Bytes that are whole packets already pass without a copy. Locks onto three sync bytes, one
/// packet apart; a missing sync byte unlocks. Carries at most [`Framer::MAX_CARRY`] bytes over.
#[derive(Debug)]
pub struct Framer {
    cut: Cut,
    locked: bool,
    carry: BytesMut,
    skipped: u64,
    losses: u64,
}

impl Framer {
    /// The most bytes that wait for more.
    pub const MAX_CARRY: usize = LOCK_BYTES - 1;

    /// For a byte stream (pipe, TCP, file): the output does not depend on the cut.
    pub fn stream() -> Self {
        Self::new(Cut::Stream)
    }

    /// For datagrams and SRT messages: one that holds whole packets by itself is believed at
    /// once, even while unlocked or with part of another packet waiting. A truncated datagram
    /// thus spoils no packet of the next.
    pub fn datagram() -> Self {
        Self::new(Cut::Datagram)
    }

    fn new(cut: Cut) -> Self {
        Self {
            cut,
            locked: false,
            carry: BytesMut::new(),
            skipped: 0,
            losses: 0,
        }
    }

    /// Takes bytes, appends runs of whole packets to `out`.
    pub fn push(&mut self, data: Bytes, out: &mut Vec<Bytes>) {
        if self.cut == Cut::Datagram && is_packets(&data) {
            self.skipped += self.carry.len() as u64;
            self.carry.clear();
            self.locked = true;
            out.push(data);
            return;
        }
        let mut rest = if self.carry.is_empty() {
            data
        } else {
            self.join(data, out)
        };
        while !rest.is_empty() {
            let stuck = if self.locked {
                self.take_run(&mut rest, out)
            } else {
                !self.lock(&mut rest)
            };
            if stuck {
                self.carry = BytesMut::from(rest.as_ref());
                return;
            }
        }
    }

    /// Bytes that belonged to no packet, so far.
    pub const fn skipped_bytes(&self) -> u64 {
        self.skipped
    }

    /// How often the lock was lost.
    pub const fn sync_losses(&self) -> u64 {
        self.losses
    }

    /// Whether the next bytes are expected to be packets.
    pub const fn locked(&self) -> bool {
        self.locked
    }

    /// Puts the carried bytes in front of `data`; while locked, only as many as one packet
    /// needs are copied.
    fn join(&mut self, mut data: Bytes, out: &mut Vec<Bytes>) -> Bytes {
        let missing = PACKET_BYTES.saturating_sub(self.carry.len());
        if !self.locked || missing == 0 || data.len() < missing {
            self.carry.extend_from_slice(&data);
            return self.carry.split().freeze();
        }
        // Locked bytes begin with a sync byte: `take_run` left them.
        self.carry.extend_from_slice(&data.split_to(missing));
        out.push(self.carry.split().freeze());
        data
    }

    /// Moves the packets at the head of `rest` to `out`. True if more bytes are needed.
    fn take_run(&mut self, rest: &mut Bytes, out: &mut Vec<Bytes>) -> bool {
        let (packets, tail) = rest.as_chunks::<PACKET_BYTES>();
        let good = packets
            .iter()
            .take_while(|packet| packet[0] == SYNC_BYTE)
            .count();
        let whole = good == packets.len();
        let waits = whole && tail.first() == Some(&SYNC_BYTE);
        if !waits && (!whole || !tail.is_empty()) {
            self.locked = false;
            self.losses += 1;
        }
        if good > 0 {
            out.push(rest.split_to(good * PACKET_BYTES));
        }
        waits
    }

    /// Drops bytes up to three sync bytes in a row. False if more bytes are needed to tell.
    fn lock(&mut self, rest: &mut Bytes) -> bool {
        let mut from = 0;
        while let Some(at) = rest.get(from..).and_then(|bytes| memchr(SYNC_BYTE, bytes)) {
            let start = from + at;
            let mut syncs = (1..SYNCS_TO_LOCK).map(|n| rest.get(start + n * PACKET_BYTES));
            if syncs.all(|byte| byte.is_none_or(|byte| *byte == SYNC_BYTE)) {
                self.skip(rest, start);
                self.locked = rest.len() >= LOCK_BYTES;
                return self.locked;
            }
            from = start + 1;
        }
        let all = rest.len();
        self.skip(rest, all);
        true
    }

    fn skip(&mut self, rest: &mut Bytes, count: usize) {
        self.skipped += count as u64;
        drop(rest.split_to(count));
    }
}

/// Whether `data` is nothing but packets, by their sync bytes.
fn is_packets(data: &[u8]) -> bool {
    let (packets, tail) = data.as_chunks::<PACKET_BYTES>();
    tail.is_empty() && !packets.is_empty() && packets.iter().all(|packet| packet[0] == SYNC_BYTE)
}
