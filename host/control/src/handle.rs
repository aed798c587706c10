//! The way to talk to the control plane.

use crate::decisions::{Decision, Filter, Totals};
use crate::error::ControlError;
use crate::view::StreamView;
use model::{InputSpec, Label, PolicyKind, PolicySpec, Site, StreamName, StreamPattern};
use plugin::{Bound, Installed, Origin, PluginView, Plugins};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

type Reply<T> = oneshot::Sender<T>;

/// A request to the actor.
pub(crate) enum Call {
    /// Replaces the wanted document by what the function makes of it.
    Edit {
        edit: Edit,
        reply: Reply<Result<Site, ControlError>>,
    },
    Site {
        reply: Reply<Site>,
    },
    Streams {
        reply: Reply<Vec<StreamView>>,
    },
    Stream {
        name: StreamName,
        reply: Reply<Option<StreamView>>,
    },
    Decisions {
        filter: Filter,
        reply: Reply<Vec<Arc<Decision>>>,
    },
    Totals {
        reply: Reply<Totals>,
    },
    ShutDown {
        reply: Reply<()>,
    },
}

pub(crate) type Edit = Box<dyn FnOnce(&mut Site) -> Result<(), ControlError> + Send>;

/// A handle to the [`crate::Control`] actor; clones share it. Its mailbox is bounded: callers
/// wait their turn.
#[derive(Clone)]
pub struct ControlHandle {
    calls: mpsc::Sender<Call>,
    plugins: Plugins,
    policies: watch::Receiver<Vec<PolicySpec>>,
}

impl ControlHandle {
    pub(crate) fn new(
        calls: mpsc::Sender<Call>,
        plugins: Plugins,
        policies: watch::Receiver<Vec<PolicySpec>>,
    ) -> Self {
        Self {
            calls,
            plugins,
            policies,
        }
    }

    /// The document in force, allotted ports filled in.
    pub async fn site(&self) -> Result<Site, ControlError> {
        self.ask(|reply| Call::Site { reply }).await
    }

    /// Replaces the whole document; answers with the one now in force once its sources and
    /// streams are started. Nothing is applied if anything is at fault.
    pub async fn apply(&self, site: Site) -> Result<Site, ControlError> {
        self.edit(move |wanted| {
            *wanted = site;
            Ok(())
        })
        .await
    }

    /// Declared inputs.
    pub async fn inputs(&self) -> Result<Vec<InputSpec>, ControlError> {
        Ok(self.site().await?.inputs)
    }

    /// Declares an input, or replaces the one of its name.
    pub async fn put_input(&self, input: InputSpec) -> Result<InputSpec, ControlError> {
        let name = input.name.clone();
        let site = self
            .edit(move |wanted| {
                match wanted
                    .inputs
                    .iter_mut()
                    .find(|other| other.name == input.name)
                {
                    Some(other) => *other = input,
                    None => wanted.inputs.push(input),
                }
                Ok(())
            })
            .await?;
        let mut inputs = site.inputs.into_iter();
        inputs
            .find(|input| input.name == name)
            .ok_or(ControlError::UnknownInput(name))
    }

    /// Takes an input back: its stream ends.
    pub async fn delete_input(&self, name: StreamName) -> Result<(), ControlError> {
        self.edit(move |wanted| {
            let before = wanted.inputs.len();
            wanted.inputs.retain(|input| input.name != name);
            if wanted.inputs.len() == before {
                Err(ControlError::UnknownInput(name))
            } else {
                Ok(())
            }
        })
        .await
        .map(drop)
    }

    /// Bound policies.
    pub async fn policies(&self) -> Result<Vec<PolicySpec>, ControlError> {
        Ok(self.site().await?.policies)
    }

