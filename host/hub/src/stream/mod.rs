//! A stream: candidate sources, one of them on air; lanes; viewers.

mod audience;
mod settings;
mod snapshot;
mod sources;

pub use settings::Settings;
pub use snapshot::StreamSnapshot;
pub(crate) use sources::Publishing;

use crate::air::Air;
use crate::candidate::Candidate;
use crate::derived::Lanes;
use crate::forms::Form;
use crate::lane::Bounds;
use crate::merge::Merge;
use crate::meter::Meter;
use crate::news::News;
use crate::viewer::Viewers;
use media::Ticks90k;
use media::profile::Profile;
use media::still;
use media::ts::mux::Muxer;
use model::{Event, Label, Protocol, StreamName};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Segments are few and large: a reader takes each as it comes.
const SEGMENT_BOUNDS: Bounds = Bounds {
    bytes: 64 << 20,
    age: Duration::from_secs(1),
};

/// One stream. Held by its sources and readers through [`Arc`]; found in the registry.
pub struct Stream {
    name: StreamName,
    settings: Settings,
    started: Instant,
    lanes: Lanes,
    air: Mutex<Air>,
    output: Meter,
    sources: Mutex<BTreeMap<Label, Arc<Candidate>>>,
    merge: RwLock<Option<Arc<Merge>>>,
    publishing: RwLock<Publishing>,
    serving: RwLock<Option<Vec<Protocol>>>,
    /// From the terms of whoever publishes it.
    max_viewers: RwLock<Option<u32>>,
    /// Of what was last on air, slates aside.
    profile: watch::Sender<Option<Profile>>,
    /// When a source's pictures are called frozen or black.
    picture_limits: RwLock<still::Limits>,
    viewers: Viewers,
    news: News,
    ended: CancellationToken,
    converters: TaskTracker,
}

impl Stream {
    pub(crate) fn new(
        name: StreamName,
        settings: Settings,
        publishing: Publishing,
        news: News,
    ) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            name,
            settings,
            started: now,
            lanes: Lanes::new(settings.lane, SEGMENT_BOUNDS),
            air: Mutex::new(Air::default()),
            output: Meter::new(now),
            sources: Mutex::default(),
            merge: RwLock::default(),
            publishing: RwLock::new(publishing),
            serving: RwLock::new(None),
            max_viewers: RwLock::new(None),
            profile: watch::Sender::new(None),
            picture_limits: RwLock::default(),
            viewers: Viewers::default(),
            news,
            ended: CancellationToken::new(),
            converters: TaskTracker::new(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// Its native form, once media has come.
    pub fn form(&self) -> Option<Form> {
        self.air.lock().form()
    }

    /// Resolves when the stream has ended.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// How what was last on air is coded, slates aside; none before the first.
    pub fn profile(&self) -> watch::Receiver<Option<Profile>> {
        self.profile.subscribe()
    }

    pub(crate) fn show_profile(&self, profile: Profile) {
        if profile.is_empty() {
            return;
        }
        self.profile
            .send_if_modified(|known| known.replace(profile) != Some(profile));
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How long its segments are meant to be.
    pub const fn segment_target(&self) -> Ticks90k {
        self.settings.segments.target
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) fn air(&self) -> &Mutex<Air> {
        &self.air
    }

    pub(crate) fn output(&self) -> &Meter {
        &self.output
    }

    pub(crate) fn viewers(&self) -> &Viewers {
        &self.viewers
    }

    /// A muxer that names this stream in its service description.
    pub(crate) fn muxer(&self) -> Muxer {
        Muxer::new("Pointsman", self.name.as_str())
    }

    pub(crate) fn announce(&self, event: Event) {
        self.news.announce(event);
    }

    pub(crate) fn announce_source(&self, source: &Label) {
        self.announce(Event::SourceChanged {
            stream: self.name.clone(),
            source: source.clone(),
        });
    }

    /// Ends the stream: readers drain what is held and stop.
    pub(crate) fn end(&self) {
        self.ended.cancel();
        self.lanes.close();
        self.converters.close();
        self.announce(Event::StreamEnded {
            stream: self.name.clone(),
        });
    }

    /// Runs a task of this stream until it ends or the stream does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ended = self.ended.clone();
        self.converters.spawn(async move {
            tokio::select! {
                () = task => {}
                () = ended.cancelled() => {}
            }
        });
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stream").field(&self.name).finish()
    }
}
