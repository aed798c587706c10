//! The composites of a host, as those who decide about them see them.

use super::Settings;
use super::clock::Rate;
use super::plan::{MAX_TILES, Plan, plan};
use model::StreamName;
use model::composite::{CompositeError, CompositeSpec};
use model::layout::{Arrangement, Scene, SceneSource, Tile};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Why an arrangement is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrangeError {
    /// More tiles than a canvas takes.
    #[error("{count} tiles are more than {MAX_TILES}; give fewer")]
    TooMany {
        /// Given.
        count: usize,
    },
    /// A tile makes no sense.
    #[error("tile {n} {what}")]
    Tile {
        /// Its place, from 0.
        n: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// An arrangement that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arranged {
    /// Tiles that are drawn.
    pub shown: usize,
    /// Ids of sources that are not there; their tiles are ignored until they are. Each once.
    pub unknown: Vec<String>,
}

/// The composites of a host, by the streams they make. Cloning is a reference count.
#[derive(Clone, Default)]
pub struct Composites(Arc<Inner>);

#[derive(Default)]
struct Inner {
    settings: RwLock<Settings>,
    running: Mutex<BTreeMap<StreamName, Arc<Composite>>>,
}

impl Composites {
    /// Says how composites are made from now on.
    pub fn configure(&self, settings: Settings) {
        *self.0.settings.write() = settings;
    }

    /// How composites are made.
    pub fn settings(&self) -> Settings {
        self.0.settings.read().clone()
    }

    /// The composite that makes that stream, while it is kept up.
    pub fn get(&self, stream: &str) -> Option<Arc<Composite>> {
        self.0.running.lock().get(stream).cloned()
    }

    /// All of them, in the order of their names.
    pub fn list(&self) -> Vec<Arc<Composite>> {
        self.0.running.lock().values().cloned().collect()
    }

    pub(super) fn enter(&self, composite: Arc<Composite>) -> Entry {
        let name = composite.name.clone();
        self.0.running.lock().insert(name, composite.clone());
        Entry {
            composites: self.clone(),
            composite,
        }
    }
}

/// A place among the composites; left when dropped.
pub(super) struct Entry {
    composites: Composites,
    pub(super) composite: Arc<Composite>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.composites.0.running.lock();
        let name = &self.composite.name;
        if running
            .get(name)
            .is_some_and(|it| Arc::ptr_eq(it, &self.composite))
        {
            running.remove(name);
        }
        drop(running);
        self.composite.changes.send_replace(u64::MAX);
    }
}

/// One composite: what is wanted of it, and what is seen of it.
pub struct Composite {
    name: StreamName,
    wanted: Mutex<Wanted>,
    seen: Mutex<BTreeMap<Arc<str>, Seen>>,
    changes: watch::Sender<u64>,
    pub(super) figures: Figures,
}

/// What the next frame is drawn by.
#[derive(Clone)]
pub(super) struct Wanted {
    /// Grows with each change of any of it.
    pub(super) serial: u64,
    pub(super) spec: Arc<CompositeSpec>,
    pub(super) plan: Plan,
    tiles: Arc<[Tile]>,
    since_unix_ms: u64,
}

/// A source as it was at the last frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) connected: bool,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) level_db: Option<f64>,
}

/// Counted since it began; only ever grow.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) frames: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) arrangements: AtomicU64,
    pub(super) encoders: AtomicU64,
    pub(super) drawing_us: AtomicU64,
}

/// What a composite has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompositeFigures {
    /// Frames handed to the encoder.
    pub frames: u64,
    /// Of those, frames in which nothing had changed, so that the one before was sent again.
    pub repeated: u64,
    /// Frames that the encoder had no room for: this machine does not carry it.
    pub skipped: u64,
    /// Frames left out because the host itself came too late.
    pub late: u64,
    /// Arrangements that came into force.
    pub arrangements: u64,
    /// Encoders started; more than one is one that failed.
    pub encoders: u64,
    /// Time spent on drawing and mixing, microseconds.
    pub drawing_us: u64,
}

impl Composite {
    pub(super) fn new(name: StreamName, spec: CompositeSpec) -> Arc<Self> {
        Arc::new(Self {
            name,
            wanted: Mutex::new(Wanted {
                serial: 0,
                spec: Arc::new(spec),
                plan: Arc::default(),
                tiles: Arc::default(),
                since_unix_ms: 0,
            }),
            seen: Mutex::default(),
            changes: watch::Sender::new(0),
            figures: Figures::default(),
        })
    }

    /// The stream that it makes.
    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// What it is made of.
    pub fn spec(&self) -> Arc<CompositeSpec> {
        self.wanted.lock().spec.clone()
    }

