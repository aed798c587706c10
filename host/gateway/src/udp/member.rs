//! One output among those of a stream: its socket, its queue, its errors.

use super::batch::{Batch, Run};
use super::send::{is_about_offload, send_one, send_run};
use super::socket;
use bytes::Bytes;
use link::{LinkError, Session};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What waits at most for a full send buffer; the oldest goes first.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// Refusals in a row, each heard of by another batch, before the peer is taken to be gone. One
/// alone may tell of a receiver that has come back meanwhile.
const MAX_REFUSALS: u32 = 3;

/// Silence after the first datagram that is taken for consent: an ICMP message would be here.
const CONSENT: Duration = Duration::from_millis(200);

/// One output of a fan-out.
#[derive(Debug)]
pub(crate) struct Member {
    socket: UdpSocket,
    /// Only while datagrams wait: each datagram that leaves the send buffer wakes a thread then.
    watch: Option<tokio::net::UdpSocket>,
    peer: String,
    session: Session,
    /// How its session hears the end; also by being dropped.
    over: Option<oneshot::Sender<LinkError>>,
    segmented: bool,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    refusals: u32,
    refused_now: bool,
    first_sent: Option<Instant>,
    established: bool,
}

impl Member {
    /// Sends over `socket`; the second value tells of its end.
    pub(super) fn new(
        socket: UdpSocket,
        peer: String,
        session: Session,
    ) -> (Self, oneshot::Receiver<LinkError>) {
        let (over, ended) = oneshot::channel();
        let member = Self {
            socket,
            watch: None,
            peer,
            session,
            over: Some(over),
            segmented: true,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            refusals: 0,
            refused_now: false,
            first_sent: None,
            established: false,
        };
        (member, ended)
    }

    /// Whether it goes on: neither failed nor left.
    pub(super) fn stays(&self) -> bool {
        self.over.is_some() && !self.session.cancelled().is_cancelled()
    }

    /// Whether datagrams wait for its send buffer.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Ready when a waiting member may send again.
    pub(super) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.watch {
            // An error is found out by sending.
            Some(watch) => watch.poll_send_ready(cx).map(drop),
            None => Poll::Pending,
        }
    }

    /// Counts chunks that the whole fan-out was too slow for.
    pub(super) fn lost(&self, chunks: u64) {
        self.session.dropped(chunks);
    }

    /// Sends a run, or keeps it for later; never waits.
    pub(super) fn send(&mut self, batch: &Batch, run: &Run, slices: &[IoSlice<'_>]) {
        if self.over.is_none() {
            return;
        }
        let unsent = if self.is_waiting() {
            0
        } else {
            self.try_send(run, slices)
        };
        let kept = batch
            .datagrams()
            .get(run.datagrams.clone())
            .unwrap_or_default();
        if self.over.is_some() {
            self.keep(kept.get(unsent..).unwrap_or_default());
        } else {
            self.session
                .dropped((kept.len() - unsent.min(kept.len())) as u64);
        }
    }

    /// After each batch: draws the conclusions that single sends do not allow.
    pub(super) fn settle(&mut self, now: Instant) {
        if std::mem::take(&mut self.refused_now) {
            self.refusals += 1;
            self.first_sent = None;
            if self.refusals >= MAX_REFUSALS {
                self.end(io::ErrorKind::ConnectionRefused.into());
            }
        } else if let Some(first) = self.first_sent {
            self.refusals = 0;
            if !self.established && now.saturating_duration_since(first) >= CONSENT {
                self.established = true;
                self.session.live();
            }
        }
    }

    /// Sends what waits, as far as the buffer takes it.
    pub(super) fn flush(&mut self) {
        self.send_waiting();
        self.watch = None;
        if self.is_waiting() && self.over.is_some() {
            self.watch();
        }
    }

    /// Registered anew, so that only what becomes free from now on counts as room.
    fn watch(&mut self) {
        match socket::watch(&self.socket) {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => self.end(error),
        }
    }

    fn send_waiting(&mut self) {
        let mut batch = Batch::default();
        while self.is_waiting() && self.over.is_some() {
            batch.clear();
            self.waiting
                .iter()
                .take(64)
                .for_each(|datagram| batch.push(datagram.clone()));
            let Some(run) = batch.runs(64).next() else {
                return;
            };
            let slices: Vec<_> = batch.slices(&run).collect();
            let sent = self.try_send(&run, &slices);
            for datagram in self.waiting.drain(..sent.min(self.waiting.len())) {
                self.waiting_bytes -= datagram.len();
            }
            if sent < slices.len() {
                return;
            }
        }
    }

    /// How many datagrams of the run went out.
    fn try_send(&mut self, run: &Run, slices: &[IoSlice<'_>]) -> usize {
        if self.segmented {
            match self.past_refusal(|socket| send_run(socket, run, slices)) {
                Ok(()) => {
                    self.sent(run.bytes);
                    return slices.len();
                }
                Err(error) if slices.len() > 1 && is_about_offload(&error) => {
                    tracing::debug!(peer = %self.peer, %error, "no segmentation offload");
                    self.segmented = false;
                }
                Err(error) => return self.take_error(error, slices.len()),
            }
        }
        for (index, slice) in slices.iter().enumerate() {
            match self.past_refusal(|socket| send_one(socket, slice)) {
                Ok(()) => self.sent(slice.len()),
                Err(error) => {
                    if self.take_error(error, 1) == 0 {
                        return index;
                    }
                }
            }
        }
        slices.len()
    }

    /// A refusal tells of an earlier datagram and keeps this one from being sent: tries again.
    fn past_refusal(&mut self, send: impl Fn(&UdpSocket) -> io::Result<()>) -> io::Result<()> {
        match send(&self.socket) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.refused_now = true;
                send(&self.socket)
            }
            result => result,
        }
    }

    fn sent(&mut self, bytes: usize) {
        self.session.moved(bytes);
        if self.first_sent.is_none() {
            self.first_sent = Some(Instant::now());
        }
    }

    /// How many of `count` datagrams are done with, having met this error.
    fn take_error(&mut self, error: io::Error, count: usize) -> usize {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::WouldBlock, _) => 0,
            // Refused again at once, or the device's queue is full: these are lost.
            (io::ErrorKind::ConnectionRefused, _) | (_, Some(libc::ENOBUFS)) => {
                self.session.dropped(count as u64);
                count
            }
            _ => {
                self.end(error);
                0
            }
        }
    }

    fn keep(&mut self, datagrams: &[Bytes]) {
        if !datagrams.is_empty() && self.watch.is_none() {
            self.watch();
        }
        for datagram in datagrams {
            self.waiting_bytes += datagram.len();
            self.waiting.push_back(datagram.clone());
        }
        while self.waiting_bytes > MAX_WAITING_BYTES {
            let Some(oldest) = self.waiting.pop_front() else {
                return;
            };
            self.waiting_bytes -= oldest.len();
            self.session.dropped(1);
        }
    }

    fn end(&mut self, source: io::Error) {
        if let Some(over) = self.over.take() {
            let doing = if source.kind() == io::ErrorKind::ConnectionRefused {
                format!("nobody listens at {}", self.peer)
            } else {
                format!("cannot send to {}", self.peer)
            };
            // The session may have left at this very moment.
            let _ = over.send(LinkError::Io { doing, source });
        }
    }
}
