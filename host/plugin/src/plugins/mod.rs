//! The installed plugins: what the rest of the host holds.
//!
//! One installation happens at a time; calls go on meanwhile, with what is active when they
//! begin. Whatever fails on the way leaves the active version running.

mod candidate;
mod change;
mod probation;
mod shelf;
mod slot;

use crate::compile::{Compiler, Workshop};
use crate::component::{self, Component, Hash, Info};
use crate::engine::{EngineError, Runtime};
use crate::error::InstallError;
use crate::http::Grants;
use crate::kv::{Forgetful, Keeper};
use crate::limits::PluginLimits;
pub use candidate::{Bound, Difference, Installed, Origin, Recorded};
pub use change::{Change, Step};
use model::Label;
use parking_lot::RwLock;
pub use probation::Probation;
use shelf::Shelf;
use slot::Slot;
pub use slot::{Plugin, PluginView, VersionView};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, broadcast};

/// Changes kept for a slow subscriber.
const CHANGES: usize = 64;

/// How the plugin plane is set up.
#[derive(Clone)]
pub struct Settings {
    /// Where installed components are kept, and compiled code beside them. Made if missing.
    pub dir: PathBuf,
    /// What plugins may take.
    pub limits: PluginLimits,
    /// What is opened to plugins, by name; nothing to those that are not named.
    pub grants: BTreeMap<Label, Grants>,
    /// Minisign public keys (the line of 56 characters). When there are any, components that none of them
    /// signed are refused.
    pub trusted_keys: Vec<String>,
    /// Where `kv` entries live over restarts.
    pub keeper: Arc<dyn Keeper>,
    /// When a new version is taken back by itself.
    pub probation: Probation,
    /// Who compiles.
    pub compiler: Compiler,
    /// Time that compiling may take.
    pub compile_timeout: Duration,
    /// Versions kept of each plugin, the active one included; at least 2.
    pub versions_kept: usize,
    /// Whether instructions are counted: for tools, since it slows guests down. Needs
    /// [`Compiler::InProcess`].
    pub count_fuel: bool,
}

impl Settings {
    /// The usual settings, with everything under `dir`: nothing granted, no key trusted, `kv` entries
    /// forgotten at the end.
    pub fn new(dir: impl Into<PathBuf>, compiler: Compiler) -> Self {
        Self {
            dir: dir.into(),
            limits: PluginLimits::default(),
            grants: BTreeMap::new(),
            trusted_keys: Vec::new(),
            keeper: Arc::new(Forgetful),
            probation: Probation::default(),
            compiler,
            compile_timeout: Duration::from_secs(60),
            versions_kept: 5,
            count_fuel: false,
        }
    }
}

/// Handle on the installed plugins; clones share them.
#[derive(Clone)]
pub struct Plugins(Arc<Inner>);

struct Inner {
    runtime: Arc<Runtime>,
    workshop: Arc<Workshop>,
    shelf: Shelf,
    slots: RwLock<BTreeMap<Label, Arc<Slot>>>,
    /// Held while something is installed, rolled back or removed.
    turn: Mutex<()>,
    changes: broadcast::Sender<Change>,
}

/// The plugin plane did not come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The folder.
    #[error(transparent)]
    Storage(#[from] InstallError),
}

impl Plugins {
    /// Starts the engine and takes up what was installed before.
    ///
    /// A stored plugin that does not come up again is in the list, with its cause; the others run.
    ///
    /// # Errors
    ///
    /// When the engine does not start or the folder cannot be made.
    pub async fn open(settings: Settings) -> Result<(Self, Vec<(Label, InstallError)>), OpenError> {
        let Settings {
            dir,
            limits,
            compiler,
            compile_timeout,
            versions_kept,
        } = settings;
        let shelf = Shelf::open(dir.join("installed"), versions_kept.max(2))?;
        let workshop = Workshop::open(dir.join("compiled"), compiler, compile_timeout)?;
        let plugins = Self(Arc::new(Inner {
            runtime: Runtime::new(limits)?,
            workshop: Arc::new(workshop),
            shelf,
            slots: RwLock::default(),
            turn: Mutex::default(),
            changes: broadcast::channel(CHANGES).0,
        }));
        let mut failed = Vec::new();
        for name in plugins.0.shelf.names() {
            if let Err(error) = plugins.take_up(&name).await {
                failed.push((name, error));
            }
        }
        Ok((plugins, failed))
    }

    /// Installs a component, or replaces the one of that name.
    ///
    /// It is compiled, checked, tried with every configuration in `bound`, stored, and then
    /// switched to between two calls.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; what was active goes on.
    pub async fn install(
        &self,
        name: &Label,
        bytes: impl Into<Arc<[u8]>>,
        origin: &Origin,
        bound: &[Bound],
    ) -> Result<Installed, InstallError> {
        let bytes = bytes.into();
        let _turn = self.0.turn.lock().await;
        let slot = self.slot_or_new(name);
        let component = self.prepare(&slot, &bytes, bound).await?;
        let version = VersionView {
            hash: component.hash.clone(),
            version: component.info.version.clone(),
            size: component.size,
            installed_unix_ms: unix_ms(),
        };
        let mut versions = slot.versions();
        if slot
            .active()
            .is_none_or(|active| active.hash != component.hash)
        {
            versions.retain(|it| it.hash != version.hash);
            versions.push(version);
        }
        self.0
            .shelf
            .put(name, &component.hash, bytes, &mut versions)
            .await?;
        Ok(self.switch(slot, component, versions))
    }

