//! Where a link stands, as a pure function of what happened to it.
//!
//! The driver feeds it and does what [`Machine::wants`] says; no socket, task or clock here.

use crate::LinkError;
use crate::backoff::{Backoff, Policy};
use model::{LinkState, LinkStatus};
use std::time::{Duration, Instant};

/// Which way a link's media flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the peer into a stream: a source.
    In,
    /// From a stream to the peer: an output.
    Out,
}

/// A point in time by both clocks: the steady one for waits, the wall's for people.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Steady.
    pub at: Instant,
    /// Wall clock, Unix milliseconds.
    pub unix_ms: u64,
}

/// What the driver should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A session, running.
    Session,
    /// Nothing until then; call [`Machine::retry`].
    WaitUntil(Instant),
    /// Nothing any more.
    Nothing,
}

/// Without a byte for this long, a link is not live.
pub const SILENCE: Duration = Duration::from_secs(2);

/// A peer that takes no byte for this long, while its stream flows, is given up.
pub const STALL: Duration = Duration::from_secs(20);

/// The state machine of one link.
#[derive(Debug)]
pub struct Machine {
    direction: Direction,
    backoff: Backoff,
    status: LinkStatus,
    wants: Wants,
    /// When the session began, and whether it was ever live.
    session_since: Instant,
    /// Since when its peer is ready, while it is.
    established: Option<Instant>,
    was_live: bool,
    /// Whether any session before was live.
    ever_live: bool,
    last_moved: Option<Instant>,
    /// When the stream last had something to send, as far as ticks could tell.
    last_flow: Instant,
}

impl Machine {
    /// Begins with its first session.
    pub fn new(direction: Direction, policy: Policy, seed: u64, now: Moment) -> Self {
        let status = LinkStatus {
            state: LinkState::Connecting,
            since_unix_ms: now.unix_ms,
            attempt: 1,
            ..LinkStatus::default()
        };
        Self {
            direction,
            backoff: Backoff::new(policy, seed),
            status,
            wants: Wants::Session,
            session_since: now.at,
            established: None,
            was_live: false,
            ever_live: false,
            last_moved: None,
            last_flow: now.at,
        }
    }

    /// Where it stands.
    pub const fn status(&self) -> &LinkStatus {
        &self.status
    }

    /// What to do now.
    pub const fn wants(&self) -> Wants {
        self.wants
    }

    /// Somebody wants it tried again now: what failed before no longer counts.
    pub fn try_again(&mut self, now: Moment) {
        if self.wants != Wants::Session && self.status.state != LinkState::Stopped {
            self.backoff.reset();
            self.status.attempt = 0;
            self.wants = Wants::WaitUntil(now.at);
        }
    }

    /// Follows other rules from now on. A session goes on; a wait is cut to what the rules allow,
    /// and attempts that are allowed anew are made.
    pub fn adopt(&mut self, policy: Policy, now: Moment) {
        self.backoff.adopt(policy);
        let latest = now.at + self.backoff.longest();
        match self.wants {
            Wants::WaitUntil(at) if at > latest => self.wait_until(latest, now),
            Wants::Nothing
                if self.status.state == LinkState::Exhausted && !self.backoff.is_exhausted() =>
            {
                self.wait_until(now.at, now);
                self.enter(LinkState::Retrying, now);
            }
            _ => {}
        }
    }

    fn wait_until(&mut self, at: Instant, now: Moment) {
        let wait = at.saturating_duration_since(now.at);
        self.wants = Wants::WaitUntil(at);
        self.status.next_attempt_unix_ms = Some(now.unix_ms + wait.as_millis() as u64);
    }

    /// The wait is over: a session is wanted again.
    pub fn retry(&mut self, now: Moment) {
        if !matches!(self.wants, Wants::WaitUntil(_)) {
            return;
        }
        self.wants = Wants::Session;
        self.session_since = now.at;
        self.last_flow = now.at;
        self.last_moved = None;
        (self.established, self.was_live) = (None, false);
        self.status.attempt = self.status.attempt.saturating_add(1);
        self.status.next_attempt_unix_ms = None;
        self.enter(LinkState::Connecting, now);
    }

    /// The session says that its peer is ready for media.
    pub fn established(&mut self, now: Moment) {
        self.established = Some(now.at);
        self.settle(now);
    }

    /// The session says that it waits for another peer.
    pub fn vacant(&mut self, now: Moment) {
        self.established = None;
        self.settle(now);
    }

    /// Bytes went over since the last call.
    pub fn moved(&mut self, now: Moment) {
        self.last_moved = Some(now.at);
        self.last_flow = now.at;
        self.settle(now);
    }

