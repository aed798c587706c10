//! A stream: candidate sources, one of them on air; lanes; viewers.

use crate::air::Air;
use crate::candidate::{Candidate, SourceSnapshot};
use crate::derived::Lanes;
use crate::doorman::Pass;
use crate::forms::Form;
use crate::lane::Bounds;
use crate::merge::Merge;
use crate::meter::Meter;
use crate::news::News;
use crate::source::Source;
use crate::viewer::{Viewer, ViewerSnapshot, Viewers};
use media::Ticks90k;
use media::hls::Cutting;
use media::profile::Profile;
use media::still;
use media::ts::merge::Figures;
use media::ts::mux::Muxer;
use model::{Event, Label, Protocol, Refusal, StreamName};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What every stream of a host is made with.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What the lanes of packets, frames and messages hold.
    pub lane: Bounds,
    /// How segments are cut.
    pub segments: Cutting,
    /// How long the parts of CMAF segments are, 100 ms to 1 s.
    pub part: Ticks90k,
    /// How long readers of a stream without a source are held.
    pub reconnect_grace: Duration,
    /// Streams at once.
    pub max_streams: usize,
    /// Viewers of one stream at once.
    pub max_viewers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lane: Bounds::default(),
            segments: Cutting::every(Ticks90k(2 * 90_000)),
            part: Ticks90k::from_ms(200),
            reconnect_grace: Duration::from_secs(10),
            max_streams: 2_000,
            max_viewers: 10_000,
        }
    }
}

/// Segments are few and large: a reader takes each as it comes.
const SEGMENT_BOUNDS: Bounds = Bounds {
    bytes: 64 << 20,
    age: Duration::from_secs(1),
};

/// Who may feed a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Publishing {
    /// Made by its publisher, ends with it.
    Unannounced,
    /// A declared input; publishers fill this source, if there is one.
    Declared(Option<Label>),
}

/// The name of an unannounced publisher's source.
const PUBLISHER: &str = "publish";

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

/// A stream at one moment.
#[derive(Debug, Clone)]
pub struct StreamSnapshot {
    /// Its name.
    pub name: StreamName,
    /// Declared as an input, or made by its publisher.
    pub declared: bool,
    /// Since it came into being.
    pub uptime_ms: u64,
    /// Native form, once media has come.
    pub form: Option<Form>,
    /// The source on air.
    pub on_air: Option<Label>,
    /// Protocols it is served over; `None`: all.
    pub serving: Option<Vec<Protocol>>,
    /// Bits per second on air.
    pub bitrate_bps: u64,
    /// Bytes on air so far.
    pub bytes: u64,
    /// Marked discontinuities so far.
    pub discontinuities: u32,
    /// Bytes its lanes hold.
    pub held_bytes: usize,
    /// Candidates, in the order of their labels.
    pub sources: Vec<SourceSnapshot>,
    /// What was done to make one stream of sources that are merged.
    pub merged: Option<Figures>,
    /// Who watches.
    pub viewers: Vec<ViewerSnapshot>,
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

    /// Names a candidate source that may connect later; shown with its health until
    /// [`Stream::remove_source`].
    pub fn declare_source(&self, id: &Label, protocol: Protocol) {
        let candidate = || Arc::new(Candidate::new(id.clone(), protocol));
        self.sources
            .lock()
            .entry(id.clone())
            .or_insert_with(candidate);
    }

    /// Forgets a candidate source. If it was on air, nothing is until another takes over.
    pub fn remove_source(&self, id: &Label) {
        self.sources.lock().remove(id);
        self.air.lock().release(id);
    }

    /// Connects a declared source (or declares and connects it).
    ///
    /// Refused while that source is connected already.
    pub fn connect_source(
        self: &Arc<Self>,
        id: &Label,
        protocol: Protocol,
        peer: Option<String>,
    ) -> Result<Source, Refusal> {
        if self.ended.is_cancelled() {
            return Err(Refusal::UnknownStream(self.name.clone()));
        }
        let candidate = {
            let mut sources = self.sources.lock();
            let candidate = || Arc::new(Candidate::new(id.clone(), protocol));
            sources.entry(id.clone()).or_insert_with(candidate).clone()
        };
        if !candidate.connect(protocol, peer) {
            return Err(self.taken());
        }
        self.announce_source(id);
        Ok(Source::new(self.clone(), candidate))
    }

    /// Connects a peer that came by itself.
    pub(crate) fn connect_publisher(self: &Arc<Self>, pass: &Pass) -> Result<Source, Refusal> {
        let (id, ask) = (self.publisher_source()?, pass.ask());
        let source = self.connect_source(&id, ask.protocol, Some(ask.peer.to_string()))?;
        *self.max_viewers.write() = pass.terms().max_readers;
        Ok(source)
    }

