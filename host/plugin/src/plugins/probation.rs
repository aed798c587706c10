//! A new version has to prove itself; one that fails is taken back.

use crate::component::Hash;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When a new version is taken back by itself, if one is kept that serves the policies bound now.
///
/// Failures are traps, deadlines, too much memory and answers out of bounds. An answer that is an
/// error of the policy's own is none. Of auth, those of one peer count once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probation {
    /// How long after the switch failures are counted.
    pub time: Duration,
    /// This many failures ...
    pub first_failures: u32,
    /// ... among this many first calls are too many.
    pub first_calls: u32,
    /// This many failures ...
    pub window_failures: u32,
    /// ... within this time are too many.
    pub window: Duration,
}

impl Default for Probation {
    /// Ten minutes; 5 of the first 100 calls, or 10 within 60 s.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(600),
            first_failures: 5,
            first_calls: 100,
            window_failures: 10,
            window: Duration::from_secs(60),
        }
    }
}

/// A version under watch.
pub(super) struct Watched {
    rule: Probation,
    /// The version.
    pub(super) hash: Hash,
    /// The one to go back to.
    pub(super) before: Hash,
    since: Instant,
    calls: u32,
    failures: u32,
    /// When the last failures were, the newest last.
    recent: VecDeque<Instant>,
}

/// What the end of a call means for the version under watch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It goes on.
    Watch,
    /// It has proved itself.
    Passed,
    /// It failed too often; how often, in words.
    Failed(String),
}

impl Watched {
    pub(super) fn new(rule: Probation, hash: Hash, before: Hash, now: Instant) -> Self {
        Self {
            rule,
            hash,
            before,
            since: now,
            calls: 0,
            failures: 0,
            recent: VecDeque::new(),
        }
    }

    /// Counts one call.
    pub(super) fn count(&mut self, now: Instant, failed: bool) -> Judgement {
        let rule = &self.rule;
        if now.duration_since(self.since) > rule.time {
            return Judgement::Passed;
        }
        self.calls = self.calls.saturating_add(1);
        if !failed {
            return Judgement::Watch;
        }
        self.failures = self.failures.saturating_add(1);
        if self.calls <= rule.first_calls && self.failures >= rule.first_failures {
            let (failures, calls) = (self.failures, self.calls);
            return Judgement::Failed(format!("{failures} of its first {calls} calls failed"));
        }
        self.recent.push_back(now);
        let since = |at: &Instant| now.duration_since(*at);
        while self
            .recent
            .front()
            .is_some_and(|at| since(at) > rule.window)
        {
            self.recent.pop_front();
        }
        if self.recent.len() >= rule.window_failures as usize {
            let (failures, seconds) = (self.recent.len(), rule.window.as_secs());
            return Judgement::Failed(format!("{failures} calls failed within {seconds} s"));
        }
        Judgement::Watch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(now: Instant) -> Watched {
        Watched::new(
            Probation::default(),
            Hash::of(b"new"),
            Hash::of(b"old"),
            now,
        )
    }

    fn failed(judgement: &Judgement) -> bool {
        matches!(judgement, Judgement::Failed(_))
    }

    #[test]
    fn five_failures_among_the_first_hundred_calls_are_too_many() {
        let now = Instant::now();
        let mut version = watched(now);
        for _ in 0..95 {
            assert_eq!(version.count(now, false), Judgement::Watch);
        }
        for _ in 0..4 {
            assert_eq!(version.count(now, true), Judgement::Watch);
        }
        assert!(failed(&version.count(now, true)));
    }

    #[test]
    fn later_ten_within_a_minute_are_too_many_and_spread_out_they_are_not() {
        let mut now = Instant::now();
        let mut version = watched(now);
        for _ in 0..100 {
            version.count(now, false);
        }
        for _ in 0..20 {
            now += Duration::from_secs(7);
            assert_eq!(version.count(now, true), Judgement::Watch);
        }
        now += Duration::from_secs(61);
        for _ in 0..9 {
            assert_eq!(version.count(now, true), Judgement::Watch);
        }
        assert!(failed(&version.count(now, true)));
    }

    #[test]
    fn whoever_came_through_the_probation_stays() {
        let now = Instant::now();
        let mut version = watched(now);
        assert_eq!(
            version.count(now + Duration::from_secs(601), true),
            Judgement::Passed
        );
    }
}
