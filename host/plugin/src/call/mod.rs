//! One call of a plugin: what it is given, what comes back, and how it is kept within its limits.

mod error;
mod run;

use crate::component::Hash;
use crate::config::Config;
use crate::tape::Tape;
pub use error::CallError;
use model::selection::Library;
use model::{Answer, Question};
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
