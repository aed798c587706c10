//! Who stands where on the composites that are on air: asked of their layout policies whenever there
//! is something new to arrange, beside the frames, which wait for nobody.

use crate::clock::unix_ms;
use crate::decide::Decider;
use model::StreamName;
use model::layout::Scene;
use stage::composite::{Composite, Composites};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How often composites are looked at: a source that comes or goes is arranged for within this.
const LOOK: Duration = Duration::from_millis(100);
/// Quieter than this nobody speaks, dBFS.
const SILENT: f64 = -50.0;

/// What it takes to arrange composites.
pub(crate) struct Arranging {
    pub(crate) composites: Composites,
    pub(crate) decider: Decider,
    /// Changes when policies, or the plugins behind them, are others.
    pub(crate) occasions: watch::Receiver<u64>,
    pub(crate) utc_offset_minutes: fn(unix_s: u64) -> i32,
    /// How often each is arranged anew, because time is an input too.
    pub(crate) tick: Duration,
}

/// A composite, and what it was last asked about.
struct Known {
    composite: Arc<Composite>,
    changes: watch::Receiver<u64>,
    /// Who was heard, the loudest first.
    heard: Vec<String>,
    asked: Option<Instant>,
    /// Calls for one composite never overlap.
    asking: bool,
}

/// Arranges until dropped.
pub(crate) async fn run(mut it: Arranging) {
    let mut known: BTreeMap<StreamName, Known> = BTreeMap::new();
    let mut asking: JoinSet<StreamName> = JoinSet::new();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            occasion = it.occasions.changed() => {
                if occasion.is_err() {
                    return;
                }
                known.values_mut().for_each(|known| known.asked = None);
            }
            Some(asked) = asking.join_next() => {
                let known = asked.ok().and_then(|name| known.get_mut(&name));
                known.into_iter().for_each(|known| known.asking = false);
            }
        }
        it.follow(&mut known);
        let now = Instant::now();
        for known in known.values_mut().filter(|known| !known.asking) {
            let scene = it.scene(&known.composite);
            if known.is_due(&scene, now, it.tick) {
                known.asking = true;
                let (decider, composite) = (it.decider.clone(), known.composite.clone());
                asking.spawn(ask(decider, composite, scene));
            }
        }
    }
}

impl Arranging {
    /// Knows those that run, and no others.
    fn follow(&self, known: &mut BTreeMap<StreamName, Known>) {
        let running = self.composites.list();
        let runs = |known: &Known| running.iter().any(|it| Arc::ptr_eq(it, &known.composite));
        known.retain(|_, known| runs(known));
        for composite in running {
            known
                .entry(composite.name().clone())
                .or_insert_with(|| Known::new(composite));
        }
    }

    fn scene(&self, composite: &Composite) -> Scene {
        let now_ms = unix_ms();
        composite.scene(now_ms, (self.utc_offset_minutes)(now_ms / 1_000))
    }
}

impl Known {
    fn new(composite: Arc<Composite>) -> Self {
        Self {
            changes: composite.changed(),
            composite,
            heard: Vec::new(),
            asked: None,
            asking: false,
        }
    }

    /// Whether there is something new to arrange; from now on it is known.
    fn is_due(&mut self, scene: &Scene, now: Instant, tick: Duration) -> bool {
        let heard = heard(scene);
        let others = std::mem::replace(&mut self.heard, heard) != self.heard;
        // One that is gone changes no more.
        let changed = self.changes.has_changed().unwrap_or(false);
        let due = self
            .asked
            .is_none_or(|asked| now.saturating_duration_since(asked) >= tick);
        if others || changed || due {
            self.changes.mark_unchanged();
            self.asked = Some(now);
        }
        others || changed || due
    }
}

/// Who is heard, the loudest first.
fn heard(scene: &Scene) -> Vec<String> {
    let level = |source: &model::layout::SceneSource| source.audio_level_db.unwrap_or(f64::MIN);
    let mut heard: Vec<_> = scene
        .sources
        .iter()
        .filter(|it| level(it) > SILENT)
        .collect();
    heard.sort_by(|a, b| level(b).total_cmp(&level(a)));
    heard.into_iter().map(|source| source.id.clone()).collect()
}

async fn ask(decider: Decider, composite: Arc<Composite>, scene: Scene) -> StreamName {
    let before = (scene.since_unix_ms > 0).then(|| scene.tiles.clone());
    let arrangement = decider.arrange(scene).await;
    let name = composite.name().clone();
    if before.as_ref() != Some(&arrangement.tiles)
        && let Err(error) = composite.arrange(&arrangement)
    {
        tracing::warn!(stream = %name, code = "composite-not-arranged", %error, "what the layout policy wants cannot be shown; the last arrangement stays");
    }
    name
}
