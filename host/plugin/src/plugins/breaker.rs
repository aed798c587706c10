//! The circuit breaker: a plugin that fails again and again is left alone for a while, so that it
//! costs nobody a deadline each time.
//!
//! What the host asks by itself goes through one circuit: five failures in a row open it for 1 s,
//! doubled up to a minute. Auth has [another](super::strangers), since strangers choose what it is
//! asked.

use super::circuit::{Circuit, FIRST_PAUSE, Turn, doubled};
use super::strangers::{Peer, Strangers, Trial};
use crate::call::CallError;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Both circuits of a plugin.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    host: Circuit,
    strangers: Strangers,
}

/// Who brought a question up.
#[derive(Clone, Copy)]
enum Asker {
    Host { trial: bool },
    Peer(Peer, Trial),
}

/// The right to make one call. Dropped without a report, as when the caller went away, it gives the right
/// to try to the next one.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    asker: Asker,
}

/// What the end of a call did.
pub(super) struct Reported {
    pub(super) turn: Option<Turn>,
    /// Whether it says something of the version: one peer's failures count once.
    pub(super) counts: bool,
}

impl Breaker {
    /// Whether a call may be made now; `peer` is whom auth is asked about.
    pub(super) fn admit(&self, now: Instant, peer: Option<Peer>) -> Result<Pass<'_>, CallError> {
        let mut state = self.0.lock();
        let asker = match peer {
            None => Asker::Host {
                trial: state.host.admit(now)?,
            },
            Some(peer) => Asker::Peer(peer, state.strangers.admit(now, peer)?),
        };
        let breaker = self;
        Ok(Pass { breaker, asker })
    }

    /// Leaves the plugin alone as if it had just failed too often.
    pub(super) fn trip(&self, now: Instant, why: &str) -> Turn {
        let mut state = self.0.lock();
        state.strangers.all().open(now, FIRST_PAUSE, why.to_owned());
        state.host.open(now, FIRST_PAUSE, why.to_owned())
    }

    /// Another version is active: it begins anew. Tells whether it was open.
    pub(super) fn reset(&self) -> bool {
        let mut before = std::mem::take(&mut *self.0.lock());
        !(before.host.is_closed() && before.strangers.all().is_closed())
    }

    /// Time that it stays open still, and the last failure; none when it is closed for host and
    /// strangers.
    pub(super) fn open_for(&self, now: Instant) -> Option<(Duration, String)> {
        let mut state = self.0.lock();
        let State { host, strangers } = &mut *state;
        let open = [host.open_for(now), strangers.all().open_for(now)];
        let longest = open.into_iter().flatten().max_by_key(|(left, _)| *left);
        longest.map(|(left, why)| (left, why.to_owned()))
    }
}

