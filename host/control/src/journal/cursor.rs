//! One listener: what it wants to hear, and how far it is.

use super::{Journal, Message, Position, Told};
use model::access::Who;
use model::{Event, StreamName, StreamPattern};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// The type under which figures are asked for.
const FIGURES: &str = "figures";

/// What a listener wants to hear.
#[derive(Debug, Clone)]
pub struct Filter {
    /// None: everything.
    types: Option<BTreeSet<&'static str>>,
    /// None: of all streams, and of what belongs to none.
    streams: Option<StreamPattern>,
    /// Who listens: nobody hears of what is not theirs.
    who: Who,
}

/// A type that no event has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no event of type {given:?}; there are {known}")]
pub struct BadFilter {
    given: String,
    known: String,
}

impl Filter {
    /// Everything that somebody may hear of.
    pub const fn of(who: Who) -> Self {
        Self {
            types: None,
            streams: None,
            who,
        }
    }

    /// Only events of these types; `figures` is one.
    ///
    /// # Errors
    /// A type that is not known.
    pub fn types<'a>(mut self, types: impl Iterator<Item = &'a str>) -> Result<Self, BadFilter> {
        self.types = Some(types.map(known).collect::<Result<_, _>>()?);
        Ok(self)
    }

    /// Only events of these types, if there are any; no figures. Types that are not known are left
    /// out.
    #[must_use]
    pub fn events(mut self, types: &[String]) -> Self {
        let wanted = |kind: &&str| types.is_empty() || types.iter().any(|it| it == kind);
        self.types = Some(Event::KINDS.into_iter().filter(wanted).collect());
        self
    }

    /// Only what is about streams of these names.
    #[must_use]
    pub fn streams(mut self, pattern: StreamPattern) -> Self {
        self.streams = Some(pattern);
        self
    }

    fn wants_figures(&self) -> bool {
        self.wants(FIGURES)
    }

    fn wants(&self, kind: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(kind))
    }

    /// Whether an event is to be heard.
    pub fn admits(&self, event: &Event) -> bool {
        self.wants(event.kind())
            && match event.stream() {
                Some(stream) => self.admits_stream(stream),
                None => self.streams.is_none() && self.who.sees_the_host(),
            }
    }

    fn admits_stream(&self, stream: &StreamName) -> bool {
        let fits = |pattern: &StreamPattern| pattern.matches(stream.as_str());
        self.streams.as_ref().is_none_or(fits) && self.who.sees(stream)
    }

    fn admits_every_stream(&self) -> bool {
        self.streams.is_none() && self.who.sees_the_host()
    }
}

fn known(given: &str) -> Result<&'static str, BadFilter> {
    let mut kinds = Event::KINDS.into_iter().chain([FIGURES]);
    kinds.find(|kind| *kind == given).ok_or_else(|| BadFilter {
        given: given.chars().take(40).collect(),
        known: [&Event::KINDS[..], &[FIGURES]].concat().join(", "),
    })
}

/// A place in the journal. It is all that a listener takes.
#[derive(Debug)]
pub struct Cursor {
    journal: Journal,
    filter: Filter,
    news: watch::Receiver<()>,
    next: u64,
    /// What is gone of what was asked for; told first.
    missed: Option<Option<u64>>,
    greeted: bool,
    /// The last frame of figures that was seen; 0: none.
    frame: u64,
}

/// What a listener hears.
#[derive(Debug)]
pub enum Item {
    /// From here on it is heard; said once, so that a listener can go on from here even if it
    /// hears of no event.
    Hello(Position),
    /// Something happened.
    Event(Arc<Told>),
    /// Figures that changed since the last ones.
    Figures(Message),
    /// Of what happened since the event that the listener named, so much is no longer here; none:
    /// nobody knows, the host was started again. It has to look at everything anew.
    Missed(Option<u64>),
    /// The listener was overtaken by so many events. It is too slow for this host.
    TooSlow(u64),
}

impl Item {
    /// As a listener gets it. For what a listener missed `type` is `missed`, with `count`.
    pub fn message(&self) -> Message {
        match self {
            Self::Event(told) => told.message.clone(),
            Self::Figures(message) => message.clone(),
            Self::Hello(position) => {
                let id = position.to_string();
                Message::of_event(&id, &Notice::Hello { id: &id })
            }
            Self::Missed(count) => missed(*count),
            Self::TooSlow(count) => missed(Some(*count)),
        }
    }
}

/// What is said of the listening itself.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Notice<'a> {
    Hello { id: &'a str },
    Missed { count: Option<u64> },
}

fn missed(count: Option<u64>) -> Message {
    // The nouns of the model always have a JSON form.
    let json = serde_json::to_vec(&Notice::Missed { count }).unwrap_or_default();
    Message::of(&[&json])
}

impl Cursor {
    pub(super) fn new(journal: Journal, filter: Filter, after: Option<Position>) -> Self {
        let news = journal.0.news.subscribe();
        let (next, missed) = {
            let ring = journal.0.ring.read();
            let (first, head) = (ring.first(), ring.next());
            match after {
                None => (head, None),
                Some(after) if after.run != journal.0.run => (head, Some(None)),
                Some(after) => {
                    let wanted = after.number.saturating_add(1).min(head);
                    let gone = first.saturating_sub(wanted);
                    (wanted.max(first), (gone > 0).then_some(Some(gone)))
                }
            }
        };
        if filter.wants_figures() {
            journal.0.watchers.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            journal,
            filter,
            news,
            next,
            missed,
            greeted: false,
            frame: 0,
        }
    }

    /// The place before the next event.
    pub fn position(&self) -> Position {
        self.journal.at(self.next.saturating_sub(1))
    }

    /// The next thing to hear. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Item {
        loop {
            if let Some(item) = self.take() {
                return item;
            }
            // The sender is in the journal, which this cursor holds.
            let _ = self.news.changed().await;
        }
    }

    fn take(&mut self) -> Option<Item> {
        if let Some(count) = self.missed.take() {
            return Some(Item::Missed(count));
        }
        if !std::mem::replace(&mut self.greeted, true) {
            return Some(Item::Hello(self.position()));
        }
        self.take_event().or_else(|| self.take_figures())
    }

    fn take_event(&mut self) -> Option<Item> {
        let ring = self.journal.0.ring.read();
        let overtaken = ring.first().saturating_sub(self.next);
        if overtaken > 0 {
            self.next = ring.next();
            return Some(Item::TooSlow(overtaken));
        }
        while let Some(told) = ring.get(self.next) {
            self.next += 1;
            if self.filter.admits(&told.event) {
                return Some(Item::Event(Arc::clone(told)));
            }
        }
        None
    }

    fn take_figures(&mut self) -> Option<Item> {
        if !self.filter.wants_figures() {
            return None;
        }
        let frame = self.journal.0.frame.read().clone()?;
        if frame.number() == self.frame {
            return None;
        }
        let seen = std::mem::replace(&mut self.frame, frame.number());
        let all = self.filter.admits_every_stream();
        let fresh = frame.since(seen, all, |stream| self.filter.admits_stream(stream));
        fresh.map(Item::Figures)
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        if self.filter.wants_figures() {
            self.journal.0.watchers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
