//! What happens, for any number of listeners: events as they come, figures once a second.
//!
//! ```text
//!  hub events ─▶ write: numbered, serialized once ─▶ ring ─┐
//!  actor, 1/s ─▶ show: one text a stream ─────────▶ frame ─┼─▶ Cursor (one a listener)
//!                                             one wake ────┘
//! ```
//!
//! A listener is a place in the ring and owns nothing else: a thousand of them share the same
//! bytes. Nobody is waited for. Who falls behind by more than the ring holds is told so.

mod cursor;
mod figures;
mod message;
mod ring;

pub use cursor::{BadFilter, Cursor, Filter, Item};
pub use message::Message;

use crate::clock;
use crate::view::StreamView;
use figures::Frame;
use model::{Event, Protocol};
use parking_lot::RwLock;
use ring::Ring;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;

/// A stranger can be turned away a thousand times a second: of each protocol and reason one in
/// this many milliseconds is told. The metrics count every one.
const REFUSALS_APART_MS: u64 = 1_000;

/// All that was told of late; clones share it.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run: Run,
    ring: RwLock<Ring>,
    /// What was shown last; none while nobody looks.
    frame: RwLock<Option<Arc<Frame>>>,
    news: watch::Sender<()>,
    /// Listeners that want figures.
    watchers: AtomicUsize,
}

/// Which life of the host an event is of, so that no event of another passes for one of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run(u64);

/// The place of an event: `RUN-NUMBER`, both hexadecimal. It grows, and is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    run: Run,
    number: u64,
}

/// A text that is no [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no id of an event; give the id of the last one you saw, as it was told")]
pub struct BadPosition;

/// An event that was told.
#[derive(Debug)]
pub struct Told {
    /// Its place.
    pub position: Position,
    /// When it was told, Unix milliseconds.
    pub unix_ms: u64,
    /// What happened.
    pub event: Event,
    /// It as listeners get it.
    pub message: Message,
}

/// An event as it is written.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    time_unix_ms: u64,
    #[serde(flatten)]
    event: &'a Event,
}

impl Journal {
    /// An empty one, for a host that started now.
    pub fn new(now_unix_ms: u64) -> Self {
        Self(Arc::new(Inner {
            run: Run(now_unix_ms),
            ring: RwLock::default(),
            frame: RwLock::default(),
            news: watch::Sender::new(()),
            watchers: AtomicUsize::new(0),
        }))
    }

    /// What happens from now on, or since the last event that a listener saw.
    pub fn listen(&self, filter: Filter, after: Option<Position>) -> Cursor {
        Cursor::new(self.clone(), filter, after)
    }

    /// The place of the newest event.
    pub fn position(&self) -> Position {
        self.at(self.0.ring.read().next().saturating_sub(1))
    }

    fn at(&self, number: u64) -> Position {
        Position {
            run: self.0.run,
            number,
        }
    }

    /// Tells events, all that are there at once, until there will be no more.
    pub(crate) async fn write(self, mut events: Receiver<Event>) {
        let mut refusals = Refusals::default();
        loop {
            let mut next = match events.recv().await {
                Ok(event) => Ok(event),
                Err(RecvError::Lagged(count)) => Err(TryRecvError::Lagged(count)),
                Err(RecvError::Closed) => return,
            };
            loop {
                match next {
                    Ok(event) => self.tell(event, clock::unix_ms(), &mut refusals),
                    Err(TryRecvError::Lagged(count)) => self.0.ring.write().skip(count),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
                next = events.try_recv();
            }
            self.wake();
        }
    }

    fn tell(&self, event: Event, unix_ms: u64, refusals: &mut Refusals) {
        if !refusals.admit(&event, unix_ms) {
            return;
        }
        let mut ring = self.0.ring.write();
        let position = self.at(ring.next());
        let line = Line {
            id: position.to_string(),
            time_unix_ms: unix_ms,
            event: &event,
        };
        let message = Message::of_event(&line.id, &line);
        ring.push(Arc::new(Told {
            position,
            unix_ms,
            event,
            message,
        }));
    }

    /// Whether somebody wants figures.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.watchers.load(Ordering::Relaxed) > 0
    }

    /// Shows the figures of all streams as they are now. Whoever looked away sees only these.
    pub(crate) fn show(&self, streams: &[StreamView], unix_ms: u64) {
        let before = self.0.frame.read().clone();
        let frame = Frame::new(streams, unix_ms, before.as_deref());
        let moved = frame.moved();
        *self.0.frame.write() = Some(Arc::new(frame));
        if moved {
            self.wake();
        }
    }

    /// Nobody looks: what was shown grows old, and goes.
    pub(crate) fn show_nothing(&self) {
        let there = self.0.frame.read().is_some();
        if there {
            *self.0.frame.write() = None;
        }
    }

    fn wake(&self) {
        self.0.news.send_replace(());
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.run.0, self.number)
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let number = |text: &str| u64::from_str_radix(text, 16).map_err(|_| BadPosition);
        let (run, at) = text.split_once('-').ok_or(BadPosition)?;
        Ok(Self {
            run: Run(number(run)?),
            number: number(at)?,
        })
    }
}

/// When each kind of refusal was told last. Bounded: both come from closed sets.
#[derive(Default)]
struct Refusals(BTreeMap<(Protocol, String), u64>);

impl Refusals {
    fn admit(&mut self, event: &Event, unix_ms: u64) -> bool {
        let Event::PeerRefused { protocol, code } = event else {
            return true;
        };
        let kind = (*protocol, code.clone());
        // A clock that was set back is no reason to be silent.
        let long_ago = |told: &u64| unix_ms.abs_diff(*told) >= REFUSALS_APART_MS;
        let due = self.0.get(&kind).is_none_or(long_ago);
        if due {
            self.0.insert(kind, unix_ms);
        }
        due
    }
}

#[cfg(test)]
mod tests;
