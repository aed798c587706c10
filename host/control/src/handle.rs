//! The way to talk to the control plane.

use crate::access::{Access, line};
use crate::audit;
use crate::changes::{Changed, Changes};
use crate::clients::Clients;
use crate::decide::Decider;
use crate::desired::{Desired, Touched};
use crate::error::ControlError;
use crate::fetch;
use crate::journal::Journal;
use crate::plugins::{self, Memory, Trouble};
use crate::recent::RecentErrors;
use crate::scene::{Gallery, Scene};
use crate::scope;
use crate::tenants;
use crate::view::StreamView;
use crate::webhooks::Webhooks;
use gateway::srt::History;
use model::audit::Outcome;
use model::{Label, Site, StreamName, Who};
use plugin::{Bound, Installed, LogLine, Origin, PluginView, Plugins};
use serde_json::json;
use stage::Stages;
use stage::thumbnail::{Poster, PosterError};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

type Reply<T> = oneshot::Sender<T>;

/// A request to the actor.
pub(crate) enum Call {
    /// Checks what the function makes of the document in force. Changes nothing.
    Draft {
        edit: Edit,
        /// The document whose allotted ports are kept, if not the one in force.
        before: Option<Site>,
        reply: Reply<Result<Draft, ControlError>>,
    },
    /// Puts a checked document in force; answers once its sources and streams are started.
    Adopt {
        desired: Desired,
        reply: Reply<()>,
    },
    /// Tries an output again, at once.
    Retry {
        stream: StreamName,
        output: Label,
        reply: Reply<Result<(), ControlError>>,
    },
    /// Takes a picture of everything.
    Scene {
        reply: Reply<Arc<Scene>>,
    },
    Ping {
        reply: Reply<()>,
    },
    ShutDown {
        reply: Reply<()>,
    },
}

pub(crate) type Edit = Box<dyn FnOnce(&mut Site) -> Result<(), ControlError> + Send>;

/// A document that was checked, and is not in force.
pub(crate) struct Draft {
    pub(crate) desired: Desired,
    pub(crate) touched: Vec<Touched>,
}

/// A handle to the [`crate::Control`] actor; clones share it. Its mailbox is bounded: callers
/// wait their turn.
#[derive(Clone)]
pub struct ControlHandle {
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) plugins: Plugins,
    pub(crate) decider: Decider,
    pub(crate) memory: Arc<Memory>,
    pub(crate) install_from: Arc<[model::origin::Origin]>,
    pub(crate) who: Arc<Who>,
    pub(crate) access: Access,
    pub(crate) changes: Arc<Changes>,
    pub(crate) gallery: Arc<Gallery>,
    pub(crate) journal: Journal,
    pub(crate) recent: Arc<RecentErrors>,
    pub(crate) webhooks: Webhooks,
    pub(crate) clients: Clients,
    pub(crate) context: gateway::Context,
    pub(crate) stages: Stages,
}

impl ControlHandle {
    /// The same, in somebody's name: it shows and changes what they see. Without this, it is the
    /// host's own.
    pub fn by(&self, who: Who) -> Self {
        Self {
            who: Arc::new(who),
            ..self.clone()
        }
    }

    /// In whose name it works.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Who is known to this host. It does not wait for the actor.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The service that makes decisions, and knows those that were made. It does not wait for
    /// the actor.
    pub fn decider(&self) -> &Decider {
        &self.decider
    }

    /// What happens, for whoever listens. It does not wait for the actor.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The webhooks as they run.
    pub fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// What went wrong of late.
    pub fn recent_errors(&self) -> &RecentErrors {
        &self.recent
    }

    /// A picture of a stream.
    ///
    /// # Errors
    /// There is none that its owner sees, or it shows nothing that a picture could be made of.
    pub async fn poster(&self, stream: &StreamName) -> Result<Poster, PosterError> {
        match self.who.sees(stream) {
            true => self.stages.posters.get(stream).await,
            false => Err(PosterError::UnknownStream(stream.clone())),
        }
    }

    /// The last ten minutes of a stream's SRT connections, those that ended included. Of a stream
    /// that its owner does not see there are none.
    pub fn srt_histories(&self, stream: &StreamName) -> Vec<History> {
        if !self.who.sees(stream) {
            return Vec::new();
        }
        let mut histories = self.context.srt().histories(Instant::now());
        histories.retain(|history| history.stream == *stream);
        histories
    }

    /// The document in force as its owner sees it, allotted ports filled in.
    pub fn site(&self) -> Arc<Site> {
        scope::shown(&self.who, self.gallery.site())
    }

    /// The same, whoever looks.
    pub(crate) fn site_of_host(&self) -> Arc<Site> {
        self.gallery.site()
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
        let installed = installed.map_err(|error| {
            self.memory.refused(&name, &error);
            ControlError::from(error)
        });
        self.note_plugin("installed", &name, &installed).await;
        installed
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
        let rolled_back = self.plugins.rollback(&name, &bound).await;
        let rolled_back = rolled_back.map_err(ControlError::from);
        self.note_plugin("rolled_back", &name, &rolled_back).await;
        rolled_back
    }

