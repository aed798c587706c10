//! From bytes to the active version, step by step, and back.

use super::shelf::Stored;
use super::slot::{Failed, Slot};
use super::{Bound, Change, Inner, Installed, Origin, Plugins, Step, VersionView, unix_ms};
use crate::component::{self, Component, Draft, Hash};
use crate::error::InstallError;
use crate::signature::{SignatureError, TrustedKeys};
use crate::trial::Comparison;
use model::Label;
use std::sync::Arc;

/// A component on its way.
struct Candidate<'a> {
    bytes: &'a Arc<[u8]>,
    origin: &'a Origin,
    /// What it must accept.
    bound: &'a [Bound],
    /// Whether recorded decisions are made again.
    replay: bool,
}

/// A component that passed everything.
struct Prepared {
    component: Arc<Component>,
    /// The comment of its signature.
    signed: Option<String>,
    comparison: Comparison,
}

/// A kept version that passed everything.
struct Older {
    stored: Stored,
    prepared: Prepared,
}

impl Plugins {
    /// Installs a component, or replaces the one of that name.
    ///
    /// It is verified, compiled, checked, tried under every policy in `bound`, makes recorded decisions again,
    /// is stored, and then switched to between two calls. [`Change::Step`] tells each step.
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
        let candidate = Candidate {
            bytes: &bytes,
            origin,
            bound,
            replay: true,
        };
        let _turn = self.turn(name).await;
        let installed = self.install_in_turn(name, candidate).await;
        self.end(name, installed)
    }

    /// Goes back to the version installed before the active one. Doing it again goes further back.
    /// It has to accept the configurations in `bound`; recorded decisions are not made again.
    ///
    /// # Errors
    ///
    /// When there is none, or when it is not accepted any more; the active one goes on.
    pub async fn rollback(&self, name: &Label, bound: &[Bound]) -> Result<Installed, InstallError> {
        let _turn = self.turn(name).await;
        let slot = self.slot(name)?;
        let active = slot.active().map(|active| active.hash.clone());
        let versions = slot.versions();
        let at = versions
            .iter()
            .position(|it| Some(&it.hash) == active.as_ref());
        let Some(older) = at.and_then(|at| versions.get(at.checked_sub(1)?)) else {
            return Err(InstallError::NoOlderVersion { name: name.clone() });
        };
        let installed = match self.prepare_older(&slot, &older.hash, bound).await {
            Ok(older) => self.go_back(slot, older).await,
            Err(error) => Err(error),
        };
        self.end(name, installed)
    }

    /// Takes a version back that failed its probation, unless another is active by now.
    ///
    /// The one before it takes over, else the newest of the others, if it serves every policy that
    /// is bound now. If none does, the failing one stays, and is left alone for a while.
    pub(super) async fn take_back(&self, failed: Failed) {
        let name = &failed.name;
        let _turn = self.turn(name).await;
        let Ok(slot) = self.slot(name) else { return };
        if slot
            .active()
            .is_none_or(|active| active.hash != failed.from)
        {
            return;
        }
        let taken_over = match self.find_successor(&slot, &failed).await {
            Ok(older) => {
                let (from, to) = (failed.from.clone(), older.prepared.component.hash.clone());
                let why = failed.why;
                tracing::error!(plugin = name.as_str(), %from, %to, why, "the new version fails: going back");
                // Told first, so that who sees the switch knows why.
                self.tell(Change::RolledBack {
                    name: name.clone(),
                    from,
                    to,
                    why,
                });
                self.go_back(Arc::clone(&slot), older).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = self.end(name, taken_over) {
            tracing::error!(plugin = name.as_str(), %error, "the failing version stays, and is left alone for a while");
            slot.trip(&error.to_string());
        }
    }

    /// The version to take over from one that failed.
    async fn find_successor(&self, slot: &Slot, failed: &Failed) -> Result<Older, InstallError> {
        let name = &failed.name;
        let bound = self.bound(name);
        let versions = slot.versions();
        let others = versions.iter().rev().map(|version| &version.hash);
        let others = others.filter(|hash| **hash != failed.before && **hash != failed.from);
        let mut tried = Vec::new();
        for hash in std::iter::once(&failed.before).chain(others) {
            match self.prepare_older(slot, hash, &bound).await {
                Ok(older) => return Ok(older),
                Err(error) => tried.push(format!("{hash:.12}: {error}")),
            }
        }
        Err(InstallError::NoSuccessor {
            name: name.clone(),
            tried: tried.join("; "),
        })
    }

    /// Takes up a stored plugin at start. Nothing is bound yet, so nothing is checked against.
    pub(super) async fn take_up(&self, name: &Label) -> Result<(), InstallError> {
        let _turn = self.turn(name).await;
        let manifest = self.0.shelf.open_plugin(name).await?;
        let slot = self.slot_or_new(name).await?;
        let active = self.prepare_older(&slot, &manifest.active, &[]).await;
        let active = self.end(name, active)?.prepared.component;
        self.switch(slot, &active, manifest.versions, false);
        Ok(())
    }

    async fn install_in_turn(
        &self,
        name: &Label,
        candidate: Candidate<'_>,
    ) -> Result<Installed, InstallError> {
        let (bytes, signature) = (
            Arc::clone(candidate.bytes),
            candidate.origin.signature.clone(),
        );
        let slot = self.slot_or_new(name).await?;
        let prepared = self.prepare(&slot, candidate).await?;
        let component = prepared.component;
        let mut versions = slot.versions();
        if slot
            .active()
            .is_none_or(|active| active.hash != component.hash)
        {
            versions.retain(|it| it.hash != component.hash);
            versions.push(VersionView {
                hash: component.hash.clone(),
                version: component.info.version.clone(),
                size: component.size,
                installed_unix_ms: unix_ms(),
                signed: prepared.signed,
            });
        }
        self.step(name, Step::Activating);
        let stored = Stored { bytes, signature };
        self.0
            .shelf
            .put(name, &component.hash, &stored, &mut versions)
            .await?;
        let replaced = self.switch(slot, &component, versions, true);
        Ok(installed(name, &component, replaced, prepared.comparison))
    }

    /// A kept version that could be the active one.
    async fn prepare_older(
        &self,
        slot: &Slot,
        hash: &Hash,
        bound: &[Bound],
    ) -> Result<Older, InstallError> {
        let stored = self.0.shelf.read(slot.name(), hash).await?;
        let origin = Origin {
            sha256: None,
            signature: stored.signature.clone(),
        };
        let candidate = Candidate {
            bytes: &stored.bytes,
            origin: &origin,
            bound,
            replay: false,
        };
        let prepared = self.prepare(slot, candidate).await?;
        Ok(Older { stored, prepared })
    }

    /// Makes it the active one.
    async fn go_back(&self, slot: Arc<Slot>, older: Older) -> Result<Installed, InstallError> {
        let Older { stored, prepared } = older;
        let (name, component) = (slot.name().clone(), prepared.component);
        let mut versions = slot.versions();
        self.step(&name, Step::Activating);
        self.0
            .shelf
            .put(&name, &component.hash, &stored, &mut versions)
            .await?;
        let replaced = self.switch(slot, &component, versions, false);
        Ok(installed(
            &name,
            &component,
            replaced,
            Comparison::default(),
        ))
    }

    /// From bytes to a component that passed everything.
    async fn prepare(
        &self,
        slot: &Slot,
        candidate: Candidate<'_>,
    ) -> Result<Prepared, InstallError> {
        let Inner {
            runtime,
            workshop,
            trusted,
            ..
        } = &*self.0;
        let Candidate {
            bytes,
            origin,
            bound,
            replay,
        } = candidate;
        let (name, home) = (slot.name(), slot.home());
        self.step(name, Step::Verifying);
        component::sniff(bytes, runtime.component_bytes)?;
        let (hash, signed) = verify(trusted, bytes, origin).await?;
        self.step(name, Step::Compiling);
        let code = workshop.compile(runtime, bytes, &hash).await?;
        self.step(name, Step::Inspecting);
        let draft = Draft::inspect(home, &code, bytes, hash)?;
        self.step(name, Step::Trying);
        let component = draft.describe(home).await?;
        self.step(name, Step::Validating);
        component.try_with(home, bound).await?;
        let mut comparison = Comparison::default();
        if replay {
            self.step(name, Step::Replaying);
            comparison = component.replay(home, bound).await?;
        }
        Ok(Prepared {
            component: Arc::new(component),
            signed,
            comparison,
        })
    }

    /// The switch. Returns what was active before.
    fn switch(
        &self,
        slot: Arc<Slot>,
        component: &Arc<Component>,
        versions: Vec<VersionView>,
        on_probation: bool,
    ) -> Option<Hash> {
        let name = slot.name().clone();
        let (hash, version) = (component.hash.clone(), &component.info.version);
        let rule = on_probation.then_some(self.0.probation);
        let replaced = slot.activate(Arc::clone(component), versions, rule);
        self.0.slots.write().insert(name.clone(), slot);
        if replaced.as_ref() != Some(&hash) {
            tracing::info!(plugin = name.as_str(), version, %hash, "plugin active");
            self.tell(Change::Activated { name, hash });
        }
        replaced
    }

    /// An installation comes to its next step.
    fn step(&self, name: &Label, step: Step) {
        let name = name.clone();
        self.0.installing.lock().insert(name.clone(), step);
        self.tell(Change::Step { name, step });
    }

    /// An installation is over, well or not.
    fn end<T>(&self, name: &Label, result: Result<T, InstallError>) -> Result<T, InstallError> {
        self.0.installing.lock().remove(name);
        if let Err(error) = &result {
            self.tell(Change::Refused {
                name: name.clone(),
                code: error.code(),
                error: error.to_string(),
            });
        }
        result
    }
}

/// Hashes and checks a component; a big one takes its time, so not on a thread that media needs. Returns its hash
/// and, if anybody is trusted in particular, the comment of its signature.
async fn verify(
    trusted: &Arc<TrustedKeys>,
    bytes: &Arc<[u8]>,
    origin: &Origin,
) -> Result<(Hash, Option<String>), InstallError> {
    let (trusted, bytes, origin) = (Arc::clone(trusted), Arc::clone(bytes), origin.clone());
    let verified = tokio::task::spawn_blocking(move || {
        let hash = Hash::of(&bytes);
        let announced = origin
            .sha256
            .filter(|it| !it.eq_ignore_ascii_case(hash.as_str()));
        if let Some(wanted) = announced {
            let found = hash.to_string();
            return Err(InstallError::Sha256 { wanted, found });
        }
        if trusted.is_empty() {
            return Ok((hash, None));
        }
        let signature = origin.signature.ok_or(InstallError::Unsigned)?;
        let refused = |error: SignatureError| InstallError::Signature {
            reason: error.to_string(),
        };
        let comment = trusted.verify(&bytes, &signature).map_err(refused)?;
        Ok((hash, Some(comment)))
    });
    verified.await.unwrap_or_else(|error| {
        let reason = error.to_string();
        Err(InstallError::Signature { reason })
    })
}

fn installed(
    name: &Label,
    component: &Component,
    replaced: Option<Hash>,
    comparison: Comparison,
) -> Installed {
    Installed {
        name: name.clone(),
        hash: component.hash.clone(),
        info: component.info.clone(),
        replaced,
        compared: comparison.compared,
        differing: comparison.differing,
        differences: comparison.differences,
    }
}
