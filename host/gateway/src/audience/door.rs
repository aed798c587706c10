//! Who was let in over HTTP, where every request stands for itself.
//!
//! The doorman is asked once for each address, user agent, and what is shown of user and token;
//! his answer holds until its time to live ends, or until nobody asks any more. While no policy
//! has to be asked, nothing is kept here.

use crate::Context;
use hub::{Due, Pass, Stay};
use model::{Ask, Protocol, Refusal, StreamName};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A viewer that has not asked for so long is forgotten, and what it used up with it.
const IDLE: Duration = Duration::from_secs(60);

/// How often the forgotten are looked for.
const SWEEP: Duration = Duration::from_secs(5);

/// Viewers kept, over all streams.
const MAX_GUESTS: usize = 100_000;

/// Over how long a bitrate is measured: players take whole segments, and several to begin with.
const WINDOW: Duration = Duration::from_secs(30);

/// What tells viewers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    protocol: Protocol,
    address: IpAddr,
    /// Of user agent, user and token: a long header costs no more than a short one, and a secret
    /// is not kept.
    shown: u64,
}

/// A viewer that was let in.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) key: Key,
    pub(crate) pass: Pass,
    kept: Option<Arc<Mutex<Kept>>>,
}

struct Kept {
    stay: Stay,
    bytes: u64,
    seen: Instant,
    /// Set once it has used up what it was allowed: it does not come in again as if it were new.
    over: Option<Refusal>,
}

struct Book {
    guests: HashMap<(StreamName, Key), Arc<Mutex<Kept>>>,
    swept: Instant,
}

/// The door to all streams over one protocol.
pub(crate) struct Door {
    context: Context,
    protocol: Protocol,
    hasher: RandomState,
    book: Mutex<Book>,
}

impl Door {
    pub(crate) fn new(context: Context, protocol: Protocol) -> Self {
        let book = Book {
            guests: HashMap::new(),
            swept: Instant::now(),
        };
        Self {
            context,
            protocol,
            hasher: RandomState::new(),
            book: Mutex::new(book),
        }
    }

    /// Lets the viewer behind a request in, or back in.
    pub(crate) async fn admit(&self, ask: Ask) -> Result<Guest, Refusal> {
        let admitted = self.admit_uncounted(ask).await;
        if let Err(refusal) = &admitted {
            self.tell(refusal);
        }
        admitted
    }

    async fn admit_uncounted(&self, ask: Ask) -> Result<Guest, Refusal> {
        let key = Key {
            protocol: self.protocol,
            address: ask.peer.ip(),
            shown: self.hasher.hash_one((&ask.agent, &ask.user, &ask.token)),
        };
        let registry = self.context.registry();
        if let Some(judged) = registry.admit_now(&ask) {
            let kept = None;
            return judged.map(|pass| Guest { key, pass, kept });
        }
        let entry = (ask.stream.clone(), key);
        let known = self.book.lock().guests.get(&entry).cloned();
        let kept = match known {
            Some(kept) => {
                if let Err(refusal) = self.go_on(&kept).await {
                    self.dismiss(&entry, &kept);
                    return Err(refusal);
                }
                kept
            }
            None => self.enter(entry, registry.admit(ask).await?)?,
        };
        let pass = kept.lock().stay.pass().clone();
        let kept = Some(kept);
        Ok(Guest { key, pass, kept })
    }

    /// Whether one who was let in may stay.
    async fn go_on(&self, kept: &Mutex<Kept>) -> Result<(), Refusal> {
        let registry = self.context.registry();
        let due = {
            let mut kept = kept.lock();
            let (now, bytes) = (Instant::now(), kept.bytes);
            kept.seen = now;
            if let Some(refusal) = &kept.over {
                return Err(refusal.clone());
            }
            kept.stay.handle_timeout(now, bytes)
        };
        let left = match due {
            Due::Nothing => return Ok(()),
            Due::Leave(terms) => Err(terms),
            Due::Renew(ask) => {
                let verdict = registry.renew(&ask).await;
                kept.lock().stay.renewed(Instant::now(), verdict)
            }
        };
        left.map_err(|terms| {
            let mut kept = kept.lock();
            let refusal = registry.cut_off(kept.stay.pass(), terms);
            if terms.are_used_up() {
                kept.over = Some(refusal.clone());
            }
            refusal
        })
    }

    fn enter(&self, entry: (StreamName, Key), pass: Pass) -> Result<Arc<Mutex<Kept>>, Refusal> {
        let now = Instant::now();
        let mut book = self.book.lock();
        if now.saturating_duration_since(book.swept) > SWEEP {
            book.swept = now;
            let idle = |seen: Instant| now.saturating_duration_since(seen) > IDLE;
            book.guests.retain(|_, kept| !idle(kept.lock().seen));
        }
        if book.guests.len() >= MAX_GUESTS {
            return Err(Refusal::Overloaded {
                what: "viewers over HTTP",
                limit: MAX_GUESTS,
            });
        }
        let kept = Kept {
            stay: Stay::new(pass).over(WINDOW),
            bytes: 0,
            seen: now,
            over: None,
        };
        // Two first requests of one viewer at once: the first to be answered stays.
        let kept = book
            .guests
            .entry(entry)
            .or_insert_with(|| Arc::new(Mutex::new(kept)));
        Ok(kept.clone())
    }

    /// Whoever was only not renewed may ask as if he were new.
    fn dismiss(&self, entry: &(StreamName, Key), kept: &Arc<Mutex<Kept>>) {
        let mut book = self.book.lock();
        let same = book
            .guests
            .get(entry)
            .is_some_and(|held| Arc::ptr_eq(held, kept));
        if same && kept.lock().over.is_none() {
            book.guests.remove(entry);
        }
    }

    /// Counts who was turned away and, now and then, logs it.
    fn tell(&self, refusal: &Refusal) {
        self.context.counters().of(self.protocol).refused.add(1);
        let complaints = self.context.complaints();
        if let Some(held_back) = complaints.admit("viewer refused", Instant::now()) {
            let protocol = self.protocol;
            tracing::warn!(held_back, ?protocol, "viewer refused: {refusal}");
        }
    }
}

impl Guest {
    /// Counts what it took.
    pub(crate) fn took(&self, bytes: usize) {
        if let Some(kept) = &self.kept {
            kept.lock().bytes += bytes as u64;
        }
    }
}