    /// Goes back to the version installed before the active one. Doing it again goes further back.
    ///
    /// # Errors
    ///
    /// When there is none, or when it is not accepted any more; the active one goes on.
    pub async fn rollback(&self, name: &Label, bound: &[Bound]) -> Result<Installed, InstallError> {
        let _turn = self.0.turn.lock().await;
        let slot = self.slot(name)?;
        let mut versions = slot.versions();
        let active = slot.active().map(|active| active.hash.clone());
        let at = versions
            .iter()
            .position(|it| Some(&it.hash) == active.as_ref());
        let older = at.and_then(|at| versions.get(at.checked_sub(1)?));
        let Some(older) = older.map(|it| it.hash.clone()) else {
            return Err(InstallError::NoOlderVersion { name: name.clone() });
        };
        let bytes = self.0.shelf.read(name, &older).await?;
        let component = self.prepare(&slot, &bytes, bound).await?;
        self.0.shelf.put(name, &older, bytes, &mut versions).await?;
        Ok(self.switch(slot, component, versions))
    }

    /// Removes a plugin with all its versions. Whoever owns policies sees to it first that none uses it.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or the disk refuses.
    pub async fn remove(&self, name: &Label) -> Result<(), InstallError> {
        let _turn = self.0.turn.lock().await;
        let slot = self.slot(name)?;
        self.0.shelf.remove(name).await?;
        self.0.slots.write().remove(name);
        slot.clear();
        self.tell(Change::Removed { name: name.clone() });
        Ok(())
    }

    /// The plugin of that name. The handle outlives swaps: it always calls what is active.
    pub fn get(&self, name: &str) -> Option<Plugin> {
        let slot = self.0.slots.read().get(name).cloned()?;
        slot.active()?;
        Some(Plugin::new(Arc::clone(&self.0.runtime), slot))
    }

    /// Every plugin with its versions and figures, by name.
    pub fn list(&self) -> Vec<PluginView> {
        let slots = self.0.slots.read();
        slots.values().filter_map(|slot| slot.view()).collect()
    }

    /// Changes from now on. A subscriber that lags should look at every policy again.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// Whether a version with this content is kept, active or not.
    pub fn keeps(&self, name: &Label, hash: &Hash) -> bool {
        let slots = self.0.slots.read();
        slots
            .get(name)
            .is_some_and(|slot| slot.versions().iter().any(|it| it.hash == *hash))
    }

    /// Takes up a stored plugin at start. Nothing is bound yet, so nothing is checked against.
    async fn take_up(&self, name: &Label) -> Result<(), InstallError> {
        let stored = self.0.shelf.open_plugin(name).await?;
        let slot = self.slot_or_new(name);
        let component = self.prepare(&slot, &stored.bytes, &[]).await?;
        self.switch(slot, component, stored.versions);
        Ok(())
    }

    /// From bytes to a component that passed everything.
    async fn prepare(
        &self,
        slot: &Slot,
        bytes: &Arc<[u8]>,
        bound: &[Bound],
    ) -> Result<Arc<Component>, InstallError> {
        let Inner {
            runtime, workshop, ..
        } = &*self.0;
        component::sniff(bytes, runtime.limits.component_bytes)?;
        let hash = Hash::of(bytes);
        let code = workshop.compile(runtime, bytes, &hash).await?;
        let component = Component::inspect(runtime, &code, bytes, hash, slot.log()).await?;
        component.try_with(runtime, slot.log(), bound).await?;
        Ok(Arc::new(component))
    }

    fn switch(
        &self,
        slot: Arc<Slot>,
        component: Arc<Component>,
        versions: Vec<VersionView>,
    ) -> Installed {
        let name = slot.name().clone();
        let (hash, info) = (component.hash.clone(), component.info.clone());
        let replaced = slot.activate(component, versions);
        self.0.slots.write().insert(name.clone(), slot);
        if replaced.as_ref() != Some(&hash) {
            tracing::info!(plugin = name.as_str(), version = info.version, %hash, "plugin active");
            self.tell(Change::Activated {
                name: name.clone(),
                hash: hash.clone(),
            });
        }
        Installed {
            name,
            hash,
            info,
            replaced,
        }
    }

    fn slot(&self, name: &Label) -> Result<Arc<Slot>, InstallError> {
        let slot = self.0.slots.read().get(name).cloned();
        slot.ok_or_else(|| InstallError::Unknown { name: name.clone() })
    }

    fn slot_or_new(&self, name: &Label) -> Arc<Slot> {
        self.slot(name)
            .unwrap_or_else(|_| Arc::new(Slot::new(name.clone())))
    }

    /// Nobody listening is fine.
    fn tell(&self, change: Change) {
        let _ = self.0.changes.send(change);
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
