//! One player of a crowd: its socket, and what waits for it.
//!
//! While nothing waits the crowd writes by itself ([`super::place`]). What the socket does not take
//! at once waits here, and the player's own task writes it when there is room. A player that falls
//! behind goes on with a newer key frame, as a reader of a lane that was overtaken does.

use super::batch::Batch;
use super::place::Gate;
use super::player::Player;
use bytes::Bytes;
use hub::{Preface, RtmpMessage, Viewer};
use media::flv::Need;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Buffers a call; far below the system's limit of 1024 (`IOV_MAX`).
const BUFFERS: usize = 64;

/// What waits longer than this goes, once there is a newer key frame to go on with.
const STALE: Duration = Duration::from_secs(2);

/// What may wait at most. The bytes are shared with everybody else's; a queue of references is
/// not, and is bounded by [`MAX_WAITING`].
const MAX_WAITING_BYTES: usize = 16 << 20;

/// Messages that may wait at most.
const MAX_WAITING: usize = 16_384;

/// A player's socket and queue.
#[derive(Debug)]
pub(crate) struct Seat {
    tcp: Arc<TcpStream>,
    viewer: Viewer,
    out: Mutex<Outgoing>,
    news: Notify,
}

#[derive(Debug)]
struct Outgoing {
    /// Of the crowd it sits in; none before it is let in.
    gate: Option<Arc<Gate>>,
    player: Player,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Bytes of the first that are written already.
    skip: usize,
    /// When the socket last took something, or had nothing to take.
    progress: Instant,
    end: Option<End>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    bytes: Bytes,
}

/// Why nothing more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The stream has ended.
    Stream,
    /// The player has left.
    Left,
    /// Its socket is broken; who reads from it hears why.
    Broken,
}

impl Seat {
    pub(super) fn new(tcp: Arc<TcpStream>, viewer: Viewer, player: Player, now: Instant) -> Self {
        Self {
            tcp,
            viewer,
            out: Mutex::new(Outgoing {
                gate: None,
                player,
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                skip: 0,
                progress: now,
                end: None,
            }),
            news: Notify::new(),
        }
    }

    pub(super) fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Resolves when something waits, or nothing more comes.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// Why nothing more comes, if so.
    pub(super) fn end(&self) -> Option<End> {
        self.out.lock().end
    }

    /// Its connection.
    pub(super) fn tcp(&self) -> Arc<TcpStream> {
        self.tcp.clone()
    }

    /// Nothing more comes.
    pub(super) fn finish(&self, end: End) {
        self.change(|out| {
            out.end.get_or_insert(end);
        });
        self.news.notify_one();
    }

    pub(super) fn pause(&self, paused: bool) {
        self.change(|out| out.player.pause(paused));
    }

    /// Says something of the session's own, behind what waits.
    pub(super) fn say(&self, now: Instant, bytes: Bytes) {
        self.change(|out| {
            out.push(now, bytes);
            self.write_waiting(now, out);
        });
    }

    /// Writes what waits, as far as the socket takes it.
    pub(super) fn flush(&self, now: Instant) {
        self.change(|out| self.write_waiting(now, out));
    }

    /// Drops what waits, but for a message that is partly written.
    pub(super) fn cut_short(&self) {
        self.change(Outgoing::drop_waiting);
    }

    /// Since when the socket has taken nothing, although something waits.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        let out = self.out.lock();
        (!out.waiting.is_empty()).then_some(out.progress)
    }

    /// A change by the player's own task, never while the crowd writes.
    fn change<T>(&self, change: impl FnOnce(&mut Outgoing) -> T) -> T {
        let mut out = self.out.lock();
        let Some(gate) = out.gate.clone() else {
            return change(&mut out);
        };
        // Who holds the gate may want the seat: never the other way round.
        drop(out);
        let _inside = gate.change();
        change(&mut self.out.lock())
    }

    fn write_waiting(&self, now: Instant, out: &mut Outgoing) {
        while !out.waiting.is_empty() && out.end != Some(End::Broken) {
            let mut slices = [IoSlice::new(&[]); BUFFERS];
            let mut count = 0;
            for (slice, waiting) in slices.iter_mut().zip(&out.waiting) {
                let skip = if count == 0 { out.skip } else { 0 };
                *slice = IoSlice::new(waiting.bytes.get(skip..).unwrap_or_default());
                count += 1;
            }
            match self
                .tcp
                .try_write_vectored(slices.get(..count).unwrap_or_default())
            {
                Ok(written) => {
                    self.viewer.sent(written);
                    out.written(now, written);
                }
                Err(error) => return out.take_error(&error),
            }
        }
    }
}