    /// To be called about twice a second while a session runs; `stream_flowed`: the stream
    /// delivered something since the last tick. An error means: end the session with it.
    pub fn tick(&mut self, stream_flowed: bool, now: Moment) -> Result<(), LinkError> {
        if self.wants != Wants::Session {
            return Ok(());
        }
        if stream_flowed {
            self.last_flow = now.at;
        }
        let since = |at: Instant| now.at.saturating_duration_since(at);
        if self.was_live && since(self.session_since) >= self.backoff.policy().stable_after {
            self.backoff.reset();
            self.status.attempt = 1;
        }
        self.settle(now);
        // Counted from the peer's arrival: what came before was another's.
        let starved = since(self.last_moved.max(self.established).unwrap_or(now.at));
        let stalled = self.direction == Direction::Out
            && self.established.is_some()
            && starved >= STALL
            && since(self.last_flow) < SILENCE;
        if stalled {
            Err(LinkError::Stalled {
                seconds: starved.as_secs(),
            })
        } else {
            Ok(())
        }
    }

    /// The session ended.
    pub fn ended(&mut self, result: Result<(), LinkError>, now: Moment) {
        let error = result.err().unwrap_or(LinkError::Ended);
        let lasted = now.at.saturating_duration_since(self.session_since);
        if self.was_live && lasted >= self.backoff.policy().stable_after {
            self.backoff.reset();
            self.status.attempt = 1;
        }
        self.status.last_error = Some(error.to_string());
        self.status.last_error_unix_ms = Some(now.unix_ms);
        if error.is_permanent() {
            self.wants = Wants::Nothing;
            return self.enter(LinkState::Failed, now);
        }
        match self.backoff.fail() {
            Some(wait) => {
                self.wait_until(now.at + wait, now);
                self.enter(LinkState::Retrying, now);
            }
            None => {
                self.wants = Wants::Nothing;
                self.enter(LinkState::Exhausted, now);
            }
        }
    }

    /// Nobody wants it any more.
    pub fn stop(&mut self, now: Moment) {
        self.wants = Wants::Nothing;
        self.status.next_attempt_unix_ms = None;
        self.enter(LinkState::Stopped, now);
    }

    /// The state a running session amounts to.
    fn settle(&mut self, now: Moment) {
        if self.wants != Wants::Session {
            return;
        }
        let recent = |at: Instant| now.at.saturating_duration_since(at) <= SILENCE;
        let state = if self.established.is_some() && self.last_moved.is_some_and(recent) {
            LinkState::Live
        } else if self.direction == Direction::Out && !recent(self.last_flow) {
            LinkState::SourceLost
        } else {
            LinkState::Connecting
        };
        if state == LinkState::Live && !self.was_live {
            self.was_live = true;
            if std::mem::replace(&mut self.ever_live, true) {
                self.status.reconnects = self.status.reconnects.saturating_add(1);
            }
        }
        self.enter(state, now);
    }

    fn enter(&mut self, state: LinkState, now: Moment) {
        if self.status.state != state {
            self.status.state = state;
            self.status.since_unix_ms = now.unix_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        machine: Machine,
        start: Instant,
    }

    impl Bench {
        fn new(direction: Direction, policy: Policy) -> Self {
            let start = Instant::now();
            let machine = Machine::new(
                direction,
                policy,
                1,
                Moment {
                    at: start,
                    unix_ms: 0,
                },
            );
            Self { machine, start }
        }

        fn at(&self, ms: u64) -> Moment {
            Moment {
                at: self.start + Duration::from_millis(ms),
                unix_ms: ms,
            }
        }

        fn state(&self) -> LinkState {
            self.machine.status().state
        }

        fn moved(&mut self, ms: u64) {
            self.machine.moved(self.at(ms));
        }

        fn tick(&mut self, ms: u64, flowed: bool) -> Result<(), LinkError> {
            self.machine.tick(flowed, self.at(ms))
        }
    }

    #[test]
    fn an_output_is_live_only_while_its_peer_takes_bytes() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        link.moved(10);
        assert_eq!(link.state(), LinkState::Connecting, "not established yet");
        link.machine.established(link.at(20));
        assert_eq!(link.state(), LinkState::Live);
        link.tick(2500, true).unwrap();
        assert_eq!(
            link.state(),
            LinkState::Connecting,
            "the stream flows, the peer takes nothing"
        );
        link.moved(2600);
        assert_eq!(link.state(), LinkState::Live);
    }

