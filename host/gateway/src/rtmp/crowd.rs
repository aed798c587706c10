//! The players of a stream, served together.
//!
//! One task writes each batch to all players of its crowd. How long it gathers messages for one
//! write grows with their number: few players get each picture as it comes, for many the system's
//! cost of a write is shared by more bytes ([`Merge`]).

use super::batch::Batch;
use super::place::{Gate, Manner, Place, Taken};
use super::seat::{End, Seat};
use crate::context::Context;
use crate::crowd::{Call, Entrance, Handle};
use hub::{ReadError, Reader, RtmpMessage, Start, Stream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Players that one task serves; more are served by more tasks, on other cores.
const MOST: usize = 512;

/// Messages taken at a time.
const BATCH: usize = 256;

/// How often what players were sent is counted.
const COUNT: Duration = Duration::from_millis(250);

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
            gate: Arc::default(),
            manner: Manner::default(),
            places: Vec::new(),
            late: Vec::new(),
            gathered: Vec::with_capacity(BATCH),
            due: None,
            counted: Instant::now(),
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
    gate: Arc<Gate>,
    /// What the places know of the batches to come.
    manner: Manner,
    places: Vec<Place>,
    /// Who came while messages were gathered, and has been given those already.
    late: Vec<Place>,
    gathered: Vec<RtmpMessage>,
    /// When what was gathered is written.
    due: Option<Instant>,
    /// When what was sent was counted last.
    counted: Instant,
}

impl Crowd {
    async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                call = self.entrance.call() => match call {
                    Call::Join(seat) => self.welcome(seat),
                    Call::Look => self.look(),
                },
                () = super::connection::until(self.due), if self.due.is_some() => self.write(),
                read = self.reader.recv_many(&mut self.gathered, BATCH) => match read {
                    Ok(_) => self.gather(),
                    Err(ReadError::Lagged(lost)) => self.note_lag(lost),
                    Err(ReadError::Closed) => break,
                },
            }
            if self.places.is_empty() && self.late.is_empty() && !self.has_late_joiners().await {
                return;
            }
            self.entrance
                .note_present(self.places.len() + self.late.len());
            // A stream that always has something must not keep the others of its thread waiting.
            tokio::task::consume_budget().await;
        }
        self.write();
        self.has_late_joiners().await;
        self.places.iter().for_each(|place| place.seat.ended());
    }

    /// A new player gets what the others had since the newest key frame.
    fn welcome(&mut self, seat: Arc<Seat>) {
        let mut lead = Vec::new();
        self.reader.lead_in(&mut lead);
        seat.let_in(Instant::now(), &lead, &self.gate);
        self.late.push(Place::new(seat));
        if self.gathered.is_empty() {
            self.places.append(&mut self.late);
        }
    }

    /// Looks who is still there, and who is in step.
    fn look(&mut self) {
        let (gate, manner) = (self.gate.clone(), &self.manner);
        let _inside = gate.write();
        let mut stays = |place: &mut Place| place.look(manner) == Taken::Stays;
        self.places.retain_mut(&mut stays);
        self.late.retain_mut(&mut stays);
    }

    fn gather(&mut self) {
        let window = self.merge.window(self.places.len());
        if window.is_zero() || self.gathered.len() >= BATCH {
            return self.write();
        }
        self.due.get_or_insert_with(|| Instant::now() + window);
    }

    fn write(&mut self) {
        self.due = None;
        let batch = Batch::new(std::mem::take(&mut self.gathered));
        let now = Instant::now();
        let differs = self.manner.follow(&batch);
        let (gate, manner) = (self.gate.clone(), &self.manner);
        {
            let (_inside, changed) = gate.write();
            if differs || changed {
                let stays = |place: &mut Place| place.look(manner) == Taken::Stays;
                self.places.retain_mut(stays);
            }
            let stays = |place: &mut Place| place.offer(now, &batch, manner) == Taken::Stays;
            self.places.retain_mut(stays);
        }
        self.gathered = batch.into_messages();
        self.places.append(&mut self.late);
        if now.saturating_duration_since(self.counted) >= COUNT {
            self.counted = now;
            self.places.iter_mut().for_each(Place::count);
        }
    }

    /// Lets nobody in any more; true if somebody came in before.
    async fn has_late_joiners(&mut self) -> bool {
        let late = self
            .entrance
            .close(self.context.rtmp_players(), &self.stream);
        for seat in late.await {
            self.welcome(seat);
        }
        !self.places.is_empty()
    }

    fn note_lag(&mut self, lost: u64) {
        self.places.iter().for_each(|place| place.seat.lost(lost));
        self.look();
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