    /// Whether [`Stream::connect_publisher`] would connect a peer now.
    pub(crate) fn may_publish(&self) -> Result<(), Refusal> {
        let id = self.publisher_source()?;
        let now = Instant::now();
        match self.sources.lock().get(&id) {
            Some(candidate) if candidate.gone_for(now).is_none() => Err(self.taken()),
            _ => Ok(()),
        }
    }

    /// The source that publishers fill.
    fn publisher_source(&self) -> Result<Label, Refusal> {
        match &*self.publishing.read() {
            Publishing::Declared(Some(id)) => Ok(id.clone()),
            Publishing::Declared(None) => Err(Refusal::Conflict {
                stream: self.name.clone(),
                why: "its input takes no publisher; give the input a source of type publish",
            }),
            Publishing::Unannounced => Ok(publisher_label()),
        }
    }

    fn taken(&self) -> Refusal {
        Refusal::Conflict {
            stream: self.name.clone(),
            why: "it has a publisher already",
        }
    }

    /// Takes these sources for one transport stream that comes over several paths, at most
    /// `hold` apart (SMPTE ST 2022-7 by content): each packet is taken from whichever brings it.
    /// Fewer than two: each source is by itself.
    ///
    /// Only sources of transport streams take part; frames stay by themselves.
    pub fn merge_sources(&self, sources: &[Label], hold: Duration) {
        let mut merge = self.merge.write();
        let first = sources.first().filter(|_| sources.len() > 1);
        let Some(first) = first else {
            *merge = None;
            return;
        };
        if merge.as_ref().is_none_or(|merge| !merge.is(sources, hold)) {
            let connection = self.air.lock().connection(first.clone());
            *merge = Some(Arc::new(Merge::new(sources.to_vec(), hold, connection)));
        }
    }

    /// Puts a source on air at its next random access point. Until then, and if it never
    /// comes, the one on air stays.
    pub fn take(&self, id: &Label) {
        let merge = self.merge_of(id);
        let by = merge.as_ref().map_or(id, |merge| {
            merge.show(id);
            &merge.connection().source
        });
        self.air.lock().want(by.clone());
    }

    /// Which source is on air, and which is to follow it.
    pub fn on_air(&self) -> (Option<Label>, Option<Label>) {
        let (on_air, wanted) = {
            let air = self.air.lock();
            (air.on_air().cloned(), air.wanted().cloned())
        };
        let shown = |id: Label| self.merge_of(&id).map_or(id, |merge| merge.shown());
        (on_air.map(shown), wanted.map(shown))
    }

    /// A source has broken off. When none of those it is merged with is left, whoever comes next
    /// is spliced in, as any source that comes back.
    pub(crate) fn leave_merge(&self, id: &Label) {
        let mut merge = self.merge.write();
        let Some((of, path)) = merge.as_ref().and_then(|of| Some((of, of.path(id)?))) else {
            return;
        };
        of.forget(path);
        let now = Instant::now();
        let sources = self.sources.lock();
        let is_there = |member| {
            sources
                .get(member)
                .is_some_and(|it| it.gone_for(now).is_none())
        };
        if !of.members().iter().any(is_there) {
            let connection = self.air.lock().connection(of.connection().source.clone());
            let renewed = Merge::new(of.members().to_vec(), of.hold(), connection);
            *merge = Some(Arc::new(renewed));
        }
    }

    /// The sources that this one is merged with, itself among them.
    pub(crate) fn merge_of(&self, id: &Label) -> Option<Arc<Merge>> {
        let merge = self.merge.read();
        merge
            .as_ref()
            .filter(|merge| merge.path(id).is_some())
            .cloned()
    }

    /// Says when pictures of its sources are called frozen or black; by default never.
    ///
    /// Such a source counts as one that does not deliver ([`Stream::delivers`]) until its
    /// pictures move, or are bright, again.
    pub fn watch_pictures(&self, limits: still::Limits) {
        *self.picture_limits.write() = limits;
    }

    pub(crate) fn picture_limits(&self) -> still::Limits {
        *self.picture_limits.read()
    }

