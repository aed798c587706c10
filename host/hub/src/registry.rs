//! The streams of a host, by name.

use crate::source::Source;
use crate::stream::{Publishing, Settings, Stream};
use crate::viewer::Viewer;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use model::{Ask, Event, Label, Refusal, StreamName};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::broadcast;

/// Events a slow listener may fall behind by before it has to look at everything anew.
const EVENT_BACKLOG: usize = 1024;

/// All streams of a host; clones share them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    streams: DashMap<StreamName, Arc<Stream>>,
    settings: Settings,
    events: broadcast::Sender<Event>,
}

impl Registry {
    /// An empty one.
    pub fn new(settings: Settings) -> Self {
        let events = broadcast::Sender::new(EVENT_BACKLOG);
        Self(Arc::new(Inner {
            streams: DashMap::new(),
            settings,
            events,
        }))
    }

    /// What happens from now on. A listener that lags gets told so and must look at the
    /// snapshots.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Tells the listeners of something that happened at an edge.
    pub fn announce(&self, event: Event) {
        let _ = self.0.events.send(event);
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
    pub fn publish(&self, ask: &Ask) -> Result<Source, Refusal> {
        self.get_or_start(&ask.stream, Publishing::Unannounced)?
            .connect_publisher(ask)
            .inspect_err(|refusal| self.refused(ask, refusal))
    }

    /// Whether [`Registry::publish`] would let the peer in now: for protocols that say no
    /// within their handshake. Changes nothing; a refusal is announced.
    pub fn may_publish(&self, ask: &Ask) -> Result<(), Refusal> {
        let limit = self.0.settings.max_streams;
        match self.get(ask.stream.as_str()) {
            Some(stream) => stream.may_publish(),
            None if self.0.streams.len() >= limit => Err(Refusal::Overloaded {
                what: "streams",
                limit,
            }),
            None => Ok(()),
        }
        .inspect_err(|refusal| self.refused(ask, refusal))
    }

    /// Whether [`Registry::read`] would let the peer in now, as [`Registry::may_publish`].
    pub fn may_read(&self, ask: &Ask) -> Result<(), Refusal> {
        self.get(ask.stream.as_str())
            .ok_or_else(|| Refusal::UnknownStream(ask.stream.clone()))
            .and_then(|stream| stream.may_read(ask))
            .inspect_err(|refusal| self.refused(ask, refusal))
    }

    /// Lets a peer watch a stream.
    pub fn read(&self, ask: &Ask) -> Result<Viewer, Refusal> {
        self.get(ask.stream.as_str())
            .ok_or_else(|| Refusal::UnknownStream(ask.stream.clone()))
            .and_then(|stream| stream.admit_viewer(ask))
            .inspect_err(|refusal| self.refused(ask, refusal))
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
                let events = self.0.events.clone();
                let stream = Stream::new(name.clone(), self.0.settings, publishing, events);
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
