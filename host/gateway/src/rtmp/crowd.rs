//! The players of a stream, served together.
//!
//! One task writes each batch to all players of its crowd. How long it gathers messages for one
//! write grows with their number: few players get each picture as it comes, for many the system's
//! cost of a write is shared by more bytes ([`Merge`]).

use super::seat::{Batch, End, Seat};
use crate::context::Context;
use crate::crowd::{Call, Entrance, Handle};
use hub::{ReadError, Reader, RtmpMessage, Start, Stream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Players that one task serves; more are served by more tasks, on other cores.
const MOST: usize = 512;

/// Messages taken at a time.
const BATCH: usize = 256;

/// How long messages are gathered before they are written.
#[derive(Debug, Clone, Copy)]
pub struct Merge {
    /// The longest that a message is kept back, from [`Merge::FULL`] players on; 0 to 1 s.
    pub cap: Duration,
}

impl Merge {
    /// Up to so many players nothing is kept back.
    pub const NONE: usize = 50;
    /// From so many players on the whole cap is used; between the two it grows evenly.
    pub const FULL: usize = 500;

    fn window(self, players: usize) -> Duration {
        let above = players.clamp(Self::NONE, Self::FULL) - Self::NONE;
        self.cap * above as u32 / (Self::FULL - Self::NONE) as u32
    }
}

impl Default for Merge {
    /// Off.
    fn default() -> Self {
        Self {
            cap: Duration::ZERO,
        }
    }
}

/// A player that is served by a crowd until it is dropped.
pub(super) struct Seated {
    pub(super) seat: Arc<Seat>,
    crowd: Handle<Arc<Seat>>,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.seat.finish(End::Left);
        self.crowd.wake();
    }
}

/// Adds a player: it begins with the newest key frame, at once.
pub(super) async fn join(context: &Context, merge: Merge, seat: Arc<Seat>) -> Seated {
    let stream = seat.viewer().stream().clone();
    let start = |entrance| {
        let crowd = Crowd {
            context: context.clone(),
            stream: stream.clone(),
            reader: stream.read_rtmp(Start::RandomAccess),
            merge,
            entrance,
            seats: Vec::new(),
            late: Vec::new(),
            gathered: Vec::with_capacity(BATCH),
            due: None,
        };
        context.tasks().spawn(crowd.run());
    };
    let players = context.rtmp_players();
    let crowd = players.join(&stream, seat.clone(), MOST, start).await;
    Seated { seat, crowd }
}

struct Crowd {
    context: Context,
    stream: Arc<Stream>,
    reader: Reader<RtmpMessage>,
    merge: Merge,
    entrance: Entrance<Arc<Seat>>,
    seats: Vec<Arc<Seat>>,
    /// Who came while messages were gathered, and has been given those already.
    late: Vec<Arc<Seat>>,
    gathered: Vec<RtmpMessage>,
    /// When what was gathered is written.
    due: Option<Instant>,
}

impl Crowd {
    async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                call = self.entrance.call() => match call {
                    Call::Join(seat) => self.welcome(seat),
                    Call::Look => {}
                },
                () = super::connection::until(self.due), if self.due.is_some() => self.write(),
                read = self.reader.recv_many(&mut self.gathered, BATCH) => match read {
                    Ok(_) => self.gather(),
                    Err(ReadError::Lagged(lost)) => self.note_lag(lost),
                    Err(ReadError::Closed) => break,
                },
            }
            self.seats.retain(|seat| seat.end().is_none());
            if self.seats.is_empty() && self.late.is_empty() && !self.has_late_joiners().await {
                return;
            }
            self.entrance
                .note_present(self.seats.len() + self.late.len());
            // A stream that always has something must not keep the others of its thread waiting.
            tokio::task::consume_budget().await;
        }
        self.write();
        self.has_late_joiners().await;
        self.seats.iter().for_each(|seat| seat.finish(End::Stream));
    }

    /// A new player gets what the others had since the newest key frame.
    fn welcome(&mut self, seat: Arc<Seat>) {
        let mut lead = Vec::new();
        self.reader.lead_in(&mut lead);
        let lead = Batch::new(lead);
        seat.offer(Instant::now(), &lead, &lead.slices());
        self.late.push(seat);
        if self.gathered.is_empty() {
            self.seats.append(&mut self.late);
        }
    }

    fn gather(&mut self) {
        let window = self.merge.window(self.seats.len());
        if window.is_zero() || self.gathered.len() >= BATCH {
            return self.write();
        }
        self.due.get_or_insert_with(|| Instant::now() + window);
    }

    fn write(&mut self) {
        self.due = None;
        let batch = Batch::new(std::mem::take(&mut self.gathered));
        let slices = batch.slices();
        let now = Instant::now();
        for seat in &self.seats {
            seat.offer(now, &batch, &slices);
        }
        drop(slices);
        self.gathered = batch.into_messages();
        self.seats.append(&mut self.late);
    }

    /// Lets nobody in any more; true if somebody came in before.
    async fn has_late_joiners(&mut self) -> bool {
        let late = self
            .entrance
            .close(self.context.rtmp_players(), &self.stream);
        for seat in late.await {
            self.welcome(seat);
        }
        !self.seats.is_empty()
    }

    fn note_lag(&self, lost: u64) {
        self.seats.iter().for_each(|seat| seat.lost(lost));
        let complaints = self.context.complaints();
        if let Some(held_back) = complaints.admit("rtmp crowd lag", Instant::now()) {
            tracing::warn!(stream = %self.stream.name(), lost, held_back, "RTMP players were overtaken; this host is overloaded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_players_wait_for_nothing_and_many_for_the_whole_cap() {
        let merge = Merge {
            cap: Duration::from_millis(350),
        };
        for (players, ms) in [(0, 0), (50, 0), (275, 175), (500, 350), (9_000, 350)] {
            assert_eq!(
                merge.window(players),
                Duration::from_millis(ms),
                "{players}"
            );
        }
    }
}
