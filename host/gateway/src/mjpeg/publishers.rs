//! Who publishes, and who may.

use super::Settings;
use super::publication::{Key, Publication};
use crate::Context;
use hub::Pass;
use model::{Ask, Protocol, Refusal, StreamName};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A publisher that has sent nothing for so long makes room for another who may publish there: it
/// has come back from another address, or with another key.
const YIELDS: Duration = Duration::from_secs(5);

/// The publishers of all streams, by the name they ask for.
pub(super) struct Publishers {
    context: Context,
    settings: Settings,
    hasher: RandomState,
    present: Mutex<HashMap<StreamName, Arc<Publication>>>,
}

/// Who may publish, before it does.
pub(super) struct Entry {
    ask: Ask,
    name: StreamName,
    key: Key,
    /// None for a publisher that is there already.
    pass: Option<Pass>,
}

const fn full(limit: usize) -> Refusal {
    let what = "MJPEG publishers";
    Refusal::Overloaded { what, limit }
}

impl Publishers {
    pub(super) fn new(context: Context, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            context,
            settings,
            hasher: RandomState::new(),
            present: Mutex::default(),
        })
    }

    pub(super) fn list(&self) -> Vec<Arc<Publication>> {
        self.present.lock().values().cloned().collect()
    }

    pub(super) fn of_stream(&self, name: &StreamName) -> Option<Arc<Publication>> {
        let present = self.present.lock();
        present.values().find(|it| it.name() == name).cloned()
    }

    /// Asks the doorman about the publisher behind a request, unless it is there already: he is
    /// asked when one comes, and not for each picture. Nothing is made yet.
    pub(super) async fn admit(&self, ask: Ask) -> Result<Entry, Refusal> {
        let key = Key {
            address: ask.peer.ip(),
            shown: self.hasher.hash_one((&ask.user, &ask.token)),
        };
        let name = ask.stream.clone();
        let pass = match self.find(&name, key) {
            Some(_) => None,
            None => {
                let pass = self.context.registry().admit(ask.clone()).await;
                let pass = pass.and_then(|pass| self.may_begin(&name, &pass).map(|()| pass));
                Some(pass.inspect_err(|refusal| self.tell(refusal))?)
            }
        };
        Ok(Entry {
            ask,
            name,
            key,
            pass,
        })
    }

    /// The publisher itself, made with its first picture: who sends none takes no place. The terms
    /// on which it was let in are watched from then on.
    pub(super) async fn enter(
        self: &Arc<Self>,
        entry: &mut Entry,
    ) -> Result<Arc<Publication>, Refusal> {
        if let Some(known) = self.find(&entry.name, entry.key) {
            return Ok(known);
        }
        let pass = match entry.pass.take() {
            Some(pass) => pass,
            // It was there, and has gone since.
            None => self.context.registry().admit(entry.ask.clone()).await?,
        };
        self.begin(entry.name.clone(), entry.key, &pass)
            .inspect_err(|refusal| self.tell(refusal))
    }

    /// Says no before the body is read, where that is known.
    fn may_begin(&self, name: &StreamName, pass: &Pass) -> Result<(), Refusal> {
        let present = self.present.lock();
        if present.contains_key(name) {
            return Ok(());
        }
        let limit = self.settings.max_publishers;
        if present.len() >= limit {
            return Err(full(limit));
        }
        drop(present);
        self.context.registry().may_publish(pass)
    }

    fn find(&self, name: &StreamName, key: Key) -> Option<Arc<Publication>> {
        let present = self.present.lock();
        let found = present.get(name)?;
        (found.key == key && !found.is_gone()).then(|| found.clone())
    }

    fn begin(
        self: &Arc<Self>,
        name: StreamName,
        key: Key,
        pass: &Pass,
    ) -> Result<Arc<Publication>, Refusal> {
        let now = Instant::now();
        let mut present = self.present.lock();
        if let Some(found) = present.get(&name) {
            // Two first requests of one publisher at once: the first to be answered stays.
            if found.key == key && !found.is_gone() {
                return Ok(found.clone());
            }
            if found.is_gone() || found.idle_for(now) > YIELDS {
                found.close();
                present.remove(&name);
            }
        }
        let limit = self.settings.max_publishers;
        if present.len() >= limit && !present.contains_key(&name) {
            return Err(full(limit));
        }
        let source = self.context.registry().publish(pass)?;
        let edge = self.context.counters().of(Protocol::Mjpeg);
        edge.connections.add(1);
        let stream = source.stream().clone();
        tracing::info!(stream = %stream.name(), peer = %pass.ask().peer, "MJPEG publisher");
        let publication = Publication::new(key, source, &self.settings, now);
        present.insert(name.clone(), publication.clone());
        let (all, kept, pass) = (self.clone(), publication.clone(), pass.clone());
        self.context.tasks().spawn(async move {
            let why = tokio::select! {
                why = all.leaves(&kept, pass) => why,
                () = stream.ended() => "its stream ended".to_owned(),
                () = all.context.shutdown().cancelled() => "shutting down".to_owned(),
            };
            kept.close();
            all.forget(&name, &kept);
            tracing::info!(stream = %kept.name(), why, "MJPEG publisher left");
        });
        Ok(publication)
    }

    /// Resolves when a publisher has to go, or went, with the reason.
    async fn leaves(&self, publication: &Publication, pass: Pass) -> String {
        let registry = self.context.registry();
        let idle = self.settings.idle;
        tokio::select! {
            refusal = registry.watch(pass, publication.traffic()) => {
                self.tell(&refusal);
                refusal.to_string()
            }
            () = publication.idle(idle) => format!("it sent nothing for {} s", idle.as_secs()),
            () = publication.gone() => "it ended".to_owned(),
        }
    }

    fn forget(&self, name: &StreamName, publication: &Arc<Publication>) {
        let mut present = self.present.lock();
        let same = present
            .get(name)
            .is_some_and(|it| Arc::ptr_eq(it, publication));
        if same {
            present.remove(name);
        }
    }

    /// Counts who was turned away and, now and then, logs it.
    fn tell(&self, refusal: &Refusal) {
        let context = &self.context;
        context.counters().of(Protocol::Mjpeg).refused.add(1);
        if let Some(held_back) = context.complaints().admit("mjpeg refused", Instant::now()) {
            tracing::warn!(held_back, "MJPEG publisher refused: {refusal}");
        }
    }
}
