//! One name, under which one version is active at a time.

use super::breaker::{Breaker, Pass};
use super::circuit::Turn;
use super::probation::{Judgement, Probation, Watched};
use super::strangers::Peer;
use super::view::{BreakerView, PluginView, VersionView};
use super::{Change, unix_ms};
use crate::call::{CallError, Mode, Outcome};
use crate::component::{Component, Hash};
use crate::config::Config;
use crate::home::Home;
use crate::hosting::Hosting;
use crate::stats::Counters;
use crate::tape::Tape;
use arc_swap::ArcSwapOption;
use model::selection::Library;
use model::{Label, Question};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, mpsc};

/// A version that failed its probation.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) name: Label,
    pub(super) from: Hash,
    /// What was active before.
    pub(super) before: Hash,
    pub(super) why: String,
}

/// Whom a slot tells what its calls brought about.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) changes: broadcast::Sender<Change>,
    pub(super) failed: mpsc::Sender<Failed>,
}

/// One name and what is behind it.
pub(super) struct Slot {
    name: Label,
    home: Home,
    told: Told,
    counters: Counters,
    breaker: Breaker,
    active: ArcSwapOption<Component>,
    active_since_unix_ms: AtomicU64,
    watched: Mutex<Option<Watched>>,
    versions: Mutex<Vec<VersionView>>,
}

