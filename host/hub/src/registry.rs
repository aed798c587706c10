//! The streams of a host, by name.

use crate::doorman::{Doorman, OpenDoor, Pass, Verdict};
use crate::news::News;
use crate::source::Source;
use crate::stream::{Publishing, Settings, Stream};
use crate::viewer::Viewer;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use model::{Admission, Ask, Event, Label, Refusal, StreamName, Terms};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::broadcast;

/// All streams of a host; clones share them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    streams: DashMap<StreamName, Arc<Stream>>,
    settings: Settings,
    news: News,
    doorman: RwLock<Arc<dyn Doorman>>,
    closed: AtomicBool,
}

impl Registry {
    /// An empty one, whose door is open until [`Registry::appoint`].
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            streams: DashMap::new(),
            settings,
            news: News::new(),
            doorman: RwLock::new(Arc::new(OpenDoor)),
            closed: AtomicBool::new(false),
        }))
    }

    /// What happens from now on. A listener that lags gets told so and must look at the
    /// snapshots.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.news.listen()
    }

    /// Tells the listeners of something that happened at an edge, or to what decides.
    pub fn announce(&self, event: Event) {
        self.0.news.announce(event);
    }

    /// How many events were announced so far: nothing was since, if this is the same.
    pub fn announced(&self) -> u64 {
        self.0.news.count()
    }

    /// From now on this one decides who may come in.
    pub fn appoint(&self, doorman: Arc<dyn Doorman>) {
        *self.0.doorman.write() = doorman;
    }

    /// From now on nobody is let in. Those who are in stay.
    pub fn close_door(&self) {
        self.0.closed.store(true, Ordering::Release);
    }

    /// Whether anybody may come in still, whatever the doorman says.
    fn is_open(&self) -> Result<(), Refusal> {
        match self.0.closed.load(Ordering::Acquire) {
            true => Err(Refusal::Stopping),
            false => Ok(()),
        }
    }

    fn doorman(&self) -> Arc<dyn Doorman> {
        self.0.doorman.read().clone()
    }

    /// Asks the doorman. Whoever is let in goes on to [`Registry::publish`] or
    /// [`Registry::read`]; a refusal is announced.
    pub async fn admit(&self, ask: Ask) -> Result<Pass, Refusal> {
        let verdict = self.doorman().admit(&ask).wait().await;
        self.pass(&ask, verdict)
    }

    /// As [`Registry::admit`], for whoever cannot wait; none where a policy has to be asked.
    pub fn admit_now(&self, ask: &Ask) -> Option<Result<Pass, Refusal>> {
        match self.doorman().admit(ask) {
            Verdict::Known(verdict) => Some(self.pass(ask, verdict)),
            Verdict::Asked(_) => None,
        }
    }

    /// Asks the doorman again about a peer that is in; for [`crate::Stay::renewed`].
    pub async fn renew(&self, ask: &Ask) -> Result<Admission, Refusal> {
        self.doorman().admit(ask).wait().await
    }

    fn pass(&self, ask: &Ask, verdict: Result<Admission, Refusal>) -> Result<Pass, Refusal> {
        match verdict {
            Ok(terms) => Ok(Pass::new(ask.clone(), terms, Instant::now())),
            Err(refusal) => {
                self.refused(ask, &refusal);
                Err(refusal)
            }
        }
    }

    /// The stream of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Stream>> {
        self.0.streams.get(name).map(|entry| entry.value().clone())
    }

    /// All streams, by name.
    pub fn list(&self) -> Vec<Arc<Stream>> {
        let mut all: Vec<_> = self
            .0
            .streams
            .iter()
            .map(|entry| entry.value().clone())
            .collect();
        all.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Makes a stream exist, fed or not; `publisher` is the source that peers who publish
    /// to its name fill, if it takes any.
    pub fn declare(
        &self,
        name: &StreamName,
        publisher: Option<Label>,
    ) -> Result<Arc<Stream>, Refusal> {
        let stream = self.get_or_start(name, Publishing::Declared(publisher.clone()))?;
        stream.set_publishing(Publishing::Declared(publisher));
        Ok(stream)
    }

    /// Takes a declared stream back: its readers are let go.
    pub fn withdraw(&self, name: &StreamName) {
        if let Some((_, stream)) = self.0.streams.remove(name) {
            stream.end();
        }
    }

    /// Lets a peer feed a stream, which comes into being if nobody declared it.
    pub fn publish(&self, pass: &Pass) -> Result<Source, Refusal> {
        self.is_open()
            .and_then(|()| self.get_or_start(pass.stream(), Publishing::Unannounced))
            .and_then(|stream| stream.connect_publisher(pass))
            .inspect_err(|refusal| self.refused(pass.ask(), refusal))
    }

    /// Whether [`Registry::publish`] would let the peer in now: for protocols that say no
    /// within their handshake. Changes nothing; a refusal is announced.
    pub fn may_publish(&self, pass: &Pass) -> Result<(), Refusal> {
        let limit = self.0.settings.max_streams;
        let open = self.is_open();
        match self.get(pass.stream().as_str()) {
            _ if open.is_err() => open,
            Some(stream) => stream.may_publish(),
            None if self.0.streams.len() >= limit => Err(Refusal::Overloaded {
                what: "streams",
                limit,
            }),
            None => Ok(()),
        }
        .inspect_err(|refusal| self.refused(pass.ask(), refusal))
    }

    /// Whether [`Registry::read`] would let the peer in now, as [`Registry::may_publish`].
    pub fn may_read(&self, pass: &Pass) -> Result<(), Refusal> {
        self.wanted(pass)
            .and_then(|stream| stream.may_read(pass))
            .inspect_err(|refusal| self.refused(pass.ask(), refusal))
    }

    /// Lets a peer watch a stream.
    pub fn read(&self, pass: &Pass) -> Result<Viewer, Refusal> {
        self.wanted(pass)
            .and_then(|stream| stream.admit_viewer(pass))
            .inspect_err(|refusal| self.refused(pass.ask(), refusal))
    }

    /// A peer that was let in has to go; that is announced.
    pub fn cut_off(&self, pass: &Pass, terms: Terms) -> Refusal {
        let refusal = Refusal::CutOff(terms);
        self.refused(pass.ask(), &refusal);
        refusal
    }

    fn wanted(&self, pass: &Pass) -> Result<Arc<Stream>, Refusal> {
        self.is_open()?;
        let name = pass.stream();
        self.get(name.as_str())
            // Under the name it asked for: the other may be nobody's business.
            .ok_or_else(|| Refusal::UnknownStream(pass.ask().stream.clone()))
    }

    /// Ends unannounced streams whose publisher has been gone for longer than its grace, and
    /// keeps rates current. To be called about once a second.
    pub fn sweep(&self, now: Instant) {
        let mut ended = Vec::new();
        self.0.streams.retain(|_, stream| {
            let abandoned = stream.is_abandoned(now);
            if abandoned {
                ended.push(stream.clone());
            } else {
                stream.sample_rates(now);
            }
            !abandoned
        });
        for stream in ended {
            tracing::info!(stream = %stream.name(), "the publisher did not come back; the stream ends");
            stream.end();
        }
    }

    /// Ends every stream.
    pub fn shut_down(&self) {
        self.0.streams.retain(|_, stream| {
            stream.end();
            false
        });
    }

    fn get_or_start(
        &self,
        name: &StreamName,
        publishing: Publishing,
    ) -> Result<Arc<Stream>, Refusal> {
        let limit = self.0.settings.max_streams;
        let full = self.0.streams.len() >= limit;
        match self.0.streams.entry(name.clone()) {
            Entry::Occupied(entry) => Ok(entry.get().clone()),
            Entry::Vacant(_) if full => Err(Refusal::Overloaded {
                what: "streams",
                limit,
            }),
            Entry::Vacant(entry) => {
                let news = self.0.news.clone();
                let stream = Stream::new(name.clone(), self.0.settings, publishing, news);
                entry.insert(stream.clone());
                self.announce(Event::StreamStarted {
                    stream: name.clone(),
                });
                Ok(stream)
            }
        }
    }

    fn refused(&self, ask: &Ask, refusal: &Refusal) {
        let code = refusal.code().to_owned();
        self.announce(Event::PeerRefused {
            protocol: ask.protocol,
            code,
        });
    }
}
