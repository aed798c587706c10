//! Media in: a composite as a source of its stream.

use super::Settings;
use super::clock::Rate;
use super::control::{Composite, Composites, Entry, Wanted};
use super::encoder::{self, Inlet, Offered, Outlet};
use super::engine::{Engine, Images, TimeOfDay};
use super::feed::Feed;
use super::image;
use super::slot::Slot;
use super::text::{self, Lettering};
use hub::Stream;
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::composite::{CompositeError, CompositeSpec, Media, Overlay};
use model::{Label, Protocol};
use raster::SizeError;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Further behind, for example after the machine slept, what was missed is left out.
const LATE: Duration = Duration::from_secs(1);
/// How long an overlay's image that could not be read is left alone.
const IMAGE_PAUSE: Duration = Duration::from_secs(5);

/// Feeds a source of the stream with the composite, until stopped. It is found by the stream's
/// name in `composites` meanwhile.
///
/// # Errors
/// What is wrong with the composite.
pub fn start(
    composites: &Composites,
    wiring: Wiring,
    spec: CompositeSpec,
) -> Result<LinkHandle, CompositeError> {
    spec.check()?;
    let composite = Composite::new(wiring.stream.name().clone(), spec);
    let dial = Ingest {
        links: wiring.context.clone(),
        stream: wiring.stream.clone(),
        label: wiring.label.clone(),
        settings: composites.settings(),
        entry: composites.enter(composite),
    };
    Ok(link::spawn(wiring, dial))
}

struct Ingest {
    links: link::Context,
    stream: Arc<Stream>,
    label: Label,
    settings: Settings,
    entry: Entry,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let counters = self.links.counters().of(Protocol::Composite);
        counters.connections.add(1);
        let font = self.font().await;
        let mut cast = Cast::new(&self.links, &self.entry.composite);
        loop {
            let Some(wanted) = self.entry.composite.wanted(None) else {
                return Ok(());
            };
            let (inlet, spec) = (Inlet::default(), wanted.spec.clone());
            let outlet = Outlet {
                links: &self.links,
                composite: &self.entry.composite,
                stream: &self.stream,
                label: &self.label,
                session,
            };
            let lettering = Lettering::new(font.clone());
            // Whichever ends first, the rest ends with it.
            tokio::select! {
                ended = encoder::run(&spec, &inlet, &outlet) => return ended,
                another = self.frames(wanted, lettering, &mut cast, &inlet) => another.map_err(impossible)?,
                () = session.cancelled().cancelled() => return Ok(()),
            }
        }
    }
}

fn impossible(error: SizeError) -> LinkError {
    LinkError::Misconfigured {
        what: error.to_string(),
        remedy: "give the composite another canvas",
    }
}

impl Ingest {
    /// Without one there is no text, which is no reason to show nothing.
    async fn font(&self) -> Option<ab_glyph::FontArc> {
        let path = self.settings.font.clone();
        let shown = path.display().to_string();
        let loading = tokio::task::spawn_blocking(move || text::load(&path)).await;
        match loading.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(font) => Some(font),
            Err(error) => {
                let stream = self.stream.name();
                tracing::warn!(%stream, "no text on composites: font {shown}: {error}; install fonts-dejavu-core");
                None
            }
        }
    }

    /// Makes frames as they come due, until the canvas is another.
    async fn frames(
        &self,
        wanted: Wanted,
        lettering: Lettering,
        cast: &mut Cast,
        inlet: &Inlet,
    ) -> Result<(), SizeError> {
        let composite = &self.entry.composite;
        let (rate, mut serial) = (wanted.rate(), wanted.serial);
        let slots = cast.follow(&wanted.spec);
        let mut engine = Engine::new(
            composite.clone(),
            wanted.clone(),
            lettering,
            cast.images.clone(),
        );
        engine.adopt(wanted, &slots);
        let (mut begun, mut n) = (Instant::now(), 0);
        loop {
            let due = begun + rate.due(n);
            tokio::time::sleep_until(due).await;
            begun += self.overdue(due, rate);
            if let Some(wanted) = composite.wanted(Some(serial)) {
                let spec = engine.spec();
                if !wanted.same_canvas(&spec) {
                    return Ok(());
                }
                serial = wanted.serial;
                let slots = match Arc::ptr_eq(&spec, &wanted.spec) {
                    true => cast.slots(),
                    false => cast.follow(&wanted.spec),
                };
                engine.adopt(wanted, &slots);
            }
            let time = self.time_of_day();
            // Drawing takes a while, and others want to run.
            let made = tokio::task::spawn_blocking(move || {
                let frame = engine.frame(n, time);
                (engine, frame)
            });
            let Ok((made_by, frame)) = made.await else {
                // The host shuts down.
                return std::future::pending().await;
            };
            engine = made_by;
            match inlet.offer(frame?) {
                Offered::Taken => composite.figures.frames.fetch_add(1, Ordering::Relaxed),
                left_out => {
                    if left_out == Offered::Full {
                        self.complain();
                    }
                    composite.figures.skipped.fetch_add(1, Ordering::Relaxed)
                }
            };
            n += 1;
        }
    }

    /// Says, not too often, that the encoder does not keep up.
    fn complain(&self) {
        let kind = "composite-too-slow";
        let admitted = self
            .links
            .complaints()
            .admit(kind, Instant::now().into_std());
        if let Some(held_back) = admitted {
            tracing::warn!(
                stream = %self.stream.name(), code = kind, held_back,
                "frames of a composite are left out: this machine does not encode it in real time; \
                 choose a faster preset, a smaller canvas or fewer frames a second"
            );
        }
    }

    /// What is left out because nobody was there to draw it.
    fn overdue(&self, due: Instant, rate: Rate) -> Duration {
        let late = due.elapsed();
        if late < LATE {
            return Duration::ZERO;
        }
        let frames = rate.frames_in(late);
        self.entry
            .composite
            .figures
            .late
            .fetch_add(frames, Ordering::Relaxed);
        rate.due(frames)
    }

    fn time_of_day(&self) -> TimeOfDay {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let offset_s = i64::from(self.links.utc_offset_minutes(unix)) * 60;
        let local = unix.saturating_add_signed(offset_s) % 86_400;
        let (hours, minutes, seconds) = (local / 3_600, local / 60 % 60, local % 60);
        TimeOfDay(format!("{hours:02}:{minutes:02}:{seconds:02}"))
    }
}

