//! The installed plugins: what the rest of the host holds.
//!
//! Installations of one plugin happen one after another; calls go on meanwhile, with what is active
//! when they begin. Whatever fails on the way leaves the active version running.

mod breaker;
mod candidate;
mod change;
mod circuit;
mod install;
mod plugin;
mod probation;
mod shelf;
mod slot;
mod strangers;
mod view;

use crate::compile::{Compiler, Workshop};
use crate::component::Hash;
use crate::engine::{EngineError, Runtime};
use crate::error::InstallError;
use crate::home::Home;
use crate::kv::{Forgetful, Keeper};
use crate::signature::{SignatureError, TrustedKeys};
pub use candidate::{Bound, Difference, Installed, Origin, Recorded};
pub use change::{Change, Step};
pub use circuit::{FIRST_PAUSE, LONGEST_PAUSE, OPENS_AFTER};
use model::{Grants, Label, PluginLimits};
use parking_lot::{Mutex, RwLock};
pub use plugin::Plugin;
pub use probation::Probation;
use shelf::Shelf;
use slot::{Failed, Slot, Told};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{MutexGuard, broadcast, mpsc};
use tokio_util::task::AbortOnDropHandle;
pub use view::{BreakerView, Installing, PluginView, VersionView};

/// Changes kept for a slow subscriber.
const CHANGES: usize = 256;
/// Versions that failed and wait to be taken back.
const FAILED: usize = 64;
/// Locks that keep installations of one plugin apart; two plugins may share one.
const TURNS: usize = 16;

/// The policies that a plugin is bound by.
type BoundBy = dyn Fn(&str) -> Vec<Bound> + Send + Sync;

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
    /// Time that compiling may take by the clock. It is done at the lowest priority, so on a busy
    /// machine it takes many times its processor time, which is bounded by itself.
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
            compile_timeout: Duration::from_secs(300),
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
    limits: PluginLimits,
    grants: BTreeMap<Label, Grants>,
    trusted: Arc<TrustedKeys>,
    keeper: Arc<dyn Keeper>,
    probation: Probation,
    /// Tells which policies a plugin is bound by.
    bound: Mutex<Option<Arc<BoundBy>>>,
    slots: RwLock<BTreeMap<Label, Arc<Slot>>>,
    /// Held while a plugin is installed, rolled back or removed.
    turns: [tokio::sync::Mutex<()>; TURNS],
    installing: Mutex<BTreeMap<Label, Step>>,
    told: Told,
    /// Takes failed versions back; ends with the plane.
    _taker: AbortOnDropHandle<()>,
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
    /// A trusted key is none.
    #[error("trusted keys of plugins: {0}")]
    Key(#[from] SignatureError),
}

impl Plugins {
    /// Starts the engine and takes up what was installed before.
    ///
    /// A stored plugin that does not come up again is in the list, with its cause; the others run.
    ///
    /// # Errors
    ///
    /// When the engine does not start, the folder cannot be made or a trusted key is none.
    pub async fn open(settings: Settings) -> Result<(Self, Vec<(Label, InstallError)>), OpenError> {
        let Settings { dir, compiler, .. } = settings;
        let trusted = TrustedKeys::parse(settings.trusted_keys.iter().map(String::as_str))?;
        let shelf = Shelf::open(dir.join("installed"), settings.versions_kept.max(2))?;
        let workshop = Workshop::open(dir.join("compiled"), compiler, settings.compile_timeout)?;
        let runtime = Runtime::new(&settings.limits, settings.count_fuel)?;
        let (failed, failures) = mpsc::channel(FAILED);
        let changes = broadcast::channel(CHANGES).0;
        let plugins = Self(Arc::new_cyclic(|inner| Inner {
            runtime,
            workshop: Arc::new(workshop),
            shelf,
            limits: settings.limits,
            grants: settings.grants,
            trusted: Arc::new(trusted),
            keeper: settings.keeper,
            probation: settings.probation,
            bound: Mutex::default(),
            slots: RwLock::default(),
            turns: Default::default(),
            installing: Mutex::default(),
            told: Told { changes, failed },
            _taker: AbortOnDropHandle::new(tokio::spawn(take_back(inner.clone(), failures))),
        }));
        let mut failed = Vec::new();
        for name in plugins.0.shelf.names() {
            if let Err(error) = plugins.take_up(&name).await {
                failed.push((name, error));
            }
        }
        Ok((plugins, failed))
    }