    #[test]
    fn a_silent_stream_is_source_lost_and_the_output_stays_up() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        link.machine.established(link.at(0));
        link.moved(100);
        for ms in (500..60_000).step_by(500) {
            link.tick(ms, false).unwrap();
        }
        assert_eq!(
            (link.state(), link.machine.wants()),
            (LinkState::SourceLost, Wants::Session)
        );
        link.moved(60_100);
        assert_eq!(link.state(), LinkState::Live);
        assert_eq!(link.machine.status().reconnects, 0);
    }

    #[test]
    fn a_source_that_sends_nothing_is_connecting_not_lost() {
        let mut link = Bench::new(Direction::In, Policy::default());
        link.machine.established(link.at(0));
        link.tick(30_000, false).unwrap();
        assert_eq!(link.state(), LinkState::Connecting);
        link.moved(30_010);
        assert_eq!(link.state(), LinkState::Live);
    }

    #[test]
    fn a_peer_that_takes_nothing_while_the_stream_flows_is_given_up() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        link.machine.established(link.at(0));
        link.moved(0);
        assert!(link.tick(19_000, true).is_ok());
        assert!(matches!(
            link.tick(20_000, true),
            Err(LinkError::Stalled { seconds: 20 })
        ));
    }

    #[test]
    fn a_session_without_a_peer_does_not_stall_and_the_next_peer_gets_its_full_time() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        link.machine.established(link.at(0));
        link.moved(100);
        link.machine.vacant(link.at(200));
        assert_eq!(link.state(), LinkState::Connecting);
        assert!(link.tick(60_000, true).is_ok());
        link.machine.established(link.at(60_000));
        assert!(link.tick(79_000, true).is_ok());
        assert!(link.tick(80_000, true).is_err());
    }

    #[test]
    fn a_permanent_error_fails_the_link_and_a_passing_one_retries() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        link.machine
            .ended(Err(LinkError::Stalled { seconds: 20 }), link.at(100));
        assert_eq!(link.state(), LinkState::Retrying);
        let Wants::WaitUntil(at) = link.machine.wants() else {
            panic!("a wait")
        };
        let wait = at.duration_since(link.start + Duration::from_millis(100));
        assert!((400..=600).contains(&wait.as_millis()), "{wait:?}");
        link.machine.retry(link.at(700));
        assert_eq!(
            (link.state(), link.machine.status().attempt),
            (LinkState::Connecting, 2)
        );
        link.machine
            .ended(Err(LinkError::Rejected("no".to_owned())), link.at(800));
        assert_eq!(
            (link.state(), link.machine.wants()),
            (LinkState::Failed, Wants::Nothing)
        );
        assert!(
            link.machine
                .status()
                .last_error
                .as_deref()
                .unwrap()
                .contains("no")
        );
    }

    #[test]
    fn coming_back_after_having_been_live_counts_as_a_reconnect() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        for round in 0..3 {
            let t = round * 100_000;
            link.machine.established(link.at(t));
            link.moved(t);
            assert_eq!(link.machine.status().reconnects, round as u32);
            link.machine.ended(Ok(()), link.at(t + 50_000));
            assert_eq!(link.machine.status().attempt, 1, "it was stable");
            link.machine.retry(link.at(t + 60_000));
        }
    }

    #[test]
    fn other_rules_leave_a_session_alone_and_shorten_a_wait() {
        let mut link = Bench::new(Direction::Out, Policy::default());
        link.machine.established(link.at(0));
        link.moved(0);
        let slow = Policy {
            initial: Duration::from_secs(60),
            cap: Duration::from_secs(60),
            ..Policy::default()
        };
        link.machine.adopt(slow, link.at(10));
        assert_eq!(
            (link.state(), link.machine.wants()),
            (LinkState::Live, Wants::Session)
        );
        link.machine.ended(Ok(()), link.at(1_000));
        let Wants::WaitUntil(long) = link.machine.wants() else {
            panic!("a wait")
        };
        assert!(long >= link.start + Duration::from_secs(40));
        let quick = Policy {
            cap: Duration::from_secs(1),
            jitter_percent: 0,
            ..Policy::default()
        };
        link.machine.adopt(quick, link.at(2_000));
        let soon = link.start + Duration::from_secs(3);
        assert_eq!(link.machine.wants(), Wants::WaitUntil(soon));
        assert_eq!(link.machine.status().next_attempt_unix_ms, Some(3_000));
    }

    #[test]
    fn attempts_allowed_anew_are_made() {
        let allowed = |attempts| Policy {
            max_attempts: Some(attempts),
            ..Policy::default()
        };
        let mut link = Bench::new(Direction::Out, allowed(1));
        link.machine.ended(Ok(()), link.at(0));
        assert_eq!(link.state(), LinkState::Exhausted);
        link.machine.adopt(allowed(1), link.at(10));
        assert_eq!(link.state(), LinkState::Exhausted);
        link.machine.adopt(allowed(2), link.at(20));
        assert_eq!(link.state(), LinkState::Retrying);
        link.machine.retry(link.at(30));
        link.machine.ended(Ok(()), link.at(40));
        assert_eq!(link.state(), LinkState::Exhausted);
    }

    #[test]
    fn used_up_attempts_exhaust_the_link() {
        let policy = Policy {
            max_attempts: Some(2),
            ..Policy::default()
        };
        let mut link = Bench::new(Direction::Out, policy);
        link.machine.ended(Ok(()), link.at(0));
        link.machine.retry(link.at(600));
        link.machine.ended(Ok(()), link.at(700));
        assert_eq!(
            (link.state(), link.machine.wants()),
            (LinkState::Exhausted, Wants::Nothing)
        );
    }
}
