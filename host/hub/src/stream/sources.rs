//! The candidate sources of a stream: who may feed it, who is there, who goes on air.

use super::Stream;
use crate::candidate::Candidate;
use crate::doorman::Pass;
use crate::merge::Merge;
use crate::source::Source;
use media::still;
use model::{Label, Protocol, Refusal};
use std::sync::Arc;
use std::time::{Duration, Instant};

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

impl Stream {
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
}

fn publisher_label() -> Label {
    match PUBLISHER.parse() {
        Ok(label) => label,
        Err(_) => unreachable!("a constant of plain letters is a label"),
    }
}
