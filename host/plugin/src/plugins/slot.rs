//! One name, under which one version is active at a time.

use super::unix_ms;
use crate::call::CallError;
use crate::component::{Component, Hash, Info};
use crate::config::Config;
use crate::engine::Runtime;
use crate::error::InstallError;
use crate::guest::Log;
use crate::stats::{Counters, Stats};
use arc_swap::ArcSwapOption;
use model::routing::{Plan, RoutingState};
use model::{Label, PolicyKind};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// A version that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Its content.
    pub hash: Hash,
    /// The author's version.
    pub version: String,
    /// Bytes.
    pub size: usize,
    /// When it was installed, Unix milliseconds.
    pub installed_unix_ms: u64,
}

/// A plugin as the API shows it.
#[derive(Debug, Clone)]
pub struct PluginView {
    /// The name it is installed under.
    pub name: Label,
    /// What the active version says of itself.
    pub info: Info,
    /// The active version.
    pub hash: Hash,
    /// Since when it is active, Unix milliseconds.
    pub active_since_unix_ms: u64,
    /// Its imports.
    pub imports: Vec<String>,
    /// All versions kept, oldest first.
    pub versions: Vec<VersionView>,
    /// Figures of its calls.
    pub stats: Stats,
}

/// Handle on one plugin. Each call goes to the version that is active when it begins.
#[derive(Clone)]
pub struct Plugin {
    runtime: Arc<Runtime>,
    slot: Arc<Slot>,
}

impl Plugin {
    pub(super) fn new(runtime: Arc<Runtime>, slot: Arc<Slot>) -> Self {
        Self { runtime, slot }
    }

    /// The name it is installed under.
    pub fn name(&self) -> &Label {
        self.slot.name()
    }

    /// The active version; none once the plugin is removed.
    pub fn hash(&self) -> Option<Hash> {
        self.slot.active().map(|active| active.hash.clone())
    }

    /// Checks a configuration against the active version's schema.
    ///
    /// What it returns is good for later versions too, since a version that does not accept
    /// the configurations in use is not installed.
    ///
    /// # Errors
    ///
    /// [`InstallError::Config`] with the places, [`InstallError::Unknown`] once removed.
    pub fn config(&self, what: &str, config: &Value) -> Result<Config, InstallError> {
        match self.slot.active.load().as_deref() {
            Some(active) => active.accept(what, config),
            None => Err(InstallError::Unknown {
                name: self.name().clone(),
            }),
        }
    }

    /// One routing decision.
    ///
    /// # Errors
    ///
    /// [`CallError`]; the last good plan should stay in force.
    pub async fn route(&self, state: &RoutingState, config: &Config) -> Result<Plan, CallError> {
        let began = Instant::now();
        let result = match self.slot.active() {
            Some(active) => {
                let routing = &active.routing;
                let call = routing.route(&self.runtime, self.slot.log(), state, config.as_json());
                call.await
            }
            None => Err(CallError::Missing {
                kind: PolicyKind::Routing.as_str(),
            }),
        };
        self.slot.counters.count(began.elapsed(), &result);
        result
    }

    /// One decision by the active version.
    ///
    /// A live or trial call counts in the figures, and failures of it open the breaker or, soon
    /// after a switch, bring the version before back.
    pub async fn decide(&self, call: Call<'_>) -> Outcome {
        let _ = call;
        unimplemented!("being written")
    }

    /// Figures of its calls.
    pub fn stats(&self) -> Stats {
        self.slot.counters.read()
    }
}

/// One name and what is behind it.
pub(super) struct Slot {
    name: Label,
    log: Arc<Log>,
    counters: Counters,
    active: ArcSwapOption<Component>,
    active_since_unix_ms: AtomicU64,
    versions: Mutex<Vec<VersionView>>,
}

impl Slot {
    pub(super) fn new(name: Label) -> Self {
        Self {
            log: Log::new(name.as_str()),
            name,
            counters: Counters::default(),
            active: ArcSwapOption::empty(),
            active_since_unix_ms: AtomicU64::new(0),
            versions: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &Label {
        &self.name
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(super) fn active(&self) -> Option<Arc<Component>> {
        self.active.load_full()
    }

    pub(super) fn versions(&self) -> Vec<VersionView> {
        self.versions.lock().clone()
    }

    /// The switch: calls that began before end with the old version, later ones see the new.
    pub(super) fn activate(
        &self,
        component: Arc<Component>,
        versions: Vec<VersionView>,
    ) -> Option<Hash> {
        *self.versions.lock() = versions;
        let hash = component.hash.clone();
        let replaced = self.active.swap(Some(component));
        let replaced = replaced.map(|old| old.hash.clone());
        if replaced.as_ref() != Some(&hash) {
            self.active_since_unix_ms.store(unix_ms(), Relaxed);
        }
        replaced
    }

    /// Handles that are still held find nothing here from now on.
    pub(super) fn clear(&self) {
        self.active.store(None);
        self.versions.lock().clear();
    }

    pub(super) fn view(&self) -> Option<PluginView> {
        let active = self.active()?;
        Some(PluginView {
            name: self.name.clone(),
            info: active.info.clone(),
            hash: active.hash.clone(),
            active_since_unix_ms: self.active_since_unix_ms.load(Relaxed),
            imports: active.imports.clone(),
            versions: self.versions(),
            stats: self.counters.read(),
        })
    }
}
