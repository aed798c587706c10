//! What is seen of the running system: one picture of it, shared by all who look at the same time.
//!
//! Looking costs the actor a turn, and each stream its locks. So whoever looks gets the picture
//! that somebody else had taken, as long as it is the same: nothing was announced, decided or
//! changed since, and its figures are at most [`STILL`] old. Whoever was told of an event, or
//! changed something, never sees an older state than that.

use crate::scope;
use crate::view::StreamView;
use arc_swap::{ArcSwap, ArcSwapOption};
use hub::Registry;
use model::{Site, StreamName, Who};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Figures may be this old.
pub const STILL: Duration = Duration::from_millis(100);

/// The system at one moment.
#[derive(Debug)]
pub struct Scene {
    /// The document in force, allotted ports filled in.
    pub site: Arc<Site>,
    streams: Vec<StreamView>,
    taken: Moment,
    /// Nothing is left out, so that it is the same for all who see the whole host.
    whole: bool,
}

/// When a picture is begun, and what has happened by then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: Instant,
    announced: u64,
    turns: u64,
}

impl Scene {
    /// Every stream, by name.
    pub fn streams(&self) -> &[StreamView] {
        &self.streams
    }

    /// Whether nothing of the system is left out, and others get the same one.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// One stream.
    pub fn stream(&self, name: &StreamName) -> Option<&StreamView> {
        let at = self.streams.binary_search_by(|it| it.name.cmp(name)).ok()?;
        self.streams.get(at)
    }
}

impl Scene {
    /// What of it somebody sees.
    pub(crate) fn seen_by(&self, who: &Who) -> Arc<Self> {
        let seen = self.streams.iter().filter(|stream| who.sees(&stream.name));
        Arc::new(Self {
            site: scope::shown(who, self.site.clone()),
            streams: seen.cloned().collect(),
            taken: self.taken,
            whole: false,
        })
    }
}

/// The newest picture, and whether it still holds; the actor and all handles share it.
pub(crate) struct Gallery {
    registry: Registry,
    site: ArcSwap<Site>,
    /// What the actor did that changes what is seen.
    turns: AtomicU64,
    newest: ArcSwapOption<Scene>,
    /// Held while one is taken: who waits for it may get the same.
    pub(crate) taking: tokio::sync::Mutex<()>,
}

impl Gallery {
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            registry,
            site: ArcSwap::default(),
            turns: AtomicU64::new(0),
            newest: ArcSwapOption::empty(),
            taking: tokio::sync::Mutex::default(),
        }
    }

    /// The document in force.
    pub(crate) fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// Another document is in force.
    pub(crate) fn publish(&self, site: &Site) {
        self.site.store(Arc::new(site.clone()));
    }

    /// The actor did something that can be seen.
    pub(crate) fn turn(&self) {
        self.turns.fetch_add(1, Ordering::AcqRel);
    }

    /// To be asked before a picture is taken: what happens meanwhile is then known to be missing.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            at: Instant::now(),
            announced: self.registry.announced(),
            turns: self.turns.load(Ordering::Acquire),
        }
    }

    /// Hangs up a picture.
    pub(crate) fn hang(&self, streams: Vec<StreamView>, taken: Moment) -> Arc<Scene> {
        let scene = Arc::new(Scene {
            site: self.site(),
            streams,
            taken,
            whole: true,
        });
        self.newest.store(Some(scene.clone()));
        scene
    }

    /// The newest picture, if it holds; or if it was taken after `asked`, when somebody began to
    /// wait for it.
    pub(crate) fn newest(&self, asked: Option<Instant>) -> Option<Arc<Scene>> {
        let scene = self.newest.load_full()?;
        let (then, now) = (scene.taken, self.moment());
        let nothing_since = (then.announced, then.turns) == (now.announced, now.turns);
        let holds = nothing_since && now.at.duration_since(then.at) < STILL;
        let awaited = asked.is_some_and(|asked| then.at >= asked);
        (holds || awaited).then_some(scene)
    }
}