    /// Makes it of something else, from one frame on. Sources that stay go on; another canvas or
    /// another encoding begins a new encoder, and readers stay connected.
    ///
    /// # Errors
    /// What is wrong with it; all stays as it was then.
    pub fn update(&self, spec: CompositeSpec) -> Result<(), CompositeError> {
        spec.check()?;
        let mut wanted = self.wanted.lock();
        wanted.serial += 1;
        wanted.spec = Arc::new(spec);
        drop(wanted);
        self.note_change();
        Ok(())
    }

    /// Arranges its tiles anew, from one frame on: no frame is of both. Tiles that cannot be seen
    /// and those of unknown sources are ignored.
    ///
    /// # Errors
    /// No canvas can show it; all stays as it was then.
    pub fn arrange(&self, arrangement: &Arrangement) -> Result<Arranged, ArrangeError> {
        let plan = plan(arrangement)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut wanted = self.wanted.lock();
        let known = |id: &str| wanted.spec.sources.iter().any(|source| source.id == id);
        let mut unknown: Vec<String> = Vec::new();
        for tile in &arrangement.tiles {
            if !known(&tile.source) && !unknown.contains(&tile.source) {
                unknown.push(tile.source.clone());
            }
        }
        let shown = plan.iter().filter(|tile| known(&tile.source)).count();
        wanted.serial += 1;
        wanted.plan = plan;
        wanted.tiles = arrangement.tiles.as_slice().into();
        wanted.since_unix_ms = now.as_millis() as u64;
        self.figures.arrangements.fetch_add(1, Ordering::Relaxed);
        Ok(Arranged { shown, unknown })
    }

    /// Everything there is to arrange, as a layout policy is asked.
    pub fn scene(&self, now_unix_ms: u64, utc_offset_minutes: i32) -> Scene {
        let wanted = self.wanted.lock().clone();
        let seen = self.seen.lock();
        let sources = wanted.spec.sources.iter().map(|source| {
            let seen = seen.get(source.id.as_str()).copied().unwrap_or_default();
            SceneSource {
                id: source.id.clone(),
                title: source.title.clone(),
                connected: seen.connected,
                width: seen.width,
                height: seen.height,
                audio_level_db: seen.level_db,
                labels: source.labels.clone(),
                ..SceneSource::default()
            }
        });
        Scene {
            name: self.name.to_string(),
            now_unix_ms,
            utc_offset_minutes,
            canvas: wanted.spec.canvas(),
            sources: sources.collect(),
            tiles: wanted.tiles.to_vec(),
            since_unix_ms: wanted.since_unix_ms,
            ..Scene::default()
        }
    }

    /// Changes whenever a source comes, goes or becomes another size, and when the list of them is
    /// another. Levels change all the time: look at [`Composite::scene`].
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What it has done.
    pub fn figures(&self) -> CompositeFigures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let it = &self.figures;
        CompositeFigures {
            frames: of(&it.frames),
            repeated: of(&it.repeated),
            skipped: of(&it.skipped),
            late: of(&it.late),
            arrangements: of(&it.arrangements),
            encoders: of(&it.encoders),
            drawing_us: of(&it.drawing_us),
        }
    }

    /// What the next frame is drawn by, if that is not what `serial` was.
    pub(super) fn wanted(&self, serial: Option<u64>) -> Option<Wanted> {
        let wanted = self.wanted.lock();
        (serial != Some(wanted.serial)).then(|| wanted.clone())
    }

    /// Says how its sources were at the last frame.
    pub(super) fn show(&self, sources: impl Iterator<Item = (Arc<str>, Seen)>) {
        let mut seen = self.seen.lock();
        let (mut news, mut count) = (false, 0);
        for (id, now) in sources {
            count += 1;
            let before = seen.insert(id, now).unwrap_or_default();
            news |= (before.connected, before.width, before.height)
                != (now.connected, now.width, now.height);
        }
        // Some that are gone are still listed.
        if count != seen.len() {
            let spec = self.spec();
            seen.retain(|id, _| spec.sources.iter().any(|source| source.id == **id));
        }
        drop(seen);
        if news {
            self.note_change();
        }
    }

    fn note_change(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }
}

impl Wanted {
    pub(super) fn rate(&self) -> Rate {
        Rate::of_milli(self.spec.fps_milli)
    }

    /// Frames until another arrangement is there.
    pub(super) fn transition_frames(&self) -> u64 {
        let ms = self.spec.transition.ms;
        self.rate().frames_in(Duration::from_millis(ms.into()))
    }

    /// Whether the same canvas is encoded in the same way.
    pub(super) fn same_canvas(&self, other: &CompositeSpec) -> bool {
        let canvas =
            |spec: &CompositeSpec| (spec.width, spec.height, spec.fps_milli, spec.encoding);
        canvas(&self.spec) == canvas(other)
    }
}
