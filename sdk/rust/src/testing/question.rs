//! Questions and answers of every kind, in the JSON form of the decision log.

use crate::library::Library;
use crate::{auth, layout, routing, selection};
use serde::{Deserialize, Serialize};

/// What a policy is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "input", rename_all = "lowercase")]
pub enum Question {
    /// Where does this stream go?
    Routing(routing::State),
    /// Which clip plays next? The library is lent beside it.
    Selection(selection::Request),
    /// Where do these pictures stand?
    Layout(layout::Scene),
    /// May this peer in?
    Auth(auth::Request),
}

/// What a policy answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "output", rename_all = "lowercase")]
pub enum Answer {
    /// To [`Question::Routing`].
    Routing(routing::Plan),
    /// To [`Question::Selection`].
    Selection(selection::Clip),
    /// To [`Question::Layout`].
    Layout(layout::Arrangement),
    /// To [`Question::Auth`].
    Auth(auth::Verdict),
}

/// A policy as the host sees it, whatever its kinds. [`export!`](crate::export) implements it.
pub trait Policy {
    /// What the component says of itself.
    fn describe() -> crate::__private::Info;

    /// Asks it, as the host would: with a configuration as JSON.
    ///
    /// # Errors
    ///
    /// The policy's error, a configuration that it does not take, or a kind that it is not of.
    fn answer(question: Question, library: Library<'_>, config: &str) -> Result<Answer, String>;
}

impl Question {
    /// Time of the decision, Unix milliseconds.
    pub fn now_unix_ms(&self) -> u64 {
        match self {
            Self::Routing(state) => state.now_unix_ms,
            Self::Selection(request) => request.now_unix_ms,
            Self::Layout(scene) => scene.now_unix_ms,
            Self::Auth(request) => request.now_unix_ms,
        }
    }

    /// The name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Routing(_) => "routing",
            Self::Selection(_) => "selection",
            Self::Layout(_) => "layout",
            Self::Auth(_) => "auth",
        }
    }
}
