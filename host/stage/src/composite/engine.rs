//! Makes frames: what is newest of each source, arranged as was last wanted, and their sound.

use super::clock::Rate;
use super::control::{Composite, Seen, Wanted};
use super::draw::{Brush, Look, Over};
use super::intake::Sample;
use super::mixer::{Ducker, Limiter, Strip, gain};
use super::plan::Motion;
use super::slot::Slot;
use super::text::Lettering;
use bytes::Bytes;
use model::composite::{CompositeSpec, Overlay};
use parking_lot::Mutex;
use raster::{Picture, SizeError, Sprite};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Canvases at once: those that wait for the encoder, and one that is drawn.
pub(super) const CANVASES: usize = 6;

/// Images by their overlay's place, as they come.
pub(super) type Images = Arc<Mutex<HashMap<usize, Arc<Sprite>>>>;

/// A frame for the encoder.
pub(super) struct Frame {
    pub(super) picture: Arc<Picture>,
    pub(super) sound: Bytes,
}

/// Time of day, for clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TimeOfDay(pub(super) String);

/// Makes one frame after another. Nothing in it waits.
pub(super) struct Engine {
    composite: Arc<Composite>,
    rate: Rate,
    wanted: Wanted,
    sources: Vec<Shown>,
    looks: HashMap<Arc<str>, Look>,
    motion: Motion,
    brush: Brush,
    images: Images,
    images_drawn: usize,
    canvases: Vec<Arc<Picture>>,
    last: Option<Arc<Picture>>,
    time: TimeOfDay,
    sum: Vec<[f32; 2]>,
    ducker: Ducker,
    limiter: Limiter,
}

/// A source.
struct Shown {
    id: Arc<str>,
    slot: Arc<Slot>,
    gain: f32,
    samples: Vec<Sample>,
    strip: Strip,
    /// Frames since anything new came; none before the first.
    idle: Option<u64>,
    size: (u32, u32),
    has_sound: bool,
}

impl Engine {
    pub(super) fn new(
        composite: Arc<Composite>,
        wanted: Wanted,
        lettering: Lettering,
        images: Images,
    ) -> Self {
        let mut motion = Motion::new();
        motion.head_for(wanted.plan.clone(), 1, wanted.spec.transition.easing);
        Self {
            composite,
            rate: wanted.rate(),
            wanted,
            sources: Vec::new(),
            looks: HashMap::new(),
            motion,
            brush: Brush::new(lettering),
            images,
            images_drawn: 0,
            canvases: Vec::new(),
            last: None,
            time: TimeOfDay::default(),
            sum: Vec::new(),
            ducker: Ducker::default(),
            limiter: Limiter::default(),
        }
    }

    /// What it makes frames of.
    pub(super) fn spec(&self) -> Arc<CompositeSpec> {
        self.wanted.spec.clone()
    }

    /// Draws by what is wanted now, and takes pictures from these sources; those that it took from
    /// before go on as they are.
    pub(super) fn adopt(&mut self, wanted: Wanted, slots: &[(Arc<str>, Arc<Slot>)]) {
        if !Arc::ptr_eq(&wanted.plan, &self.wanted.plan) {
            let easing = wanted.spec.transition.easing;
            let frames = wanted.transition_frames();
            self.motion.head_for(wanted.plan.clone(), frames, easing);
        }
        let mut before = std::mem::take(&mut self.sources);
        for (spec, (id, slot)) in wanted.spec.sources.iter().zip(slots) {
            let same = |it: &Shown| Arc::ptr_eq(&it.slot, slot);
            let kept = before
                .iter()
                .position(same)
                .map(|at| before.swap_remove(at));
            let mut source = kept.unwrap_or_else(|| Shown::new(id.clone(), slot.clone()));
            source.gain = if spec.mute { 0.0 } else { gain(spec.gain_db) };
            let look = self.looks.entry(id.clone()).or_default();
            if source.idle.is_none() {
                look.picture = None;
            }
            look.name = spec.name().into();
            self.sources.push(source);
        }
        self.looks
            .retain(|id, _| slots.iter().any(|(other, _)| other == id));
        self.wanted = wanted;
        // Whatever it was that changed.
        self.last = None;
    }

    /// Frame `n`.
    ///
    /// # Errors
    /// The canvas is none; its spec was not checked.
    pub(super) fn frame(&mut self, n: u64, time: TimeOfDay) -> Result<Frame, SizeError> {
        let begun = Instant::now();
        let count = self.rate.samples(n);
        let mut changed = self.motion.step();
        changed |= self.take(count);
        changed |= self.clock_moved(time);
        let images = self.images.lock().len();
        changed |= std::mem::replace(&mut self.images_drawn, images) != images;
        let sound = self.mix(count);
        self.show();
        let figures = &self.composite.figures;
        let picture = match &self.last {
            Some(last) if !changed => {
                figures.repeated.fetch_add(1, Ordering::Relaxed);
                last.clone()
            }
            _ => self.draw()?,
        };
        self.last = Some(picture.clone());
        let figures = &self.composite.figures;
        let spent = begun.elapsed().as_micros() as u64;
        figures.drawing_us.fetch_add(spent, Ordering::Relaxed);
        Ok(Frame { picture, sound })
    }

