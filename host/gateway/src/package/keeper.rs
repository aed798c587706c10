//! The task that keeps a stream's windows.

use super::view::{Board, Shelf, View};
use super::{Cipher, Package};
use crate::Context;
use hub::{Fragment, ReadError, Start};
use media::cmaf::{Cue, Cues, Header, RenditionName, Window, WindowConfig};
use media::hls::{KeyRotation, Notes, Report};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Windows that nobody watches are dropped after this long, and with them the packager.
const IDLE: Duration = Duration::from_secs(30);

/// How often they look whether anybody still asks.
const TICK: Duration = Duration::from_secs(1);

/// How often an ended window looks whether its viewers saw the end.
const LOOK: Duration = Duration::from_millis(100);

/// Parts taken at a time.
const BATCH: usize = 64;

/// Renditions of one stream over its time; one whose tracks change for ever gets no more.
const MAX_RENDITIONS: usize = 64;

/// A viewer that has not asked for this many target durations is gone.
const SESSION_TARGETS: u32 = 3;

/// Keeps the windows until the stream has ended or nobody asks any more.
pub(super) async fn keep(
    context: &Context,
    package: &Package,
    first_sequence: u64,
    show: watch::Sender<Arc<Board>>,
) {
    let awaited = context.farewells().token();
    let settings = package.settings;
    let mut keeper = Keeper {
        config: settings.window_config(package.stream.segment_target()),
        first_sequence,
        kept: Vec::new(),
        header: None,
        cues: Arc::default(),
        keys: settings.keys(),
        show,
    };
    let mut reader = package.stream.read_fragments(Start::RandomAccess);
    let mut batch = Vec::with_capacity(BATCH);
    let mut tick = tokio::time::interval(TICK);
    let mut watched = Instant::now();
    loop {
        tokio::select! {
            read = reader.recv_many(&mut batch, BATCH) => match read {
                Ok(_) => {
                    keeper.take(&mut batch, context, package);
                    context.packages().used(keeper.next_sequence());
                }
                Err(ReadError::Lagged(_)) => keeper.mark_gap(),
                Err(ReadError::Closed) => break,
            },
            _ = tick.tick() => {
                let now = Instant::now();
                if package.sessions.expire(now, keeper.session_idle()) > 0 {
                    watched = now;
                } else if now.saturating_duration_since(watched) > IDLE {
                    return;
                }
            }
        }
    }
    if keeper.end() {
        let until = tokio::time::Instant::now() + keeper.session_idle();
        let _ = tokio::time::timeout_at(until, all_saw_the_end(package)).await;
        drop(awaited);
        tokio::time::sleep_until(until).await;
    }
}

/// Waits until each viewer fetched the end of some rendition.
async fn all_saw_the_end(package: &Package) {
    let mut look = tokio::time::interval(LOOK);
    while package.sessions.any(|fetched| !fetched.end) {
        look.tick().await;
    }
}

struct Kept {
    name: RenditionName,
    window: Window,
    /// Set if the segments are to be encrypted.
    cipher: Option<Cipher>,
    views: watch::Sender<Arc<View>>,
    touched: bool,
}

struct Keeper {
    config: WindowConfig,
    first_sequence: u64,
    kept: Vec<Kept>,
    header: Option<Arc<Header>>,
    cues: Arc<Cues>,
    keys: Option<KeyRotation>,
    show: watch::Sender<Arc<Board>>,
}

impl Keeper {
    fn take(&mut self, batch: &mut Vec<Fragment>, context: &Context, package: &Package) {
        for part in batch.drain(..) {
            self.push(&part, context, package);
        }
        for index in 0..self.kept.len() {
            self.publish(index);
        }
        self.show_board(false);
    }

    fn push(&mut self, part: &Fragment, context: &Context, package: &Package) {
        let Some(rendition) = part.header.rendition(part.track) else {
            return;
        };
        let name = RenditionName::of(rendition);
        self.header = Some(part.header.clone());
        self.note(&part.cues);
        let index = match self.kept.iter().position(|kept| kept.name == name) {
            Some(index) => index,
            None if self.kept.len() >= MAX_RENDITIONS => return,
            None => match self.begin(name, context, package) {
                Some(index) => index,
                None => return,
            },
        };
        let Some(kept) = self.kept.get_mut(index) else {
            return;
        };
        kept.touched = true;
        if let Some(raised) = kept.window.push(part) {
            tracing::warn!(
                stream = %package.stream.name(), from_s = raised.from_s, to_s = raised.to_s,
                "HLS target duration had to grow; give the encoder a key frame every 2 s"
            );
        }
    }

