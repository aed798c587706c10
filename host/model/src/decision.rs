//! Questions to policies and their answers, of every kind: what is asked, logged and replayed.

use crate::PolicyKind;
use crate::auth::{AuthRequest, Verdict};
use crate::layout::{Arrangement, Scene};
use crate::routing::{Plan, RoutingState};
use crate::selection::{Clip, SelectionRequest};
use serde::{Deserialize, Serialize};

/// What a policy is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "input", rename_all = "lowercase")]
pub enum Question {
    /// Where does this stream go?
    Routing(RoutingState),
    /// Which clip plays next? The library is lent beside it.
    Selection(SelectionRequest),
    /// Where do these pictures stand?
    Layout(Scene),
    /// May this peer in?
    Auth(AuthRequest),
}

/// What a policy answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "output", rename_all = "lowercase")]
pub enum Answer {
    /// To [`Question::Routing`].
    Routing(Plan),
    /// To [`Question::Selection`].
    Selection(Clip),
    /// To [`Question::Layout`].
    Layout(Arrangement),
    /// To [`Question::Auth`].
    Auth(Verdict),
}

impl Question {
    /// Its kind.
    pub const fn kind(&self) -> PolicyKind {
        match self {
            Self::Routing(_) => PolicyKind::Routing,
            Self::Selection(_) => PolicyKind::Selection,
            Self::Layout(_) => PolicyKind::Layout,
            Self::Auth(_) => PolicyKind::Auth,
        }
    }

    /// The stream, channel or composite it is about; what policies' patterns are matched with.
    pub fn subject(&self) -> &str {
        match self {
            Self::Routing(state) => &state.stream,
            Self::Selection(request) => &request.channel,
            Self::Layout(scene) => &scene.name,
            Self::Auth(request) => &request.stream,
        }
    }

    /// Time of the decision, Unix milliseconds.
    pub const fn now_unix_ms(&self) -> u64 {
        match self {
            Self::Routing(state) => state.now_unix_ms,
            Self::Selection(request) => request.now_unix_ms,
            Self::Layout(scene) => scene.now_unix_ms,
            Self::Auth(request) => request.now_unix_ms,
        }
    }
}

impl Answer {
    /// Its kind.
    pub const fn kind(&self) -> PolicyKind {
        match self {
            Self::Routing(_) => PolicyKind::Routing,
            Self::Selection(_) => PolicyKind::Selection,
            Self::Layout(_) => PolicyKind::Layout,
            Self::Auth(_) => PolicyKind::Auth,
        }
    }

    /// Why, in the policy's words.
    pub fn reason(&self) -> &str {
        match self {
            Self::Routing(plan) => &plan.reason,
            Self::Selection(clip) => &clip.reason,
            Self::Layout(arrangement) => &arrangement.reason,
            Self::Auth(verdict) => &verdict.reason,
        }
    }

    /// Whether both would have the same done. Words for people may differ.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.without_words() == other.without_words()
    }

    fn without_words(&self) -> Self {
        let mut bare = self.clone();
        match &mut bare {
            Self::Routing(plan) => {
                plan.reason.clear();
                plan.alerts.iter_mut().for_each(|it| it.message.clear());
            }
            Self::Selection(clip) => clip.reason.clear(),
            Self::Layout(arrangement) => arrangement.reason.clear(),
            Self::Auth(verdict) => verdict.reason.clear(),
        }
        bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Alert, Severity};

    #[test]
    fn answers_agree_when_they_would_have_the_same_done() {
        let plan = |on_air: &str, words: &str| {
            let alert = Alert {
                code: "no-backup".into(),
                severity: Severity::Info,
                message: words.into(),
            };
            Answer::Routing(Plan {
                on_air: Some(on_air.into()),
                alerts: vec![alert],
                reason: words.into(),
                ..Plan::default()
            })
        };
        assert!(plan("a", "one").agrees_with(&plan("a", "another")));
        assert!(!plan("a", "one").agrees_with(&plan("b", "one")));
        let (yes, no) = (Verdict::allow("x"), Verdict::deny("x"));
        assert!(!Answer::Auth(yes.clone()).agrees_with(&Answer::Auth(no)));
        assert!(!Answer::Auth(yes).agrees_with(&plan("a", "x")));
    }
}
