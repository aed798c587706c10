//! A seat as its crowd sees it, all places side by side in memory.
//!
//! Most players take every batch as it is and at once. Writing to one of them touches its place and
//! its socket, and nothing else of this host: neither its seat, nor its counters, nor what the
//! runtime knows of the socket. Whatever its own task changes at the seat it does behind the crowd's
//! [`Gate`], and the crowd looks at all seats anew before it writes again.

use super::batch::Batch;
use super::seat::Seat;
use crate::tcp::Kept;
use hub::Preface;
use media::flv::Need;
use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Held by a crowd while it writes, and by a player's own task while it changes its seat.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<bool>);

/// A player of a crowd.
pub(super) struct Place {
    socket: Kept,
    /// It takes what the crowd's [`Manner`] says just as it is, and nothing waits for it.
    in_step: bool,
    /// Taken by the socket and not counted yet.
    sent: usize,
    pub(super) seat: Arc<Seat>,
}

/// What a batch is like, as far as players differ about it.
#[derive(Debug, Default)]
pub(super) struct Manner {
    preface: Option<Arc<Preface>>,
    needs: Vec<Need>,
}

/// How a player took a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It goes on.
    Stays,
    /// Nothing more will be taken.
    Ended,
}

impl Gate {
    /// For the crowd; true if a seat was changed since.
    pub(super) fn write(&self) -> (MutexGuard<'_, bool>, bool) {
        let mut changed = self.0.lock();
        let was = std::mem::take(&mut *changed);
        (changed, was)
    }

    /// For a player's own task.
    pub(super) fn change(&self) -> MutexGuard<'_, bool> {
        let mut changed = self.0.lock();
        *changed = true;
        changed
    }
}

impl Manner {
    /// Takes over what a batch needs; true if what was known of the players holds no more.
    pub(super) fn follow(&mut self, batch: &Batch) -> bool {
        let same = match (&self.preface, &batch.preface) {
            (Some(known), Some(new)) => Arc::ptr_eq(known, new),
            _ => false,
        };
        let news = batch.needs.iter().filter(|need| !self.needs.contains(need));
        let news: Vec<_> = news.copied().collect();
        if !same {
            self.preface.clone_from(&batch.preface);
            self.needs.clone_from(&batch.needs);
        } else {
            self.needs.extend_from_slice(&news);
        }
        !same || !news.is_empty()
    }
}

impl Place {
    /// Of a seat that was let in behind the gate.
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self {
            socket: Kept::new(seat.tcp()),
            in_step: false,
            sent: 0,
            seat,
        }
    }

    /// Looks at the seat: whether it goes on as its crowd does, or is left.
    pub(super) fn look(&mut self, manner: &Manner) -> Taken {
        let step = match &manner.preface {
            Some(preface) => self.seat.is_in_step(preface, &manner.needs),
            None => self.seat.end().is_none().then_some(false),
        };
        self.in_step = step.unwrap_or(false);
        match step {
            Some(_) => Taken::Stays,
            None => Taken::Ended,
        }
    }

    /// Hands over a batch; writes what the socket takes now.
    pub(super) fn offer(&mut self, now: Instant, batch: &Batch, manner: &Manner) -> Taken {
        if !self.in_step {
            self.seat.offer(now, &batch.messages);
            return self.look(manner);
        }
        let written = match self.socket.send(batch.wire()) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.seat.broke();
                return Taken::Ended;
            }
        };
        self.sent += written;
        if written < batch.wire().len() {
            self.in_step = false;
            self.seat.keep(now, batch, written);
        }
        Taken::Stays
    }

    /// Counts what was sent since the last time.
    pub(super) fn count(&mut self) {
        self.seat.viewer().sent(std::mem::take(&mut self.sent));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count();
    }
}