impl Slot {
    pub(super) fn new(name: Label, home: Home, told: Told) -> Self {
        Self {
            name,
            home,
            told,
            counters: Counters::default(),
            breaker: Breaker::default(),
            active: ArcSwapOption::empty(),
            active_since_unix_ms: AtomicU64::new(0),
            watched: Mutex::default(),
            versions: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &Label {
        &self.name
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn active(&self) -> Option<Arc<Component>> {
        self.active.load_full()
    }

    pub(super) fn versions(&self) -> Vec<VersionView> {
        self.versions.lock().clone()
    }

    /// One decision by the version that is active now.
    pub(super) async fn decide(
        &self,
        question: &Question,
        config: &Config,
        library: Option<Arc<dyn Library>>,
        mode: Mode,
    ) -> Outcome {
        let began = Instant::now();
        let Some(active) = self.active() else {
            let kind = question.kind().as_str();
            return failed(began, None, CallError::Missing { kind });
        };
        let counts = !matches!(mode, Mode::Replay(_));
        let peer = match question {
            Question::Auth(request) => Some(Peer::from(request.peer_ip)),
            _ => None,
        };
        let admitted = counts.then(|| self.breaker.admit(began, peer));
        let pass = match admitted.transpose() {
            Ok(pass) => pass,
            Err(open) => {
                self.counters.count(began.elapsed(), Some(&open));
                return failed(began, Some(&active), open);
            }
        };
        let home = &self.home;
        let now = question.now_unix_ms();
        let hosting = Hosting::of_call(home, &active.grants, now, library, mode);
        let ran = active
            .decide(home, question, config.as_json(), hosting)
            .await;
        let took = began.elapsed();
        if let Some(pass) = pass {
            self.settle(pass, &active.hash, took, ran.result.as_ref().err());
        }
        Outcome {
            result: ran.result,
            hash: Some(active.hash.clone()),
            version: active.info.version.clone(),
            tape: ran.tape,
            took,
            memory_bytes: ran.memory_bytes,
            fuel: ran.fuel,
        }
    }

    /// What the end of a call means for figures, breaker and probation.
    fn settle(&self, pass: Pass<'_>, hash: &Hash, took: Duration, error: Option<&CallError>) {
        self.counters.count(took, error);
        let failure = error.filter(|error| error.is_failure());
        let refused = matches!(error, Some(CallError::Refused(_)));
        if error.is_some() && failure.is_none() && !refused {
            return; // a call that found no room says nothing of the component
        }
        let reported = pass.report(Instant::now(), took, failure);
        self.tell_of(reported.turn);
        if reported.counts {
            self.watch(hash, failure);
        }
    }

    /// The switch: calls that began before end with the old version, later ones see the new.
    /// Returns what was active. With a rule the new version is watched, and taken back if it fails.
    pub(super) fn activate(
        &self,
        component: Arc<Component>,
        versions: Vec<VersionView>,
        probation: Option<Probation>,
    ) -> Option<Hash> {
        *self.versions.lock() = versions;
        let hash = component.hash.clone();
        let replaced = self.active.swap(Some(component));
        let replaced = replaced.map(|old| old.hash.clone());
        if replaced.as_ref() == Some(&hash) {
            return replaced;
        }
        self.active_since_unix_ms.store(unix_ms(), Relaxed);
        *self.watched.lock() = probation
            .zip(replaced.clone())
            .map(|(rule, before)| Watched::new(rule, hash, before, Instant::now()));
        if self.breaker.reset() {
            self.tell_of(Some(Turn::Closed));
        }
        replaced
    }

    /// Leaves the plugin alone for a while.
    pub(super) fn trip(&self, why: &str) {
        self.tell_of(Some(self.breaker.trip(Instant::now(), why)));
    }

    /// Handles that are still held find nothing here from now on, and what it kept is gone.
    pub(super) fn clear(&self) {
        self.active.store(None);
        self.versions.lock().clear();
        self.watched.lock().take();
        self.home.cupboard.clear();
    }

    pub(super) fn view(&self) -> Option<PluginView> {
        let active = self.active()?;
        let open = self.breaker.open_for(Instant::now());
        Some(PluginView {
            name: self.name.clone(),
            info: active.info.clone(),
            hash: active.hash.clone(),
            active_since_unix_ms: self.active_since_unix_ms.load(Relaxed),
            imports: active.imports.clone(),
            versions: self.versions(),
            stats: self.counters.read(),
            breaker: open.map(|(left, why)| BreakerView {
                until_unix_ms: unix_ms().saturating_add(millis(left)),
                why,
            }),
            on_probation: self.watched.lock().is_some(),
            limits: self.home.limits.clone(),
            granted: self.home.http.grants().clone(),
            kv: self.home.cupboard.used(),
        })
    }

    fn tell_of(&self, turn: Option<Turn>) {
        let name = self.name.clone();
        let change = match turn {
            Some(Turn::Opened { pause, why }) => {
                tracing::warn!(
                    plugin = name.as_str(),
                    ?pause,
                    why,
                    "the plugin fails again and again and is left alone"
                );
                let until_ms = unix_ms().saturating_add(millis(pause));
                Change::BreakerOpened {
                    name,
                    until_ms,
                    why,
                }
            }
            Some(Turn::Closed) => {
                tracing::info!(plugin = name.as_str(), "the plugin is asked again");
                Change::BreakerClosed { name }
            }
            None => return,
        };
        // Nobody listening is fine.
        let _ = self.told.changes.send(change);
    }

    /// Counts a call of a version under watch; the first time that it failed too often it is reported.
    fn watch(&self, hash: &Hash, failure: Option<&CallError>) {
        let mut watched = self.watched.lock();
        let Some(version) = watched.as_mut().filter(|version| version.hash == *hash) else {
            return;
        };
        let why = match version.count(Instant::now(), failure.is_some()) {
            Judgement::Watch => return,
            Judgement::Passed => None,
            Judgement::Failed(why) => Some(why),
        };
        if let (Some(why), Some(last)) = (why, failure) {
            let report = Failed {
                name: self.name.clone(),
                from: version.hash.clone(),
                before: version.before.clone(),
                why: format!("{why}, the last one since {last}"),
            };
            // No room is told again with the next failure.
            if self.told.failed.try_send(report).is_err() {
                return;
            }
        }
        *watched = None;
    }
}

fn failed(began: Instant, active: Option<&Component>, error: CallError) -> Outcome {
    Outcome {
        result: Err(error),
        hash: active.map(|active| active.hash.clone()),
        version: active
            .map(|active| active.info.version.clone())
            .unwrap_or_default(),
        tape: Tape::default(),
        took: began.elapsed(),
        memory_bytes: 0,
        fuel: None,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
