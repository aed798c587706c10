//! Clients: the players that stand behind the screens of a group.
//!
//! They are known while they are there and a while longer, and are not kept over a restart: a
//! client that is told that nobody knows it registers again. What a client is to show is a function
//! of the document, so a change of it reaches all of them without their doing anything.

mod anchor;
mod table;

pub use table::{Client, Connection, MAX_NAME, Media, Place, Registered, Report};

use crate::handle::ControlHandle;
use crate::scene::Gallery;
use crate::{ControlError, access, scope};
use anchor::Anchors;
use hub::Registry;
use model::{GroupSpec, StreamName};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use table::Table;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How often clocks are looked at, and clients that are gone.
const LOOK: Duration = Duration::from_millis(500);

/// The clients of this host; clones share them.
#[derive(Clone)]
pub struct Clients(Arc<Inner>);

struct Inner {
    gallery: Arc<Gallery>,
    table: Mutex<Table>,
    anchors: Mutex<Anchors>,
    /// Counts what may change what a client is to show.
    news: watch::Sender<u64>,
}

/// What a client is to show, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Where it stands.
    pub place: Place,
    /// Its part of what the group plays; none: nothing is played, or there is no such screen.
    pub stream: Option<StreamName>,
    /// So long after its time a picture is shown.
    pub delay_ms: u32,
    /// When media time zero was by this host's clock, Unix milliseconds; none while there is no
    /// media. Streams of one group that are cut from one picture have the same.
    pub zero_unix_ms: Option<f64>,
}

impl Clients {
    pub(crate) fn new(gallery: Arc<Gallery>) -> Self {
        Self(Arc::new(Inner {
            gallery,
            table: Mutex::default(),
            anchors: Mutex::default(),
            news: watch::Sender::new(0),
        }))
    }

    /// Has all clients look what they are to show.
    pub(crate) fn tell_all(&self) {
        self.0.news.send_modify(|count| *count += 1);
    }

    /// Runs until it is dropped: forgets who is gone, and keeps the clocks of what is shown.
    pub(crate) async fn keep(self, registry: Registry) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.0.table.lock().sweep(Instant::now());
            let groups = self.shown();
            let changed = self.0.anchors.lock().follow(&registry, &groups);
            if changed {
                self.tell_all();
            }
        }
    }

    /// The streams that connected clients show, by group.
    fn shown(&self) -> Vec<Vec<StreamName>> {
        let site = self.0.gallery.site();
        let places = self.0.table.lock().connected_places();
        let groups: BTreeSet<_> = places.iter().map(|place| &place.group).collect();
        let playing = |group: &&GroupSpec| group.playing.is_some() && groups.contains(&group.name);
        let streams = |group: &GroupSpec| {
            let own = places.iter().filter(|place| place.group == group.name);
            let streams = own.filter_map(|place| group.stream_of(&place.screen).ok());
            let streams: BTreeSet<_> = streams.collect();
            streams.into_iter().collect()
        };
        let shown = site.groups.iter().filter(playing);
        shown.map(streams).collect()
    }

    fn task(&self, place: Place) -> Task {
        let site = self.0.gallery.site();
        let group = site.groups.iter().find(|group| group.name == place.group);
        let playing = group.filter(|group| group.playing.is_some());
        let playing = playing.filter(|group| group.screen(&place.screen).is_some());
        let stream = playing.and_then(|group| group.stream_of(&place.screen).ok());
        let anchors = self.0.anchors.lock();
        let zero_unix_ms = stream.as_ref().and_then(|stream| anchors.zero_of(stream));
        let nothing = || GroupSpec::new(place.group.clone());
        Task {
            delay_ms: group.map_or_else(|| nothing().delay_ms, |group| group.delay_ms),
            place,
            stream,
            zero_unix_ms,
        }
    }

    /// The line of a client to this host, while it has one. It is known by the token it got when
    /// it registered.
    ///
    /// # Errors
    /// There is no such client, or the token is another's.
    pub fn connect(&self, id: &str, token: &str) -> Result<Connection, ControlError> {
        let known = self.0.table.lock().enter(id, token, Instant::now());
        match known {
            true => Ok(Connection::new(self.clone(), id, self.0.news.subscribe())),
            false => Err(ControlError::UnknownClient(id.chars().take(40).collect())),
        }
    }
}

impl ControlHandle {
    /// The clients, whoever looks.
    pub fn all_clients(&self) -> &Clients {
        &self.clients
    }

    /// The clients that its owner sees: those of its groups; those that belong to none are seen by
    /// who sees the host.
    pub fn clients(&self) -> Vec<Client> {
        let mut clients = self.clients.0.table.lock().list(Instant::now());
        clients.retain(|client| self.sees_client(client));
        clients
    }

    /// A client.
    ///
    /// # Errors
    /// For its owner there is none of that id.
    pub fn client(&self, id: &str) -> Result<Client, ControlError> {
        let found = self.clients.0.table.lock().get(id, Instant::now());
        let found = found.filter(|client| self.sees_client(client));
        found.ok_or_else(|| unknown(id))
    }

    /// Takes a client in; one with a name takes the place of the one of that name in the group.
    ///
    /// # Errors
    /// There is no such group or screen, or there are too many.
    pub fn register_client(
        &self,
        name: Option<String>,
        place: Option<Place>,
        peer: Option<IpAddr>,
    ) -> Result<Registered, ControlError> {
        match &place {
            Some(place) => drop(self.screen(&place.group, &place.screen)?),
            None if self.who().sees_the_host() => {}
            None => return Err(scope::lacks(self.who(), self.who().role, true)),
        }
        let (id, token) = access::client_secret()?;
        let mut table = self.clients.0.table.lock();
        let replaced = table.add(&id, &token, name, place, peer, Instant::now())?;
        drop(table);
        if replaced {
            self.clients.tell_all();
        }
        Ok(Registered { id, token })
    }

    /// Puts a client before another screen; it goes on there at once.
    ///
    /// # Errors
    /// There is no such client, group or screen.
    pub fn move_client(&self, id: &str, place: Option<Place>) -> Result<Client, ControlError> {
        self.client(id)?;
        if let Some(place) = &place {
            self.screen(&place.group, &place.screen)?;
        }
        self.clients.0.table.lock().put(id, place);
        self.clients.tell_all();
        self.client(id)
    }

    /// Forgets a client; its line is cut.
    ///
    /// # Errors
    /// For its owner there is none of that id.
    pub fn remove_client(&self, id: &str) -> Result<(), ControlError> {
        self.client(id)?;
        self.clients.0.table.lock().remove(id);
        self.clients.tell_all();
        Ok(())
    }

    /// What a client that its owner sees is to show; nothing if it stands nowhere.
    pub fn task_of(&self, client: &Client) -> Option<Task> {
        client.place.clone().map(|place| self.clients.task(place))
    }

    fn sees_client(&self, client: &Client) -> bool {
        match &client.place {
            Some(place) => self.who().sees(&place.group),
            None => self.who().sees_the_host(),
        }
    }
}

fn unknown(id: &str) -> ControlError {
    ControlError::UnknownClient(id.chars().take(40).collect())
}
