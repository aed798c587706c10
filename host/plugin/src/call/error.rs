//! Why a call brought no result.

use crate::guest::Guest;
use model::Limits;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// Why a call brought no result. The last good decision stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The plugin was removed, or has not this kind of policy.
    #[error("the plugin has no {kind} policy (any more): install one, or bind another plugin")]
    Missing {
        /// The kind asked for.
        kind: &'static str,
    },
    /// It failed too often in a row, and is not asked for a while; of auth, perhaps only about this
    /// peer.
    #[error(
        "the policy is not asked for {retry_ms} ms more, since it failed again and again: {why}"
    )]
    Open {
        /// Until then, milliseconds.
        retry_ms: u64,
        /// The last failure.
        why: String,
    },
    /// No instance became free in time.
    #[error(
        "the policy was not asked: all its instances were busy for {waited_ms} ms; it is too slow for what it is asked, or has too few instances"
    )]
    Busy {
        /// How long was waited, milliseconds.
        waited_ms: u64,
    },
    /// It computed for longer than its deadline.
    #[error(
        "the policy was cut off at its deadline of {deadline_ms} ms: it loops, or does too much in one call"
    )]
    Deadline {
        /// The deadline, milliseconds.
        deadline_ms: u64,
    },
    /// It wanted more memory than it may have.
    #[error("the policy wanted more than its {limit_bytes} bytes of memory")]
    Memory {
        /// The limit, bytes.
        limit_bytes: usize,
    },
    /// It trapped.
    #[error("the policy trapped: {cause}")]
    Trap {
        /// The guest's own last words, else the engine's.
        cause: String,
    },
    /// It answered, but with an error of its own.
    #[error("the policy made no decision: {0}")]
    Refused(String),
    /// It answered something outside the limits.
    #[error("the policy's answer was refused: {0}")]
    BadResult(String),
}

impl CallError {
    /// Every code, in the order of declaration.
    pub const CODES: [&'static str; 8] = [
        "missing",
        "open",
        "busy",
        "deadline",
        "memory",
        "trap",
        "refused",
        "bad-result",
    ];

    /// Stable name for metrics, logs and the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Open { .. } => "open",
            Self::Busy { .. } => "busy",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } => "memory",
            Self::Trap { .. } => "trap",
            Self::Refused(_) => "refused",
            Self::BadResult(_) => "bad-result",
        }
    }

    /// What ended a guest's run.
    pub(crate) fn of(guest: &Guest, limits: &Limits, error: &wasmtime::Error) -> Self {
        if guest.out_of_memory {
            return Self::Memory {
                limit_bytes: limits.memory_bytes,
            };
        }
        if let Some(Trap::Interrupt) = error.downcast_ref::<Trap>() {
            return Self::deadline(limits);
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::busy(limits);
        }
        // The chain's root is short; the backtrace above it means nothing to an operator.
        let root = error.root_cause().to_string();
        if root.contains("fuel allocated for hostcalls") {
            return Self::BadResult(format!(
                "more than {} bytes handed over at once",
                limits.returned_bytes
            ));
        }
        let cause = match &guest.last_error {
            Some(said) => format!("{said} ({root})"),
            None => root,
        };
        Self::Trap { cause }
    }

    pub(crate) fn deadline(limits: &Limits) -> Self {
        Self::Deadline {
            deadline_ms: limits.deadline_ms,
        }
    }

    pub(crate) fn busy(limits: &Limits) -> Self {
        let waited_ms = u64::try_from(limits.wall().as_millis()).unwrap_or(u64::MAX);
        Self::Busy { waited_ms }
    }

    /// Whether the component is at fault, so that the breaker counts it. One that answers with an
    /// error of its own works.
    pub const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Deadline { .. } | Self::Memory { .. } | Self::Trap { .. } | Self::BadResult(_)
        )
    }
}
