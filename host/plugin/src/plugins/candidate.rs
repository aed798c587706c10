//! What an installation is checked against, and what it brought.

use crate::component::{Hash, Info};
use crate::tape::Tape;
use model::{Answer, Label, PolicyKind, Question};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an author or an operator vouches for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// SHA-256 that the component must have, hexadecimal.
    pub sha256: Option<String>,
    /// Text of its minisign signature file. Required once any key is trusted.
    pub signature: Option<String>,
}

/// A policy that the plugin is bound by, which a new version must serve.
#[derive(Debug, Clone)]
pub struct Bound {
    /// What it is, in words: `policy routing of live/*`.
    pub what: String,
    /// What it decides.
    pub kind: PolicyKind,
    /// Its configuration.
    pub config: Value,
    /// Decisions made under it, which a new version makes again.
    pub recorded: Vec<Recorded>,
}

/// A decision from the log.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its number there.
    pub id: u64,
    /// What was asked.
    pub question: Question,
    /// What was answered.
    pub answer: Answer,
    /// What else the answer came from.
    pub tape: Tape,
}

/// A decision that the candidate makes otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The decision's number in the log.
    pub id: u64,
    /// The stream, channel or composite.
    pub subject: String,
    /// What was answered.
    pub was: Answer,
    /// What the candidate answers, or why it does not.
    pub now: Result<Answer, String>,
}

/// What an installation brought.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The plugin.
    pub name: Label,
    /// The component that is active now.
    pub hash: Hash,
    /// What it says of itself.
    pub info: Info,
    /// The component that was active before; the same hash when nothing changed.
    pub replaced: Option<Hash>,
    /// Recorded decisions that were made again.
    pub compared: usize,
    /// How many of them came to something else, whatever the reasons given.
    pub differing: usize,
    /// The first 20 of those.
    pub differences: Vec<Difference>,
}