/// The sources of a composite, each with its decoder, and its images.
struct Cast {
    links: link::Context,
    composite: Arc<Composite>,
    sources: Vec<Member>,
    images: Images,
    loading: HashMap<usize, (Overlay, AbortOnDropHandle<()>)>,
}

struct Member {
    id: Arc<str>,
    media: Media,
    /// What its pictures are made for.
    canvas: (u32, u32, u32),
    slot: Arc<Slot>,
    _feed: AbortOnDropHandle<()>,
}

impl Cast {
    fn new(links: &link::Context, composite: &Arc<Composite>) -> Self {
        Self {
            links: links.clone(),
            composite: composite.clone(),
            sources: Vec::new(),
            images: Images::default(),
            loading: HashMap::new(),
        }
    }

    /// Begins sources that are new and ends those that are gone; others go on as they are.
    fn follow(&mut self, spec: &Arc<CompositeSpec>) -> Vec<(Arc<str>, Arc<Slot>)> {
        let canvas = (spec.width, spec.height, spec.fps_milli);
        let mut before = std::mem::take(&mut self.sources);
        for source in &spec.sources {
            let same = |it: &Member| {
                *it.id == *source.id && it.media == source.from && it.canvas == canvas
            };
            let member = match before.iter().position(same) {
                Some(at) => before.swap_remove(at),
                None => self.begin(source.id.as_str().into(), source.from.clone(), spec),
            };
            self.sources.push(member);
        }
        self.follow_images(spec);
        self.slots()
    }

    fn slots(&self) -> Vec<(Arc<str>, Arc<Slot>)> {
        let slots = self
            .sources
            .iter()
            .map(|it| (it.id.clone(), it.slot.clone()));
        slots.collect()
    }

    fn begin(&self, id: Arc<str>, media: Media, spec: &Arc<CompositeSpec>) -> Member {
        let slot = Arc::<Slot>::default();
        let feed = Feed {
            links: self.links.clone(),
            composite: self.composite.name().clone(),
            id: id.clone(),
            media: media.clone(),
            spec: spec.clone(),
            slot: slot.clone(),
        };
        let task = self.links.tasks().spawn(feed.run());
        Member {
            id,
            media,
            canvas: (spec.width, spec.height, spec.fps_milli),
            slot,
            _feed: AbortOnDropHandle::new(task),
        }
    }

    fn follow_images(&mut self, spec: &CompositeSpec) {
        let wanted =
            |n: &usize, was: &Overlay| spec.overlays.get(*n).is_some_and(|it| is_same(it, was));
        self.loading.retain(|n, (was, _)| wanted(n, was));
        self.images
            .lock()
            .retain(|n, _| self.loading.contains_key(n));
        for (n, overlay) in spec.overlays.iter().enumerate() {
            let Overlay::Image { file, width, .. } = overlay else {
                continue;
            };
            if self.loading.contains_key(&n) {
                continue;
            }
            let (links, images) = (self.links.clone(), self.images.clone());
            let (composite, file, width) = (self.composite.clone(), file.clone(), *width);
            let task = self.links.tasks().spawn(async move {
                loop {
                    match image::load(&links, composite.name(), &file, width).await {
                        Ok(sprite) => {
                            images.lock().insert(n, Arc::new(sprite));
                            return;
                        }
                        Err(error) => {
                            let (stream, code) = (composite.name(), error.code());
                            tracing::warn!(%stream, code, "image of a composite: {error}");
                        }
                    }
                    tokio::time::sleep(IMAGE_PAUSE).await;
                }
            });
            self.loading
                .insert(n, (overlay.clone(), AbortOnDropHandle::new(task)));
        }
    }
}

/// Whether the same image is shown in the same size.
fn is_same(a: &Overlay, b: &Overlay) -> bool {
    let what = |it: &Overlay| match it {
        Overlay::Image { file, width, .. } => Some((file.clone(), *width)),
        _ => None,
    };
    what(a).is_some() && what(a) == what(b)
}