    /// From now on this tells which policies a plugin is bound by: an older version that takes over by
    /// itself has to serve them.
    pub fn serve(&self, bound: impl Fn(&str) -> Vec<Bound> + Send + Sync + 'static) {
        *self.0.bound.lock() = Some(Arc::new(bound));
    }

    /// Removes a plugin with all its versions and what it kept. Whoever owns policies sees to it first that
    /// none uses it.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or the disk refuses.
    pub async fn remove(&self, name: &Label) -> Result<(), InstallError> {
        let _turn = self.turn(name).await;
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
        Some(Plugin::new(slot))
    }

    /// Every plugin with its versions and figures, by name.
    pub fn list(&self) -> Vec<PluginView> {
        let slots = self.0.slots.read();
        slots.values().filter_map(|slot| slot.view()).collect()
    }

    /// Installations under way, by name.
    pub fn installing(&self) -> Vec<Installing> {
        let steps = self.0.installing.lock();
        let steps = steps.iter().map(|(name, step)| (name.clone(), *step));
        steps
            .map(|(name, step)| Installing { name, step })
            .collect()
    }

    /// Changes from now on. A subscriber that lags should look at every policy again.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.told.changes.subscribe()
    }

    /// Whether a version with this content is kept, active or not.
    pub fn keeps(&self, name: &Label, hash: &Hash) -> bool {
        let slots = self.0.slots.read();
        slots
            .get(name)
            .is_some_and(|slot| slot.versions().iter().any(|it| it.hash == *hash))
    }

    fn bound(&self, name: &Label) -> Vec<Bound> {
        let bound = self.0.bound.lock().clone();
        bound.map(|bound| bound(name.as_str())).unwrap_or_default()
    }

    fn slot(&self, name: &Label) -> Result<Arc<Slot>, InstallError> {
        let slot = self.0.slots.read().get(name).cloned();
        slot.ok_or_else(|| InstallError::Unknown { name: name.clone() })
    }

    /// The slot of a name, or one that is not on show yet. The caller has the turn.
    async fn slot_or_new(&self, name: &Label) -> Result<Arc<Slot>, InstallError> {
        if let Ok(slot) = self.slot(name) {
            return Ok(slot);
        }
        let Inner {
            runtime,
            limits,
            grants,
            keeper,
            told,
            ..
        } = &*self.0;
        let (runtime, keeper) = (Arc::clone(runtime), Arc::clone(keeper));
        let limits = limits.of(name.as_str()).clone();
        let grants = grants.get(name).cloned().unwrap_or_default();
        let home = tokio::task::spawn_blocking({
            let name = name.clone();
            move || Home::open(runtime, name, limits, grants, keeper)
        });
        let home = home.await.map_err(|error| InstallError::Storage {
            path: PathBuf::from(name.as_str()),
            source: std::io::Error::other(error),
        })?;
        Ok(Arc::new(Slot::new(name.clone(), home, told.clone())))
    }

    async fn turn(&self, name: &Label) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let [first, others @ ..] = &self.0.turns;
        let at = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        at.checked_sub(1)
            .and_then(|at| others.get(at))
            .unwrap_or(first)
            .lock()
            .await
    }

    /// Nobody listening is fine.
    fn tell(&self, change: Change) {
        let _ = self.0.told.changes.send(change);
    }
}

/// Takes versions back that failed their probation, as long as there is a plane.
async fn take_back(plane: Weak<Inner>, mut failures: mpsc::Receiver<Failed>) {
    while let Some(failed) = failures.recv().await {
        let Some(plane) = plane.upgrade() else { return };
        Plugins(plane).take_back(failed).await;
    }
}

pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