    /// `None` if it is to be encrypted and cannot be.
    fn begin(
        &mut self,
        name: RenditionName,
        context: &Context,
        package: &Package,
    ) -> Option<usize> {
        let cipher = match self.keys {
            Some(keys) => {
                let (keyring, stream) = (context.packages().keyring(), package.stream.name());
                let cipher = keyring.cipher(stream, Some(name), keys);
                Some(
                    cipher
                        .inspect_err(|error| tracing::error!(%stream, "{error}"))
                        .ok()?,
                )
            }
            None => None,
        };
        let window = Window::new(self.config, self.next_sequence());
        let view = View::new(name, window.clone(), self.notes(name));
        self.kept.push(Kept {
            name,
            window,
            cipher,
            views: watch::Sender::new(Arc::new(view)),
            touched: false,
        });
        Some(self.kept.len() - 1)
    }

    /// Splices stay as long as there is something to seek back to.
    fn note(&mut self, announced: &[Cue]) {
        if announced.is_empty() && self.cues.iter().next().is_none() {
            return;
        }
        let oldest = self
            .kept
            .iter()
            .filter_map(|kept| kept.window.listed().next());
        let oldest = oldest.map(|segment| segment.at).min();
        let cues = Arc::make_mut(&mut self.cues);
        for cue in announced {
            cues.push(cue);
        }
        if let Some(oldest) = oldest {
            cues.forget(oldest);
        }
    }

    /// What the playlist of a rendition says beside its segments.
    fn notes(&self, name: RenditionName) -> Notes {
        let others = self.kept.iter().filter(|other| other.name != name);
        let reports = others.filter_map(|other| {
            let last = other.window.last_part()?;
            Some(Report {
                rendition: other.name,
                last,
            })
        });
        Notes {
            reports: reports.collect(),
            cues: self.cues.clone(),
            keys: self.keys,
        }
    }

    /// The number that no rendition has used.
    fn next_sequence(&self) -> u64 {
        let next = self.kept.iter().map(|kept| kept.window.next_sequence());
        next.max()
            .map_or(self.first_sequence, |next| next.max(self.first_sequence))
    }

    /// Wakes those who wait for this rendition, if it has changed.
    fn publish(&mut self, index: usize) {
        let Some(kept) = self.kept.get_mut(index).filter(|kept| kept.touched) else {
            return;
        };
        kept.touched = false;
        if let Some(cipher) = &kept.cipher {
            kept.window.seal(|sequence, parts| {
                cipher.encrypt(sequence, parts.iter().map(|part| &part.data))
            });
        }
        let (name, window) = (kept.name, kept.window.clone());
        let view = View::new(name, window, self.notes(name));
        if let Some(kept) = self.kept.get(index) {
            kept.views.send_replace(Arc::new(view));
        }
    }

    /// Tells of new renditions, new tracks, and when there is something to begin with.
    fn show_board(&self, ended: bool) {
        let known = self.show.borrow().clone();
        let ready = known.ready || self.is_ready();
        let same_header = match (&known.header, &self.header) {
            (Some(known), Some(header)) => Arc::ptr_eq(known, header),
            (None, None) => true,
            _ => false,
        };
        let same = same_header && known.shelves.len() == self.kept.len();
        if same && known.ready == ready && known.ended == ended {
            return;
        }
        let shelf = |kept: &Kept| Shelf {
            name: kept.name,
            views: kept.views.subscribe(),
        };
        self.show.send_replace(Arc::new(Board {
            header: self.header.clone(),
            shelves: self.kept.iter().map(shelf).collect(),
            ready,
            ended,
        }));
    }

    /// Every track has a whole segment; or one has two, and the others keep silent.
    fn is_ready(&self) -> bool {
        let Some(header) = &self.header else {
            return false;
        };
        let whole = |kept: &Kept| kept.window.listed().filter(|it| it.complete).count();
        let ready = self.kept.iter().filter(|kept| whole(kept) > 0).count();
        ready >= header.renditions.len() || self.kept.iter().any(|kept| whole(kept) > 1)
    }

    fn mark_gap(&mut self) {
        for kept in &mut self.kept {
            kept.window.mark_gap();
        }
    }

    /// The last picture: no part will follow. Whether anybody can have seen one.
    fn end(&mut self) -> bool {
        for index in 0..self.kept.len() {
            if let Some(kept) = self.kept.get_mut(index) {
                kept.window.end();
                kept.touched = true;
            }
            self.publish(index);
        }
        self.show_board(true);
        self.is_ready()
    }

    /// After how long without a request a viewer is gone.
    fn session_idle(&self) -> Duration {
        let targets = self.kept.iter().map(|kept| kept.window.target_s());
        let target_s = targets
            .max()
            .unwrap_or(0)
            .max(self.config.target.as_ms() as u64 / 1000);
        SESSION_TARGETS * Duration::from_secs(target_s.max(1))
    }
}
