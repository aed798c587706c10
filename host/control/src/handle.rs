//! The way to talk to the control plane.

use crate::decide::Decider;
use crate::error::ControlError;
use crate::fetch;
use crate::plugins::{self, Memory, Trouble};
use crate::view::StreamView;
use model::{
    InputSpec, Label, PolicyKind, PolicyMode, PolicySpec, Site, StreamName, StreamPattern,
};
use plugin::{Bound, Installed, LogLine, Origin, PluginView, Plugins};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

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
    Ping {
        reply: Reply<()>,
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
    decider: Decider,
    memory: Arc<Memory>,
    install_from: Arc<[model::origin::Origin]>,
}

impl ControlHandle {
    pub(crate) fn new(
        calls: mpsc::Sender<Call>,
        plugins: Plugins,
        decider: Decider,
        memory: Arc<Memory>,
        install_from: Vec<model::origin::Origin>,
    ) -> Self {
        Self {
            calls,
            plugins,
            decider,
            memory,
            install_from: install_from.into(),
        }
    }

    /// The service that makes decisions, and knows those that were made. It does not wait for
    /// the actor.
    pub fn decider(&self) -> &Decider {
        &self.decider
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

    /// Binds a plugin to a kind and pattern, replacing what was bound there in the same mode.
    pub async fn put_policy(&self, policy: PolicySpec) -> Result<PolicySpec, ControlError> {
        let answer = policy.clone();
        self.edit(move |wanted| {
            let same = |other: &&mut PolicySpec| {
                other.kind == policy.kind
                    && other.streams == policy.streams
                    && other.mode == policy.mode
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
        mode: PolicyMode,
    ) -> Result<(), ControlError> {
        self.edit(move |wanted| {
            let before = wanted.policies.len();
            wanted.policies.retain(|policy| {
                policy.kind != kind || policy.streams != streams || policy.mode != mode
            });
            if wanted.policies.len() == before {
                return Err(ControlError::UnknownPolicy {
                    kind,
                    streams,
                    mode,
                });
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

    /// Where an installation of a plugin stands, if one is under way.
    pub fn installing(&self, name: &str) -> Option<&'static str> {
        plugins::installing(&self.plugins, name)
    }

    /// The last lines that a plugin wrote, oldest first; none if there is no such plugin.
    pub fn plugin_log(&self, name: &str) -> Option<Vec<LogLine>> {
        self.plugins.get(name).map(|plugin| plugin.log())
    }

    /// What last went wrong with a plugin.
    pub fn trouble(&self, name: &str) -> Trouble {
        self.memory.of(name)
    }

    /// Installs a component, or replaces the one of that name while media flows. It has to
    /// accept the configs of the policies that it is bound by.
    pub async fn install_plugin(
        &self,
        name: Label,
        bytes: impl Into<Arc<[u8]>>,
        origin: Origin,
    ) -> Result<Installed, ControlError> {
        let bound = self.bound(name.as_str());
        let installed = self.plugins.install(&name, bytes, &origin, &bound).await;
        installed.map_err(|error| {
            self.memory.refused(&name, &error);
            error.into()
        })
    }

    /// Fetches a component of at most `limit` bytes from where the operator allows it, and
    /// installs it.
    pub async fn install_plugin_from(
        &self,
        name: Label,
        url: &str,
        origin: Origin,
        limit: usize,
    ) -> Result<Installed, ControlError> {
        let bytes = fetch::fetch(&name, url, &self.install_from, limit).await?;
        self.install_plugin(name, bytes, origin).await
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

    /// What a new version of a plugin has to serve: the configs that it has to accept, and
    /// decisions that it makes again. Does not wait.
    pub fn bound(&self, plugin: &str) -> Vec<Bound> {
        self.decider.bound(plugin)
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

    /// Resolves once the actor has had its turn.
    pub async fn ping(&self) -> Result<(), ControlError> {
        self.ask(|reply| Call::Ping { reply }).await
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
