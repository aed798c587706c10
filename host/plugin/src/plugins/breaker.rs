//! The circuit breaker: a plugin that fails again and again is left alone for a while, so that it
//! costs nobody a deadline each time.

use crate::call::CallError;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Failures in a row that open it.
pub const OPENS_AFTER: u32 = 5;
/// How long it stays open the first time; doubled each time that the trial call fails, too.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long it stays open at most.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Closed, open until a moment, or half open: one call tries.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures_in_row: u32,
    open: Option<Open>,
}

struct Open {
    until: Instant,
    pause: Duration,
    /// Whether a call is under way that tries the plugin.
    trying: bool,
    /// The last failure.
    why: String,
}

/// What a call's end did to the breaker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Opened { pause: Duration, why: String },
    Closed,
}

/// The right to make one call. Dropped without a report, as when the caller went away, it gives the right
/// to try to the next one.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    trial: bool,
}

impl Breaker {
    /// Whether a call may be made now.
    pub(super) fn admit(&self, now: Instant) -> Result<Pass<'_>, CallError> {
        let mut state = self.0.lock();
        let trial = match &mut state.open {
            None => false,
            Some(open) if now >= open.until && !open.trying => {
                open.trying = true;
                true
            }
            Some(open) => {
                let left = open.until.saturating_duration_since(now);
                return Err(CallError::Open {
                    retry_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                    why: open.why.clone(),
                });
            }
        };
        let breaker = self;
        Ok(Pass { breaker, trial })
    }

    /// Another version is active: it begins anew. Tells whether it was open.
    pub(super) fn reset(&self) -> bool {
        std::mem::take(&mut *self.0.lock()).open.is_some()
    }

    /// Time that it stays open still, and the last failure; none when it is closed.
    pub(super) fn open_for(&self, now: Instant) -> Option<(Duration, String)> {
        let state = self.0.lock();
        let open = state.open.as_ref()?;
        Some((open.until.saturating_duration_since(now), open.why.clone()))
    }
}

impl Pass<'_> {
    /// The call ended, well or with a failure of the component's.
    pub(super) fn report(self, now: Instant, failure: Option<&CallError>) -> Option<Turn> {
        let mut state = self.breaker.0.lock();
        let Some(failure) = failure else {
            state.failures_in_row = 0;
            // A call that began before it opened says nothing of now.
            let closes = self.trial && state.open.take().is_some();
            return closes.then_some(Turn::Closed);
        };
        state.failures_in_row = state.failures_in_row.saturating_add(1);
        let pause = match &state.open {
            Some(open) if self.trial => open.pause.saturating_mul(2).min(LONGEST_PAUSE),
            None if state.failures_in_row >= OPENS_AFTER => FIRST_PAUSE,
            _ => return None,
        };
        let why = failure.to_string();
        state.open = Some(Open {
            until: now + pause,
            pause,
            trying: false,
            why: why.clone(),
        });
        Some(Turn::Opened { pause, why })
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.trial {
            return;
        }
        if let Some(open) = &mut self.breaker.0.lock().open {
            open.trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> CallError {
        CallError::Deadline { deadline_ms: 50 }
    }

    fn fail(breaker: &Breaker, now: Instant) -> Option<Turn> {
        breaker
            .admit(now)
            .ok()
            .unwrap()
            .report(now, Some(&failure()))
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
            assert_eq!(breaker.admit(now).ok().unwrap().report(now, None), None);
        }
        for _ in 1..OPENS_AFTER {
            assert_eq!(fail(&breaker, now), None);
        }
        assert_eq!(opened(&breaker, now), FIRST_PAUSE);
        let refused = breaker.admit(now).err().unwrap();
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
            let trial = breaker.admit(now).ok().unwrap();
            assert!(breaker.admit(now).is_err(), "a second one tries, too");
            let turn = trial.report(now, Some(&failure()));
            pause = Duration::from_secs(expected);
            let why = failure().to_string();
            assert_eq!(turn, Some(Turn::Opened { pause, why }));
        }
        now += pause;
        let trial = breaker.admit(now).ok().unwrap();
        assert_eq!(trial.report(now, None), Some(Turn::Closed));
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
        drop(breaker.admit(later).ok().unwrap());
        assert!(breaker.admit(later).is_ok());
    }

    #[test]
    fn calls_that_began_before_it_opened_do_not_close_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let early = breaker.admit(now).ok().unwrap();
        for _ in 0..OPENS_AFTER {
            fail(&breaker, now);
        }
        assert_eq!(early.report(now, None), None);
        assert!(breaker.admit(now).is_err());
        assert!(breaker.reset() && breaker.admit(now).is_ok());
    }
}
