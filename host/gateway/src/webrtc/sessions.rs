//! The sessions there are, by the secret in their addresses.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Sessions of one address whose peers have not come through: a house full of viewers behind one
/// translator of addresses, but no flood.
const MAX_PENDING: usize = 64;

/// A session, as requests to its resource see it.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    /// Of its ICE session (RFC 9725 §4.3): an entity tag, with its quotes.
    pub(super) tag: String,
    /// The peer's ICE user fragment.
    pub(super) user: String,
    /// Ends it.
    pub(super) end: CancellationToken,
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    peer: IpAddr,
    connected: AtomicBool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Sessions {
    limit: usize,
    present: Mutex<HashMap<String, Handle>>,
}

/// A session's entry; leaves when dropped.
#[derive(Debug)]
pub(super) struct Entry {
    sessions: Arc<Sessions>,
    pub(super) id: String,
    place: Arc<Place>,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full {
    pub(super) what: &'static str,
    pub(super) limit: usize,
}

impl Sessions {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            present: Mutex::default(),
        })
    }

    /// Makes room for a session of that peer.
    pub(super) fn enter(
        self: &Arc<Self>,
        id: String,
        tag: String,
        user: String,
        peer: IpAddr,
    ) -> Result<(Entry, CancellationToken), Full> {
        let mut present = self.present.lock();
        if present.len() >= self.limit {
            let (what, limit) = ("WebRTC sessions", self.limit);
            return Err(Full { what, limit });
        }
        let pending = present
            .values()
            .filter(|session| session.place.is_pending(peer));
        if pending.count() >= MAX_PENDING {
            let (what, limit) = (
                "WebRTC sessions of one address that wait for it",
                MAX_PENDING,
            );
            return Err(Full { what, limit });
        }
        let place = Arc::new(Place {
            peer,
            connected: AtomicBool::new(false),
        });
        let end = CancellationToken::new();
        let handle = Handle {
            tag,
            user,
            end: end.clone(),
            place: place.clone(),
        };
        present.insert(id.clone(), handle);
        drop(present);
        let sessions = self.clone();
        Ok((
            Entry {
                sessions,
                id,
                place,
            },
            end,
        ))
    }

    pub(super) fn get(&self, id: &str) -> Option<Handle> {
        self.present.lock().get(id).cloned()
    }
}

impl Place {
    fn is_pending(&self, peer: IpAddr) -> bool {
        self.peer == peer && !self.connected.load(Ordering::Relaxed)
    }
}

impl Entry {
    /// The peer has come through.
    pub(super) fn connected(&self) {
        self.place.connected.store(true, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.sessions.present.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(sessions: &Arc<Sessions>, n: usize, peer: u8) -> Result<Entry, Full> {
        let text = n.to_string();
        let peer = IpAddr::from([127, 0, 0, peer]);
        let entered = sessions.enter(text.clone(), text.clone(), text, peer);
        entered.map(|(entry, _)| entry)
    }

    #[test]
    fn one_address_cannot_take_every_place_and_a_place_is_given_back() {
        let sessions = Sessions::new(MAX_PENDING + 2);
        let mut held: Vec<_> = (0..MAX_PENDING)
            .map(|n| enter(&sessions, n, 1).unwrap())
            .collect();
        assert_eq!(enter(&sessions, 100, 1).unwrap_err().limit, MAX_PENDING);
        held[0].connected();
        held.push(enter(&sessions, 100, 1).unwrap());
        held.push(enter(&sessions, 101, 2).unwrap());
        assert_eq!(enter(&sessions, 102, 2).unwrap_err().limit, MAX_PENDING + 2);
        drop(held);
        assert!(sessions.get("100").is_none());
        assert!(enter(&sessions, 103, 1).is_ok());
    }
}