/// What a crowd does, behind its gate.
impl Seat {
    /// Lets it in: first it gets what the others had since the newest key frame.
    pub(super) fn let_in(&self, now: Instant, lead: &[RtmpMessage], gate: &Arc<Gate>) {
        self.out.lock().gate = Some(gate.clone());
        self.offer(now, lead);
    }

    /// Hands over messages; writes what the socket takes now.
    pub(super) fn offer(&self, now: Instant, messages: &[RtmpMessage]) {
        let mut out = self.out.lock();
        if out.end.is_some() {
            return;
        }
        let lost = out.queue(now, messages);
        if lost > 0 {
            self.viewer.lost(lost);
        }
        self.write_waiting(now, &mut out);
        if !out.waiting.is_empty() || out.end.is_some() {
            self.news.notify_one();
        }
    }

    /// Keeps what a batch has beyond its first `written` bytes.
    pub(super) fn keep(&self, now: Instant, batch: &Batch, written: usize) {
        let mut out = self.out.lock();
        let (skip, messages) = batch.beyond(written);
        out.skip = skip;
        messages.for_each(|message| out.push(now, message));
        self.news.notify_one();
    }

    /// Whether it takes every message of those needs under that preface just as it is, and nothing
    /// waits; none if nothing more comes.
    pub(super) fn is_in_step(&self, preface: &Arc<Preface>, needs: &[Need]) -> Option<bool> {
        let out = self.out.lock();
        let in_step = out.waiting.is_empty() && out.player.is_in_step(preface, needs);
        out.end.is_none().then_some(in_step)
    }

    /// Messages that nobody in the crowd got.
    pub(super) fn lost(&self, messages: u64) {
        self.viewer.lost(messages);
        self.out.lock().player.restart();
    }

    /// Its socket is broken.
    pub(super) fn broke(&self) {
        self.out.lock().end.get_or_insert(End::Broken);
        self.news.notify_one();
    }

    /// The stream has ended.
    pub(super) fn ended(&self) {
        self.out.lock().end.get_or_insert(End::Stream);
        self.news.notify_one();
    }
}

impl Outgoing {
    fn push(&mut self, now: Instant, bytes: Bytes) {
        if self.waiting.is_empty() {
            self.progress = now;
        }
        self.waiting_bytes += bytes.len();
        self.waiting.push_back(Waiting { since: now, bytes });
    }

    /// Puts messages behind what waits, or in its place; returns how many the player loses.
    fn queue(&mut self, now: Instant, messages: &[RtmpMessage]) -> u64 {
        let mut lost = 0;
        for message in messages {
            if self.has_too_much(now, message.random_access) {
                lost += self.drop_waiting();
            }
            if let Some((preface, wire)) = self.player.take(message) {
                preface
                    .into_iter()
                    .for_each(|preface| self.push(now, preface));
                self.push(now, wire);
            }
        }
        lost
    }

    fn has_too_much(&self, now: Instant, random_access: bool) -> bool {
        let is_stale = |oldest: &Waiting| now.saturating_duration_since(oldest.since) > STALE;
        self.waiting_bytes > MAX_WAITING_BYTES
            || self.waiting.len() > MAX_WAITING
            || random_access && self.waiting.front().is_some_and(is_stale)
    }

    /// Drops all but a message that is partly written.
    fn drop_waiting(&mut self) -> u64 {
        let kept = usize::from(self.skip > 0);
        let lost = self.waiting.len().saturating_sub(kept);
        self.waiting.truncate(kept);
        self.waiting_bytes = self.waiting.iter().map(|first| first.bytes.len()).sum();
        self.player.restart();
        lost as u64
    }

    fn written(&mut self, now: Instant, mut written: usize) {
        self.progress = now;
        while let Some(first) = self.waiting.front() {
            let left = first.bytes.len() - self.skip;
            if written < left {
                self.skip += written;
                return;
            }
            written -= left;
            self.skip = 0;
            self.waiting_bytes -= first.bytes.len();
            self.waiting.pop_front();
        }
    }

    fn take_error(&mut self, error: &io::Error) {
        if error.kind() != io::ErrorKind::WouldBlock {
            self.end = Some(End::Broken);
        }
    }
}