impl Pass<'_> {
    /// The call ended, well or with a failure of the component's.
    pub(super) fn report(
        mut self,
        now: Instant,
        took: Duration,
        failure: Option<&CallError>,
    ) -> Reported {
        let mut state = self.breaker.0.lock();
        let State { host, strangers } = &mut *state;
        // What is left has nothing to give back when it is dropped.
        let asker = std::mem::replace(&mut self.asker, Asker::Host { trial: false });
        let (turn, counts) = match (asker, failure) {
            (Asker::Host { trial }, None) => (host.answered(trial), true),
            (Asker::Host { trial }, Some(failure)) => {
                (host.failed(now, trial, failure, doubled), true)
            }
            (Asker::Peer(peer, trial), None) => (strangers.answered(peer, trial), true),
            (Asker::Peer(peer, trial), Some(failure)) => {
                strangers.failed(now, peer, trial, took, failure)
            }
        };
        Reported { turn, counts }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        match self.asker {
            Asker::Host { trial: true } => self.breaker.0.lock().host.release(),
            Asker::Peer(peer, trial) => self.breaker.0.lock().strangers.release(peer, trial),
            Asker::Host { trial: false } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::circuit::OPENS_AFTER;
    use super::*;

    const TOOK: Duration = Duration::from_millis(50);

    fn failure() -> CallError {
        CallError::Deadline { deadline_ms: 50 }
    }

    fn admit(breaker: &Breaker, now: Instant) -> Result<Pass<'_>, CallError> {
        breaker.admit(now, None)
    }

    fn end(pass: Pass<'_>, now: Instant, failure: Option<&CallError>) -> Option<Turn> {
        pass.report(now, TOOK, failure).turn
    }

    fn fail(breaker: &Breaker, now: Instant) -> Option<Turn> {
        end(admit(breaker, now).ok().unwrap(), now, Some(&failure()))
    }

    fn opened(breaker: &Breaker, now: Instant) -> Duration {
        match fail(breaker, now) {
            Some(Turn::Opened { pause, .. }) => pause,
            other => panic!("not opened: {other:?}"),
        }
    }

    #[test]
    fn it_opens_after_five_failures_in_a_row_and_not_before() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 1..OPENS_AFTER {
                assert_eq!(fail(&breaker, now), None);
            }
            assert_eq!(end(admit(&breaker, now).ok().unwrap(), now, None), None);
        }
        for _ in 1..OPENS_AFTER {
            assert_eq!(fail(&breaker, now), None);
        }
        assert_eq!(opened(&breaker, now), FIRST_PAUSE);
        let refused = admit(&breaker, now).err().unwrap();
        assert!(
            matches!(
                refused,
                CallError::Open {
                    retry_ms: 1_000,
                    ..
                }
            ),
            "{refused}"
        );
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute_and_one_call_tries_at_a_time() {
        let (breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 1..OPENS_AFTER {
            fail(&breaker, now);
        }
        let mut pause = opened(&breaker, now);
        for expected in [2, 4, 8, 16, 32, 60, 60] {
            now += pause;
            let trial = admit(&breaker, now).ok().unwrap();
            assert!(admit(&breaker, now).is_err(), "a second one tries, too");
            let turn = end(trial, now, Some(&failure()));
            pause = Duration::from_secs(expected);
            let why = failure().to_string();
            assert_eq!(turn, Some(Turn::Opened { pause, why }));
        }
        now += pause;
        let trial = admit(&breaker, now).ok().unwrap();
        assert_eq!(end(trial, now, None), Some(Turn::Closed));
        for _ in 1..OPENS_AFTER {
            assert_eq!(fail(&breaker, now), None);
        }
        assert_eq!(opened(&breaker, now), FIRST_PAUSE);
    }

    #[test]
    fn a_trial_that_nobody_waits_for_leaves_the_right_to_the_next() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..OPENS_AFTER {
            fail(&breaker, now);
        }
        let later = now + FIRST_PAUSE;
        drop(admit(&breaker, later).ok().unwrap());
        assert!(admit(&breaker, later).is_ok());
    }

    #[test]
    fn calls_that_began_before_it_opened_do_not_close_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let early = admit(&breaker, now).ok().unwrap();
        for _ in 0..OPENS_AFTER {
            fail(&breaker, now);
        }
        assert_eq!(end(early, now, None), None);
        assert!(admit(&breaker, now).is_err());
        assert!(breaker.reset() && admit(&breaker, now).is_ok());
    }

    #[test]
    fn what_strangers_bring_about_does_not_concern_what_the_host_asks_and_the_reverse() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let peer = |last: u8| Some(Peer::from(std::net::IpAddr::from([192, 0, 2, last])));
        for last in 0..5 {
            let pass = breaker.admit(now, peer(last)).ok().unwrap();
            end(pass, now, Some(&failure()));
        }
        assert!(breaker.admit(now, peer(9)).is_err());
        assert!(breaker.open_for(now).is_some() && admit(&breaker, now).is_ok());
        assert!(breaker.reset());
        for _ in 0..OPENS_AFTER {
            fail(&breaker, now);
        }
        assert!(admit(&breaker, now).is_err() && breaker.admit(now, peer(9)).is_ok());
    }
}