    /// Removes a plugin with all its versions; refused while a policy is bound to it.
    pub async fn remove_plugin(&self, name: Label) -> Result<(), ControlError> {
        if let Some(bound) = self.bound(name.as_str()).into_iter().next() {
            return Err(ControlError::PluginInUse {
                name,
                by: bound.what,
            });
        }
        self.plugins.remove(&name).await?;
        self.note("removed", format!("plugin {name}"), None).await;
        Ok(())
    }

    async fn note_plugin(
        &self,
        action: &str,
        name: &Label,
        outcome: &Result<Installed, ControlError>,
    ) {
        let mut entry = line(&self.who, action, format!("plugin {name}"));
        match outcome {
            Ok(installed) => {
                entry.after = Some(json!({
                    "version": installed.info.version, "hash": installed.hash.to_string(),
                }));
            }
            Err(error) => {
                entry.outcome = Outcome::Failed;
                entry.after = Some(error.code().into());
            }
        }
        self.access.note(entry).await;
    }

    /// Writes into the log what was done without changing the document.
    async fn note(&self, action: &str, item: String, after: Option<serde_json::Value>) {
        let mut entry = line(&self.who, action, item);
        entry.after = after;
        self.access.note(entry).await;
    }

    /// # Errors
    /// For its owner there is no such input.
    pub(crate) fn sees_input(&self, name: &StreamName) -> Result<(), ControlError> {
        match self.who.sees(name) {
            true => Ok(()),
            false => Err(ControlError::UnknownInput(name.clone())),
        }
    }

    /// What a new version of a plugin has to serve: the configs that it has to accept, and
    /// decisions that it makes again. Does not wait.
    pub fn bound(&self, plugin: &str) -> Vec<Bound> {
        self.decider.bound(plugin)
    }

    /// Tries an output again at once, whether it waits, failed or used up its attempts; one that
    /// is live is left alone.
    pub async fn retry(&self, stream: StreamName, output: Label) -> Result<(), ControlError> {
        self.sees_input(&stream)?;
        let item = format!("input {stream} output {output}");
        self.ask(|reply| Call::Retry {
            stream,
            output,
            reply,
        })
        .await??;
        self.note("retried", item, None).await;
        Ok(())
    }

    /// Everything there is to see for its owner, no older than what the caller was told or did;
    /// its figures are at most [`crate::scene::STILL`] old.
    pub async fn scene(&self) -> Result<Arc<Scene>, ControlError> {
        let scene = self.whole_scene().await?;
        Ok(match self.who.sees_the_host() {
            true => scene,
            false => scene.seen_by(&self.who),
        })
    }

    async fn whole_scene(&self) -> Result<Arc<Scene>, ControlError> {
        if let Some(scene) = self.gallery.newest(None) {
            return Ok(scene);
        }
        let asked = Instant::now();
        let _taking = self.gallery.taking.lock().await;
        match self.gallery.newest(Some(asked)) {
            Some(scene) => Ok(scene),
            None => self.ask(|reply| Call::Scene { reply }).await,
        }
    }

    /// One stream.
    pub async fn stream(&self, name: StreamName) -> Result<StreamView, ControlError> {
        let scene = self.whole_scene().await?;
        let found = scene.stream(&name).filter(|_| self.who.sees(&name));
        let found = found.cloned();
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

    /// Makes a change: checked, kept, made true. It is seen through even if the caller stops
    /// waiting, so that what is kept and what runs are the same.
    pub(crate) async fn edit(
        &self,
        edit: impl FnOnce(&mut Site) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<Changed, ControlError> {
        let handle = self.clone();
        let change = tokio::spawn(async move {
            let _turn = handle.changes.turn.lock().await;
            let draft = handle.checked(edit).await?;
            handle.conclude(draft).await
        });
        change.await.map_err(|_| ControlError::Stopped)?
    }

    /// What a change would come to.
    pub(crate) async fn draft(
        &self,
        edit: impl FnOnce(&mut Site) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<Changed, ControlError> {
        let draft = self.checked(edit).await?;
        Ok(Changed {
            site: draft.desired.site().clone(),
            touched: draft.touched,
        })
    }

    async fn checked(
        &self,
        edit: impl FnOnce(&mut Site) -> Result<(), ControlError> + Send + 'static,
    ) -> Result<Draft, ControlError> {
        let who = self.who.clone();
        let edit = Box::new(move |site: &mut Site| {
            let before = site.clone();
            edit(site)?;
            tenants::is_declared(&who, &before)?;
            scope::permit(&who, &before, site)
        });
        self.ask(|reply| Call::Draft {
            edit,
            before: None,
            reply,
        })
        .await?
    }

    /// Keeps a checked document, and puts it in force.
    pub(crate) async fn conclude(&self, draft: Draft) -> Result<Changed, ControlError> {
        let (site, touched) = (draft.desired.site().clone(), draft.touched);
        let log = audit::lines(&self.who, &touched);
        self.changes.keep(&site, &log).await?;
        let desired = draft.desired;
        self.ask(|reply| Call::Adopt { desired, reply }).await?;
        Ok(Changed { site, touched })
    }

    pub(crate) async fn ask<T>(
        &self,
        call: impl FnOnce(Reply<T>) -> Call,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.calls
            .send(call(reply))
            .await
            .map_err(|_| ControlError::Stopped)?;
        answer.await.map_err(|_| ControlError::Stopped)
    }
}
