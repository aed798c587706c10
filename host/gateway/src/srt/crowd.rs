//! The readers of a stream, served together.
//!
//! One task lays a batch out as messages once, and hands them to all readers of its crowd: with a
//! task a reader, waking them would cost nearly as much as the sending. A reader whose send buffer
//! is full leaves the crowd with what it has not got, and comes back when it has caught up.

use super::backend::{Error, Outlet};
use super::connections::Place;
use super::message::lay_out;
use crate::context::Context;
use crate::crowd::{Call, Entrance, Handle};
use bytes::Bytes;
use hub::{ReadError, Reader, Start, Stream};
use media::TsChunk;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// Readers that one task serves; more are served by more tasks, on other cores.
const MOST: usize = 64;

/// Chunks taken at a time.
const BATCH: usize = 256;

/// One reader of a crowd.
#[derive(Debug)]
pub(crate) struct Seat {
    outlet: Arc<dyn Outlet>,
    /// The reader's own task gives it up as soon as the reader leaves.
    place: Weak<Place>,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
enum State {
    Served,
    Ended(End),
    /// Its end was told.
    Gone,
}

/// Why a crowd serves a reader no longer.
#[derive(Debug)]
pub(super) enum End {
    /// Its send buffer was full: these messages come first, then the lane from there on.
    Behind { messages: Vec<Bytes>, position: u64 },
    /// It was told to go.
    Left,
    /// It cannot be sent to any more.
    Broken(Error),
    /// The stream has ended.
    Stream,
}

/// A reader on its way into a crowd, and the place in the lane that it has got to.
#[derive(Debug)]
pub(crate) struct Arrival {
    seat: Arc<Seat>,
    position: u64,
}

/// Gives a reader that has all of the lane up to `position` into a crowd's care.
pub(super) async fn sit(
    context: &Context,
    stream: &Arc<Stream>,
    outlet: Arc<dyn Outlet>,
    place: &Arc<Place>,
    position: u64,
) -> Seated {
    let seat = Arc::new(Seat {
        outlet,
        place: Arc::downgrade(place),
        state: Mutex::new(State::Served),
        news: Notify::new(),
    });
    let start = |entrance| {
        let crowd = Crowd {
            context: context.clone(),
            stream: stream.clone(),
            reader: stream.read_ts(Start::Live),
            entrance,
            seats: Vec::new(),
            early: Vec::new(),
        };
        context.tasks().spawn(crowd.run());
    };
    let arrival = Arrival {
        seat: seat.clone(),
        position,
    };
    let readers = context.srt_readers();
    let crowd = readers.join(stream, arrival, MOST, start).await;
    Seated { seat, crowd }
}

/// A reader that is served by a crowd until it is dropped.
pub(super) struct Seated {
    seat: Arc<Seat>,
    crowd: Handle<Arrival>,
}

impl Seated {
    /// Why it is served no longer. Cancel safe.
    pub(super) async fn end(&self) -> End {
        loop {
            if let Some(end) = self.seat.take_end() {
                return end;
            }
            self.seat.news.notified().await;
        }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.seat.finish(End::Left);
        self.crowd.wake();
    }
}

impl Seat {
    fn finish(&self, end: End) {
        let mut state = self.state.lock();
        if matches!(*state, State::Served) {
            *state = State::Ended(end);
            self.news.notify_one();
        }
    }

    fn take_end(&self) -> Option<End> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Gone) {
            State::Ended(end) => Some(end),
            other => {
                *state = other;
                None
            }
        }
    }

    fn is_served(&self) -> bool {
        matches!(*self.state.lock(), State::Served)
    }

    /// Hands over what reaches up to `position` of the lane.
    fn offer(&self, messages: &[Bytes], position: u64) {
        let mut sent = 0;
        for (at, message) in messages.iter().enumerate() {
            match self.outlet.offer(message) {
                Ok(true) => sent += message.len(),
                Ok(false) => {
                    let messages = messages.get(at..).unwrap_or_default().to_vec();
                    self.finish(End::Behind { messages, position });
                    break;
                }
                Err(error) => {
                    self.finish(End::Broken(error));
                    break;
                }
            }
        }
        if let Some(place) = self.place.upgrade() {
            place.moved(sent);
        }
    }
}

struct Crowd {
    context: Context,
    stream: Arc<Stream>,
    reader: Reader<TsChunk>,
    entrance: Entrance<Arrival>,
    seats: Vec<Arc<Seat>>,
    /// Readers that are further than the crowd.
    early: Vec<Arrival>,
}

impl Crowd {
    async fn run(mut self) {
        let (mut chunks, mut messages) = (Vec::with_capacity(BATCH), Vec::new());
        loop {
            tokio::select! {
                biased;
                call = self.entrance.call() => match call {
                    Call::Join(arrival) => self.welcome(arrival),
                    Call::Look => {}
                },
                read = self.reader.recv_many(&mut chunks, BATCH) => match read {
                    Ok(_) => self.send(&mut chunks, &mut messages),
                    Err(ReadError::Lagged(lost)) => self.note_lag(lost),
                    Err(ReadError::Closed) => break,
                },
            }
            self.seats.retain(|seat| seat.is_served());
            self.early.retain(|arrival| arrival.seat.is_served());
            if self.seats.is_empty() && self.early.is_empty() && !self.has_late_joiners().await {
                return;
            }
            self.entrance
                .note_present(self.seats.len() + self.early.len());
            // A stream that always has something must not keep the others of its thread waiting.
            tokio::task::consume_budget().await;
        }
        self.has_late_joiners().await;
        let early = self.early.iter().map(|arrival| &arrival.seat);
        self.seats
            .iter()
            .chain(early)
            .for_each(|seat| seat.finish(End::Stream));
    }

    /// Brings a reader to where the crowd stands, or has it wait until the crowd is there.
    fn welcome(&mut self, arrival: Arrival) {
        let position = self.reader.position();
        if arrival.position > position {
            return self.early.push(arrival);
        }
        let mut missing = Vec::new();
        if !self.reader.since(arrival.position, &mut missing) {
            // It reads on by itself, and finds that it was overtaken.
            return arrival.seat.finish(End::Behind {
                messages: Vec::new(),
                position: arrival.position,
            });
        }
        let mut messages = Vec::new();
        lay_out(missing.into_iter().map(|chunk| chunk.data), &mut messages);
        arrival.seat.offer(&messages, position);
        self.seats.push(arrival.seat);
    }

    fn send(&mut self, chunks: &mut Vec<TsChunk>, messages: &mut Vec<Bytes>) {
        lay_out(chunks.drain(..).map(|chunk| chunk.data), messages);
        let position = self.reader.position();
        for seat in &self.seats {
            seat.offer(messages, position);
        }
        messages.clear();
        for arrival in std::mem::take(&mut self.early) {
            self.welcome(arrival);
        }
    }

    /// Lets nobody in any more; true if somebody came in before.
    async fn has_late_joiners(&mut self) -> bool {
        let late = self
            .entrance
            .close(self.context.srt_readers(), &self.stream);
        for arrival in late.await {
            self.welcome(arrival);
        }
        !self.seats.is_empty() || !self.early.is_empty()
    }

    fn note_lag(&self, lost: u64) {
        let places = self.seats.iter().filter_map(|seat| seat.place.upgrade());
        places.for_each(|place| place.lost(lost));
        let complaints = self.context.complaints();
        if let Some(held_back) = complaints.admit("srt crowd lag", Instant::now()) {
            tracing::warn!(stream = %self.stream.name(), lost, held_back, "SRT readers were overtaken; this host is overloaded");
        }
    }
}
