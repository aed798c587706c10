//! A circuit breaker without a lock or a clock: closed, open until a moment, or half open, when
//! one call tries.

use crate::call::CallError;
use std::time::{Duration, Instant};

/// Failures in a row that open it.
pub const OPENS_AFTER: u32 = 5;
/// How long it stays open the first time; doubled each time that the trial call fails, too.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long it stays open at most.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Closed at first.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures_in_row: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    /// Whether a call is under way that tries the plugin.
    trying: bool,
    /// The last failure.
    why: String,
}

/// What a call's end did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Opened { pause: Duration, why: String },
    Closed,
}

impl Circuit {
    /// Whether a call may be made now; true for the one that tries.
    pub(super) fn admit(&mut self, now: Instant) -> Result<bool, CallError> {
        match &mut self.open {
            None => Ok(false),
            Some(open) if now >= open.until && !open.trying => {
                open.trying = true;
                Ok(true)
            }
            Some(open) => {
                let left = open.until.saturating_duration_since(now);
                Err(CallError::Open {
                    retry_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                    why: open.why.clone(),
                })
            }
        }
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, trial: bool) -> Option<Turn> {
        self.failures_in_row = 0;
        // A call that began before it opened says nothing of now.
        let closes = trial && self.open.take().is_some();
        closes.then_some(Turn::Closed)
    }

    /// A call failed. `pause` makes the time to stay open from the one before.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        trial: bool,
        failure: &CallError,
        pause: impl FnOnce(Option<Duration>) -> Duration,
    ) -> Option<Turn> {
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        let pause = match &self.open {
            Some(open) if trial => pause(Some(open.pause)),
            None if self.failures_in_row >= OPENS_AFTER => pause(None),
            _ => return None,
        };
        Some(self.open(now, pause, failure.to_string()))
    }

    /// Opens it, whatever it was.
    pub(super) fn open(&mut self, now: Instant, pause: Duration, why: String) -> Turn {
        self.open = Some(Open {
            until: now + pause,
            pause,
            trying: false,
            why: why.clone(),
        });
        Turn::Opened { pause, why }
    }

    /// The call that tried came to no end: the next one may try.
    pub(super) fn release(&mut self) {
        if let Some(open) = &mut self.open {
            open.trying = false;
        }
    }

    /// Time that it stays open still, and the last failure; none when it is closed.
    pub(super) fn open_for(&self, now: Instant) -> Option<(Duration, &str)> {
        let open = self.open.as_ref()?;
        Some((open.until.saturating_duration_since(now), &open.why))
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    /// Whether nothing is to be remembered of it: closed, or its pause is over and nobody tries.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        match &self.open {
            None => true,
            Some(open) => now >= open.until && !open.trying,
        }
    }
}

/// The pause of a plugin that fails on what the host asks by itself.
pub(super) fn doubled(before: Option<Duration>) -> Duration {
    before.map_or(FIRST_PAUSE, |pause| {
        pause.saturating_mul(2).min(LONGEST_PAUSE)
    })
}