    /// Whether a source's pictures are frozen or black.
    pub fn pictures(&self, source: &Label) -> still::Verdict {
        let sources = self.sources.lock();
        let source = sources.get(source);
        source.map_or_else(Default::default, |source| source.pictures())
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

    /// Over which protocols viewers may take it; `None`: over all. Who watches already goes on.
    pub fn serve_over(&self, protocols: Option<Vec<Protocol>>) {
        *self.serving.write() = protocols;
    }

    /// Lets a viewer in.
    pub(crate) fn admit_viewer(self: &Arc<Self>, pass: &Pass) -> Result<Viewer, Refusal> {
        self.may_read(pass)?;
        let limit = self.viewer_limit(pass);
        // Asked again under the lock: others may have come meanwhile.
        Viewer::enter(self.clone(), pass.ask(), limit).ok_or(full(limit))
    }

    /// Whether [`Stream::admit_viewer`] would let a viewer in now.
    pub(crate) fn may_read(&self, pass: &Pass) -> Result<(), Refusal> {
        let protocol = pass.ask().protocol;
        let serving = self.serving.read();
        if serving
            .as_ref()
            .is_some_and(|only| !only.contains(&protocol))
        {
            return Err(Refusal::NotServed {
                stream: pass.ask().stream.clone(),
                protocol,
            });
        }
        let limit = self.viewer_limit(pass);
        if self.viewers.count() >= limit {
            return Err(full(limit));
        }
        Ok(())
    }

    /// The host's limit, the publisher's and the viewer's own: the least of them.
    fn viewer_limit(&self, pass: &Pass) -> usize {
        let terms = [*self.max_viewers.read(), pass.terms().max_readers];
        let terms = terms.into_iter().flatten();
        terms
            .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
            .fold(self.settings.max_viewers, usize::min)
    }

    /// Whether media comes from a source now, as its last [`Event::SourceChanged`] said.
    ///
    /// Of sources that are merged, each delivers while one of them does.
    pub fn delivers(&self, source: &Label) -> bool {
        let merge = self.merge_of(source);
        let one = std::slice::from_ref(source);
        let paths = merge.as_ref().map_or(one, |merge| merge.members());
        let sources = self.sources.lock();
        let mut paths = paths.iter().filter_map(|path| sources.get(path));
        paths.any(|source| source.is_delivering())
    }

    /// Everything there is to know.
    pub fn snapshot(&self, now: Instant) -> StreamSnapshot {
        let (on_air, _) = self.on_air();
        let (form, discontinuities) = {
            let air = self.air.lock();
            (air.form(), air.discontinuities())
        };
        let merge = self.merge.read().clone();
        let mut sources: Vec<_> = self
            .sources
            .lock()
            .values()
            .map(|candidate| candidate.snapshot(now))
            .collect();
        for source in &mut sources {
            source.on_air = on_air.as_ref() == Some(&source.id);
        }
        StreamSnapshot {
            name: self.name.clone(),
            declared: self.is_declared(),
            uptime_ms: now.saturating_duration_since(self.started).as_millis() as u64,
            form,
            on_air,
            serving: self.serving.read().clone(),
            bitrate_bps: self.output.rate_bps(now),
            bytes: self.output.bytes(),
            discontinuities,
            held_bytes: self.lanes.held_bytes(),
            sources,
            merged: merge.map(|merge| merge.figures()),
            viewers: self.viewers.snapshot(now),
        }
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

    pub(crate) fn is_declared(&self) -> bool {
        matches!(&*self.publishing.read(), Publishing::Declared(_))
    }

    pub(crate) fn set_publishing(&self, publishing: Publishing) {
        *self.publishing.write() = publishing;
    }

    /// Whether nobody has fed it for longer than the grace.
    pub(crate) fn is_abandoned(&self, now: Instant) -> bool {
        let grace = self.settings.reconnect_grace;
        !self.is_declared()
            && now.saturating_duration_since(self.started) > grace
            && self
                .sources
                .lock()
                .values()
                .all(|source| source.gone_for(now) > Some(grace))
    }

    /// A muxer that names this stream in its service description.
    pub(crate) fn muxer(&self) -> Muxer {
        Muxer::new("Pointsman", self.name.as_str())
    }

    /// Keeps rates current, and announces sources that fell silent.
    pub(crate) fn sample_rates(&self, now: Instant) {
        self.output.rate_bps(now);
        let candidates: Vec<_> = self.sources.lock().values().cloned().collect();
        for candidate in candidates {
            if candidate.sample(now) {
                tracing::warn!(stream = %self.name, source = %candidate.id(), "the source fell silent");
                self.announce_source(candidate.id());
            }
        }
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

const fn full(limit: usize) -> Refusal {
    Refusal::Overloaded {
        what: "viewers of a stream",
        limit,
    }
}

fn publisher_label() -> Label {
    match PUBLISHER.parse() {
        Ok(label) => label,
        Err(_) => unreachable!("a constant of plain letters is a label"),
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stream").field(&self.name).finish()
    }
}
