//! One call of a plugin: what it is given, what comes back, and how it is kept within its limits.

mod error;
mod run;

use crate::component::Hash;
use crate::config::Config;
use crate::tape::Tape;
pub use error::CallError;
use model::auth::AuthRequest;
use model::layout::Scene;
use model::routing::RoutingState;
use model::selection::{Library, SelectionRequest};
use model::{Answer, PolicyKind, Question};
use std::sync::Arc;
use std::time::Duration;

/// One call.
pub struct Call<'a> {
    /// What is asked.
    pub question: &'a Question,
    /// The configuration, as [`crate::Plugin::config`] accepted it.
    pub config: &'a Config,
    /// The clips to choose from; for a selection only. None is an empty library.
    pub library: Option<Arc<dyn Library>>,
    /// What it is for.
    pub mode: Mode,
}

/// What a call is for, and so what it may change.
#[derive(Debug, Clone, Default)]
pub enum Mode {
    /// Its answer counts.
    #[default]
    Live,
    /// Only tried beside another: what it writes to `kv` is thrown away. Requests are sent.
    Trial,
    /// Made again: seed and answers of `kv`, `library` and `http` come from the tape, and nothing is
    /// written or sent. Not counted in any figure.
    Replay(Arc<Tape>),
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The answer, within the bounds of its WIT file; of the question's kind.
    pub result: Result<Answer, CallError>,
    /// The component that was asked; none when there was none.
    pub hash: Option<Hash>,
    /// The author's version of it; empty when there was none.
    pub version: String,
    /// What else the answer depends on.
    pub tape: Tape,
    /// From the call to the answer, waiting for a free instance included.
    pub took: Duration,
    /// Linear memory of the instance at its end; it never shrinks.
    pub memory_bytes: usize,
    /// Instructions, roughly; counted only with [`crate::Settings::count_fuel`].
    pub fuel: Option<u64>,
}

/// A question, lent.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    Routing(&'a RoutingState),
    Selection(&'a SelectionRequest),
    Layout(&'a Scene),
    Auth(&'a AuthRequest),
}

impl<'a> From<&'a Question> for Asked<'a> {
    fn from(question: &'a Question) -> Self {
        match question {
            Question::Routing(state) => Self::Routing(state),
            Question::Selection(request) => Self::Selection(request),
            Question::Layout(scene) => Self::Layout(scene),
            Question::Auth(request) => Self::Auth(request),
        }
    }
}

impl Asked<'_> {
    pub(crate) const fn kind(&self) -> PolicyKind {
        match self {
            Self::Routing(_) => PolicyKind::Routing,
            Self::Selection(_) => PolicyKind::Selection,
            Self::Layout(_) => PolicyKind::Layout,
            Self::Auth(_) => PolicyKind::Auth,
        }
    }

    /// Time of the decision, Unix milliseconds.
    pub(crate) const fn now_unix_ms(&self) -> u64 {
        match self {
            Self::Routing(state) => state.now_unix_ms,
            Self::Selection(request) => request.now_unix_ms,
            Self::Layout(scene) => scene.now_unix_ms,
            Self::Auth(request) => request.now_unix_ms,
        }
    }
}
