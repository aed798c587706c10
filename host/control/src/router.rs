//! Which stream is to be decided for next. A state machine without clock or task.

use model::StreamName;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Two decisions of a stream are at least this far apart: a plan that makes its own output
/// fail asks for the next decision, and must not do so without end at full speed.
const MIN_GAP: Duration = Duration::from_millis(50);

/// Why a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The stream came into being.
    StreamStarted,
    /// A source's health or tracks changed.
    SourceChanged,
    /// Another source is on air.
    OnAirChanged,
    /// An output's link changed its state.
    OutputChanged,
    /// The wanted document changed.
    DocumentChanged,
    /// The schedule of an output turned it on or off.
    ScheduleTurned,
    /// Another policy or configuration is bound.
    PolicyChanged,
    /// The plugin was replaced.
    PluginChanged,
    /// The slow tick: time is an input too.
    Tick,
    /// Somebody asked: a peer, a channel, a composite.
    Asked,
    /// A peer's time to live ended.
    Renewal,
}

#[derive(Debug)]
struct Entry {
    /// Tells a stream from an earlier one of the same name.
    generation: u64,
    dirty: Option<Cause>,
    in_flight: bool,
    not_before: Instant,
}

/// A stream whose turn it is. Give it back by [`Router::finish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) stream: StreamName,
    pub(crate) generation: u64,
    pub(crate) cause: Cause,
}

/// Which streams are known, dirty, or being decided for.
#[derive(Debug, Default)]
pub(crate) struct Router {
    entries: BTreeMap<StreamName, Entry>,
    generations: u64,
}

impl Router {
    /// Knows a stream from now on; it is due at once.
    pub(crate) fn add(&mut self, stream: StreamName, now: Instant) {
        if self.entries.contains_key(&stream) {
            return;
        }
        self.generations += 1;
        let dirty = Some(Cause::StreamStarted);
        let entry = Entry {
            generation: self.generations,
            dirty,
            in_flight: false,
            not_before: now,
        };
        self.entries.insert(stream, entry);
    }

    pub(crate) fn remove(&mut self, stream: &StreamName) {
        self.entries.remove(stream);
    }

    /// Something about a stream changed. Causes coalesce; the first is kept.
    pub(crate) fn mark(&mut self, stream: &StreamName, cause: Cause) {
        if let Some(entry) = self.entries.get_mut(stream) {
            entry.dirty.get_or_insert(cause);
        }
    }

    pub(crate) fn mark_all(&mut self, cause: Cause) {
        for entry in self.entries.values_mut() {
            entry.dirty.get_or_insert(cause);
        }
    }

    /// The next stream to decide for, if any is due.
    pub(crate) fn poll_turn(&mut self, now: Instant) -> Option<Turn> {
        let due = |entry: &Entry| !entry.in_flight && entry.not_before <= now;
        let (stream, entry) = self
            .entries
            .iter_mut()
            .find(|(_, entry)| entry.dirty.is_some() && due(entry))?;
        let cause = entry.dirty.take()?;
        entry.in_flight = true;
        Some(Turn {
            stream: stream.clone(),
            generation: entry.generation,
            cause,
        })
    }

    /// When [`Router::poll_turn`] is worth asking again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self
            .entries
            .values()
            .filter(|entry| entry.dirty.is_some() && !entry.in_flight);
        waiting.map(|entry| entry.not_before).min()
    }

    /// A decision has come in; false if it is for a stream that is gone.
    pub(crate) fn finish(&mut self, turn: &Turn, now: Instant) -> bool {
        match self.entries.get_mut(&turn.stream) {
            Some(entry) if entry.generation == turn.generation => {
                entry.in_flight = false;
                entry.not_before = now + MIN_GAP;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> StreamName {
        text.parse().unwrap()
    }

    #[test]
    fn one_decision_is_in_flight_and_what_happens_meanwhile_coalesces() {
        let t0 = Instant::now();
        let mut router = Router::default();
        router.add(name("a"), t0);
        let turn = router.poll_turn(t0).unwrap();
        assert_eq!(turn.cause, Cause::StreamStarted);
        router.mark(&name("a"), Cause::SourceChanged);
        router.mark(&name("a"), Cause::Tick);
        assert_eq!((router.poll_turn(t0), router.poll_timeout()), (None, None));
        assert!(router.finish(&turn, t0));
        assert_eq!(router.poll_turn(t0), None, "too soon");
        assert_eq!(router.poll_timeout(), Some(t0 + MIN_GAP));
        let again = router.poll_turn(t0 + MIN_GAP).unwrap();
        assert_eq!(again.cause, Cause::SourceChanged);
        assert!(router.finish(&again, t0 + MIN_GAP));
        assert_eq!(router.poll_timeout(), None);
    }

    #[test]
    fn streams_do_not_wait_for_each_other() {
        let t0 = Instant::now();
        let mut router = Router::default();
        router.add(name("a"), t0);
        router.add(name("b"), t0);
        assert_eq!(router.poll_turn(t0).unwrap().stream, name("a"));
        assert_eq!(router.poll_turn(t0).unwrap().stream, name("b"));
    }

    #[test]
    fn an_answer_for_a_stream_that_ended_is_dropped_even_if_its_name_is_back() {
        let t0 = Instant::now();
        let mut router = Router::default();
        router.add(name("a"), t0);
        let turn = router.poll_turn(t0).unwrap();
        router.remove(&name("a"));
        assert!(!router.finish(&turn, t0));
        router.add(name("a"), t0);
        assert!(!router.finish(&turn, t0));
        assert_eq!(router.poll_turn(t0).unwrap().cause, Cause::StreamStarted);
    }
}
