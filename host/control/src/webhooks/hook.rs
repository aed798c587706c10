//! One webhook: how far it is, what it was sent, and what came of it.

use crate::journal::Position;
use model::WebhookSpec;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;

/// Deliveries that are remembered.
const MAX_DELIVERIES: usize = 100;

/// One try to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The event's id; the same for every try.
    pub id: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it was tried, Unix milliseconds.
    pub at_unix_ms: u64,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// It was taken.
    pub delivered: bool,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// How long the answer took.
    pub duration_ms: u64,
    /// Why it was not taken.
    pub error: Option<String>,
    /// When it is tried again; none: it is not.
    pub next_attempt_unix_ms: Option<u64>,
}

/// Totals since the host was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HookFigures {
    /// Events that arrived.
    pub delivered: u64,
    /// Events given up after the last try.
    pub failed: u64,
    /// Tries after the first.
    pub retries: u64,
    /// Events, of whatever type, that came faster than they could be sent, and were not.
    pub dropped: u64,
    /// Events that only repeated what was told, and were not sent.
    pub collapsed: u64,
}

/// A webhook and what is known of it.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) spec: WebhookSpec,
    book: Mutex<Book>,
}

#[derive(Debug, Clone, Default)]
struct Book {
    /// The last event that is done with.
    position: Option<Position>,
    deliveries: VecDeque<Delivery>,
    figures: HookFigures,
}

impl Hook {
    pub(super) fn new(spec: WebhookSpec) -> Self {
        Self {
            spec,
            book: Mutex::default(),
        }
    }

    /// The same webhook as it is declared now. One that was off begins with what happens next.
    pub(super) fn succeeded_by(&self, spec: WebhookSpec) -> Self {
        let mut book = self.book.lock().clone();
        if !self.spec.enabled {
            book.position = None;
        }
        Self {
            spec,
            book: Mutex::new(book),
        }
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.book.lock().position
    }

    pub(super) fn done_with(&self, position: Position) {
        self.book.lock().position = Some(position);
    }

    pub(super) fn note(&self, delivery: Delivery) {
        let mut book = self.book.lock();
        if book.deliveries.len() >= MAX_DELIVERIES {
            book.deliveries.pop_front();
        }
        book.deliveries.push_back(delivery);
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut HookFigures)) {
        count(&mut self.book.lock().figures);
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.book.lock().deliveries.iter().rev().cloned().collect()
    }

    pub(super) fn figures(&self) -> HookFigures {
        self.book.lock().figures
    }
}