    /// Binds a plugin to a kind and pattern, replacing what was bound there.
    pub async fn put_policy(&self, policy: PolicySpec) -> Result<PolicySpec, ControlError> {
        let answer = policy.clone();
        self.edit(move |wanted| {
            let same = |other: &&mut PolicySpec| {
                other.kind == policy.kind && other.streams == policy.streams
            };
            match wanted.policies.iter_mut().find(same) {
                Some(other) => *other = policy,
                None => wanted.policies.push(policy),
            }
            Ok(())
        })
        .await?;
        Ok(answer)
    }

    /// Unbinds; the next specific policy decides from now on, or the built-in one.
    pub async fn delete_policy(
        &self,
        kind: PolicyKind,
        streams: StreamPattern,
    ) -> Result<(), ControlError> {
        self.edit(move |wanted| {
            let before = wanted.policies.len();
            wanted
                .policies
                .retain(|policy| policy.kind != kind || policy.streams != streams);
            if wanted.policies.len() == before {
                return Err(ControlError::UnknownPolicy(streams));
            }
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Installed plugins with their versions and figures, by name.
    pub fn plugins(&self) -> Vec<PluginView> {
        self.plugins.list()
    }

    /// Installs a component, or replaces the one of that name while media flows. It has to
    /// accept the configs of the policies that it is bound by.
    pub async fn install_plugin(
        &self,
        name: Label,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<Installed, ControlError> {
        let bound = self.bound(name.as_str());
        let origin = Origin::default();
        Ok(self.plugins.install(&name, bytes, &origin, &bound).await?)
    }

    /// Goes back to the version before the active one.
    pub async fn rollback_plugin(&self, name: Label) -> Result<Installed, ControlError> {
        let bound = self.bound(name.as_str());
        Ok(self.plugins.rollback(&name, &bound).await?)
    }

    /// Removes a plugin with all its versions; refused while a policy is bound to it.
    pub async fn remove_plugin(&self, name: Label) -> Result<(), ControlError> {
        if let Some(bound) = self.bound(name.as_str()).into_iter().next() {
            return Err(ControlError::PluginInUse {
                name,
                by: bound.what,
            });
        }
        Ok(self.plugins.remove(&name).await?)
    }

    /// The configs that a new version of a plugin has to accept. Does not wait.
    pub fn bound(&self, plugin: &str) -> Vec<Bound> {
        let policies = self.policies.borrow();
        let bound = policies
            .iter()
            .filter(|policy| policy.plugin.as_str() == plugin);
        let bound = bound.map(|policy| Bound {
            what: crate::routing::what(policy),
            kind: policy.kind,
            config: policy.config.clone(),
            recorded: Vec::new(),
        });
        bound.collect()
    }

    /// Every stream, by name.
    pub async fn streams(&self) -> Result<Vec<StreamView>, ControlError> {
        self.ask(|reply| Call::Streams { reply }).await
    }

    /// One stream.
    pub async fn stream(&self, name: StreamName) -> Result<StreamView, ControlError> {
        let asked = name.clone();
        let found = self
            .ask(|reply| Call::Stream { name: asked, reply })
            .await?;
        found.ok_or(ControlError::UnknownStream(name))
    }

    /// Logged decisions, oldest first.
    pub async fn decisions(&self, filter: Filter) -> Result<Vec<Arc<Decision>>, ControlError> {
        self.ask(|reply| Call::Decisions { filter, reply }).await
    }

    /// Counts of decisions, for metrics.
    pub async fn decision_totals(&self) -> Result<Totals, ControlError> {
        self.ask(|reply| Call::Totals { reply }).await
    }

    /// Stops every link and stream; answers once they have stopped.
    pub async fn shutdown(&self) -> Result<(), ControlError> {
        self.ask(|reply| Call::ShutDown { reply }).await
    }

    async fn edit(
        &self,
        edit: impl FnOnce(&mut Site) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<Site, ControlError> {
        self.ask(|reply| Call::Edit {
            edit: Box::new(edit),
            reply,
        })
        .await?
    }

    async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.calls
            .send(call(reply))
            .await
            .map_err(|_| ControlError::Stopped)?;
        answer.await.map_err(|_| ControlError::Stopped)
    }
}
