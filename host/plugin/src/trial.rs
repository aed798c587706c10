//! Trying a component before it takes over: with every configuration in use, on a sample and on
//! decisions that were made before.

use crate::call::{CallError, Mode};
use crate::component::Component;
use crate::config::Config;
use crate::error::InstallError;
use crate::home::Home;
use crate::hosting::Hosting;
use crate::plugins::{Bound, Difference, Recorded};
use crate::{auth, layout, routing, selection};
use model::selection::Library;
use model::{PolicyKind, Question};
use serde_json::Value;
use std::sync::Arc;

/// Differences that are kept.
const KEPT_DIFFERENCES: usize = 20;

/// What came of making decisions again.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) compared: usize,
    pub(crate) differing: usize,
    pub(crate) differences: Vec<Difference>,
}

impl Component {
    /// Tries it under every policy that it is bound by; with none, once for each kind with an empty
    /// configuration, if its schema admits that. Returns whether it was tried at all.
    pub(crate) async fn try_with(
        &self,
        home: &Home,
        bound: &[Bound],
    ) -> Result<bool, InstallError> {
        for Bound {
            what, kind, config, ..
        } in bound
        {
            if !self.info.kinds.contains(kind) {
                return Err(InstallError::MissingKind {
                    bound: what.clone(),
                    kind: kind.as_str(),
                });
            }
            let config = self.accept(what, config)?;
            self.try_once(home, what, *kind, &config).await?;
        }
        if !bound.is_empty() {
            return Ok(true);
        }
        let empty = Value::Object(serde_json::Map::new());
        let Ok(config) = self.schema.check(&empty) else {
            return Ok(false);
        };
        for kind in &self.info.kinds {
            self.try_once(home, "nobody yet, {}", *kind, &config)
                .await?;
        }
        Ok(true)
    }

    /// One decision on a sample. A policy that answers with an error has answered: the sample
    /// may be a stream it wants nothing to do with.
    async fn try_once(
        &self,
        home: &Home,
        what: &str,
        kind: PolicyKind,
        config: &Config,
    ) -> Result<(), InstallError> {
        let failed = |cause| InstallError::Trial {
            step: format!("a sample of {kind} with the configuration of {what}"),
            cause,
        };
        let question = match kind {
            PolicyKind::Routing => Question::Routing(routing::sample_state()),
            PolicyKind::Selection => Question::Selection(selection::sample_request()),
            PolicyKind::Layout => Question::Layout(layout::sample_scene()),
            PolicyKind::Auth => Question::Auth(auth::sample_request()),
            _ => {
                let kind = kind.as_str();
                return Err(failed(CallError::Missing { kind }));
            }
        };
        let library: Arc<dyn Library> = Arc::new(selection::sample_library());
        let hosting = Hosting::of_trial(home, question.now_unix_ms(), Some(library));
        let ran = self
            .decide(home, &question, config.as_json(), hosting)
            .await;
        match ran.result {
            Ok(_) | Err(CallError::Refused(_)) => Ok(()),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// Makes recorded decisions again. One that fails, where the version before answered, refuses
    /// the component: it would fail on the same input soon.
    pub(crate) async fn replay(
        &self,
        home: &Home,
        bound: &[Bound],
    ) -> Result<Comparison, InstallError> {
        let mut comparison = Comparison::default();
        for Bound {
            what,
            config,
            recorded,
            ..
        } in bound
        {
            let config = self.accept(what, config)?;
            for recorded in recorded {
                let difference = self.replay_one(home, &config, recorded).await?;
                comparison.compared += 1;
                comparison.differing += usize::from(difference.is_some());
                let room = comparison.differences.len() < KEPT_DIFFERENCES;
                comparison.differences.extend(difference.filter(|_| room));
            }
        }
        Ok(comparison)
    }

    async fn replay_one(
        &self,
        home: &Home,
        config: &Config,
        recorded: &Recorded,
    ) -> Result<Option<Difference>, InstallError> {
        let question = &recorded.question;
        let mode = Mode::Replay(Arc::new(recorded.tape.clone()));
        let hosting = Hosting::of_call(home, &self.grants, question.now_unix_ms(), None, mode);
        let ran = self.decide(home, question, config.as_json(), hosting).await;
        let subject = || question.subject().to_owned();
        let now = match ran.result {
            Ok(answer) if answer.agrees_with(&recorded.answer) => return Ok(None),
            Ok(answer) => Ok(answer),
            Err(cause) if cause.is_failure() => {
                return Err(InstallError::Replay {
                    id: recorded.id,
                    subject: subject(),
                    cause,
                });
            }
            Err(cause) => Err(cause.to_string()),
        };
        Ok(Some(Difference {
            id: recorded.id,
            subject: subject(),
            was: recorded.answer.clone(),
            now,
        }))
    }
}
