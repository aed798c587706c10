//! A question on its way, and what was ruled on it.

use super::{Binding, judge};
use crate::router::Cause;
use model::selection::Library;
use model::{Answer, Question};
use plugin::{CallError, Tape};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Who made a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The policy's plugin.
    Plugin,
    /// It failed, and what it last decided stays.
    LastGood,
    /// The host itself: no policy is bound, or it failed and nothing good is left of it.
    BuiltIn,
    /// It failed, and so nobody is let in.
    Denied,
}

/// Why a policy's own answer does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Stable short name: that of [`CallError::code`], `late`, or `unusable`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Whether the answer did not come in time.
    pub fn is_late(&self) -> bool {
        matches!(self.code, "late" | "deadline" | "busy")
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// A question on its way.
#[derive(Clone)]
pub struct Asking {
    /// What is asked.
    pub question: Arc<Question>,
    /// What brought it up.
    pub cause: Cause,
    /// The clips to choose from; of a selection.
    pub library: Option<Arc<dyn Library>>,
    /// What the policy last decided, if it is still in force.
    pub last_good: Option<Arc<Answer>>,
}

/// A decision, before anything is done about it.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// What was asked.
    pub question: Arc<Question>,
    /// What brought it up.
    pub cause: Cause,
    /// What is to hold; none: there was nothing to choose from.
    pub answer: Option<Arc<Answer>>,
    /// Who made it.
    pub decided_by: DecidedBy,
    /// The policy that was asked; none: the built-in one.
    pub policy: Option<Arc<Binding>>,
    /// The author's version of its plugin.
    pub version: String,
    /// SHA-256 of the component, hexadecimal.
    pub hash: Option<String>,
    /// Why the policy's own answer does not hold.
    pub error: Option<Failure>,
    /// What of the answer cannot be done.
    pub refused: Vec<String>,
    /// What else the policy's answer came from.
    pub tape: Tape,
    /// From the question to the answer; 0 for the host itself.
    pub took: Duration,
}

impl Ruling {
    /// The host's own decision. Nobody is asked.
    pub(super) fn built_in(asking: &Asking) -> Self {
        let answer = judge::built_in(asking);
        Self {
            question: asking.question.clone(),
            cause: asking.cause,
            answer: answer.map(Arc::new),
            decided_by: DecidedBy::BuiltIn,
            policy: None,
            version: String::new(),
            hash: None,
            error: None,
            refused: Vec::new(),
            tape: Tape::default(),
            took: Duration::ZERO,
        }
    }
}