    /// Takes what is due of each source; whether anything of it is seen.
    fn take(&mut self, count: usize) -> bool {
        let hold = self
            .rate
            .frames_in(Duration::from_millis(self.wanted.spec.hold_ms.into()));
        let tiles = self.motion.tiles();
        let mut changed = false;
        for source in &mut self.sources {
            let (new, picture, has_sound) = source.slot.take(count, &mut source.samples);
            source.has_sound = has_sound;
            source.idle = match new {
                true => Some(0),
                false => source.idle.map(|idle| idle.saturating_add(1)),
            };
            let Some(look) = self.looks.get_mut(&source.id) else {
                continue;
            };
            let gone = source.idle.is_none_or(|idle| idle > hold);
            let old = match picture {
                Some(picture)
                    if look
                        .picture
                        .as_ref()
                        .is_some_and(|it| Arc::ptr_eq(it, &picture)) =>
                {
                    continue;
                }
                Some(picture) => {
                    source.size = (picture.width(), picture.height());
                    Some(look.picture.replace(picture))
                }
                None if gone && look.picture.is_some() => Some(look.picture.take()),
                None => None,
            };
            if let Some(old) = old {
                changed |= tiles.iter().any(|tile| tile.source == source.id);
                if let Some(old) = old {
                    source.slot.recycle(old);
                }
            }
        }
        changed
    }

    /// Whether a clock that is shown shows another time.
    fn clock_moved(&mut self, time: TimeOfDay) -> bool {
        let is_clock = |it: &Overlay| matches!(it, Overlay::Clock { .. });
        let shown = self.wanted.spec.overlays.iter().any(is_clock);
        std::mem::replace(&mut self.time, time.clone()) != time && shown
    }

    fn mix(&mut self, count: usize) -> Bytes {
        self.sum.clear();
        self.sum.resize(count, [0.0; 2]);
        let ducking = self.wanted.spec.ducking.as_ref();
        let speaker = ducking.and_then(|it| {
            let speaker = self.sources.iter().find(|source| *source.id == *it.by)?;
            let speaks = speaker.has_sound && speaker.strip.level_db() > it.threshold_db;
            Some((it.by.as_str(), speaks, gain(-it.reduce_db)))
        });
        let others = speaker.map_or(1.0, |(_, speaks, reduced)| {
            self.ducker.follow(speaks, reduced, count)
        });
        for source in &mut self.sources {
            let ducked = speaker.is_some_and(|(by, ..)| by != &*source.id);
            let gain = source.gain * if ducked { others } else { 1.0 };
            source.strip.add(&source.samples, gain, &mut self.sum);
        }
        let mut sound = Vec::with_capacity(count * 4);
        self.limiter.limit(&self.sum, &mut sound);
        sound.into()
    }

    fn show(&self) {
        let hold = self
            .rate
            .frames_in(Duration::from_millis(self.wanted.spec.hold_ms.into()));
        let seen = self.sources.iter().map(|source| {
            let connected = source.idle.is_some_and(|idle| idle <= hold);
            let seen = Seen {
                connected,
                width: source.size.0,
                height: source.size.1,
                level_db: (connected && source.has_sound).then(|| source.strip.level_db()),
            };
            (source.id.clone(), seen)
        });
        self.composite.show(seen);
    }

    fn draw(&mut self) -> Result<Arc<Picture>, SizeError> {
        // It may be the only free one.
        self.last = None;
        let mut canvas = self.free_canvas()?;
        let Some(picture) = Arc::get_mut(&mut canvas) else {
            return Ok(canvas);
        };
        let images = self.images.lock().clone();
        let over = Over {
            spec: &self.wanted.spec,
            time: &self.time.0,
            images: &images,
        };
        let looks = &self.looks;
        self.brush
            .draw(picture, &self.motion.tiles(), |id| looks.get(id), &over);
        if self.canvases.len() < CANVASES {
            self.canvases.push(canvas.clone());
        }
        Ok(canvas)
    }

    /// One that nobody looks at any more.
    fn free_canvas(&mut self) -> Result<Arc<Picture>, SizeError> {
        let free = self
            .canvases
            .iter_mut()
            .position(|it| Arc::get_mut(it).is_some());
        match free {
            Some(at) => Ok(self.canvases.swap_remove(at)),
            None => Picture::new(self.wanted.spec.width, self.wanted.spec.height).map(Arc::new),
        }
    }
}

impl Shown {
    fn new(id: Arc<str>, slot: Arc<Slot>) -> Self {
        Self {
            id,
            slot,
            gain: 1.0,
            samples: Vec::new(),
            strip: Strip::default(),
            idle: None,
            size: (0, 0),
            has_sound: false,
        }
    }
}
