//! Who is known, and what they last said. Bounded, and in memory only.

use super::{Clients, Task};
use crate::ControlError;
use crate::access;
use crate::clock::unix_ms;
use model::{Label, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Clients of one host.
const MAX_CLIENTS: usize = 4_096;
/// Characters of a client's name.
pub const MAX_NAME: usize = 100;
/// Characters of what a client says is wrong.
const MAX_FAULT: usize = 200;
/// A client that says nothing for so long is stale: it says something every second.
const STALE: Duration = Duration::from_secs(10);
/// One that is gone for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// A place of a client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The group.
    pub group: StreamName,
    /// Its screen.
    pub screen: Label,
}

/// What a client gets when it is taken in; the token is not shown again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Names it.
    pub id: String,
    /// Shows that it is the one.
    pub token: String,
}

/// What a client does with its stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// It is to show nothing.
    #[default]
    Idle,
    /// It waits for media, or for the time to show it.
    Waiting,
    /// It shows its stream.
    Playing,
    /// It cannot; `fault` says why.
    Failed,
}

/// What a client says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// What it does.
    pub state: Media,
    /// Where it is in its stream, media time in milliseconds.
    pub position_ms: Option<f64>,
    /// Pictures that came too late to be shown, since it began.
    pub dropped_frames: u64,
    /// How far its picture is ahead of the group's clock, milliseconds; behind: below 0.
    pub skew_ms: Option<f64>,
    /// How far its own clock is behind the host's, milliseconds.
    pub offset_ms: Option<f64>,
    /// There and back, milliseconds.
    pub rtt_ms: Option<f64>,
    /// What is wrong.
    pub fault: Option<String>,
}

impl Report {
    /// Within bounds, whatever it was.
    fn bounded(mut self) -> Self {
        let sound = |value: Option<f64>| value.filter(|value| value.is_finite());
        self.position_ms = sound(self.position_ms);
        self.skew_ms = sound(self.skew_ms);
        self.offset_ms = sound(self.offset_ms);
        self.rtt_ms = sound(self.rtt_ms);
        self.fault = self.fault.map(|it| it.chars().take(MAX_FAULT).collect());
        self
    }
}

/// A client as it is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Names it.
    pub id: String,
    /// What it calls itself.
    pub name: Option<String>,
    /// Where it stands.
    pub place: Option<Place>,
    /// From where it registered.
    pub peer: Option<IpAddr>,
    /// When it registered, Unix milliseconds.
    pub registered_unix_ms: u64,
    /// It has a line to this host.
    pub connected: bool,
    /// Nothing was heard of it for ten seconds.
    pub stale: bool,
    /// Since something was heard of it.
    pub silent_ms: u64,
    /// What it last said.
    pub report: Report,
}

#[derive(Debug)]
struct Entry {
    name: Option<String>,
    /// As it is kept: a hash.
    token: String,
    place: Option<Place>,
    peer: Option<IpAddr>,
    registered_unix_ms: u64,
    lines: u32,
    heard: Instant,
    report: Report,
}

#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<String, Entry>);

impl Table {
    /// Takes one in; whether another had to go for it.
    pub(super) fn add(
        &mut self,
        id: &str,
        token: &str,
        name: Option<String>,
        place: Option<Place>,
        peer: Option<IpAddr>,
        now: Instant,
    ) -> Result<bool, ControlError> {
        let before = self.0.len();
        let group = |place: &Option<Place>| place.as_ref().map(|place| place.group.clone());
        if name.is_some() {
            self.0
                .retain(|_, it| it.name != name || group(&it.place) != group(&place));
        }
        if self.0.len() >= MAX_CLIENTS {
            let gone = self.0.iter().filter(|(_, it)| it.lines == 0);
            let longest = gone
                .min_by_key(|(_, it)| it.heard)
                .map(|(id, _)| id.clone());
            let longest = longest.ok_or(ControlError::TooManyClients(MAX_CLIENTS))?;
            self.0.remove(&longest);
        }
        let entry = Entry {
            name,
            token: access::kept(token),
            place,
            peer,
            registered_unix_ms: unix_ms(),
            lines: 0,
            heard: now,
            report: Report::default(),
        };
        self.0.insert(id.to_owned(), entry);
        Ok(self.0.len() <= before)
    }

    pub(super) fn put(&mut self, id: &str, place: Option<Place>) {
        if let Some(entry) = self.0.get_mut(id) {
            entry.place = place;
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Counts a line more, if the token is the client's.
    pub(super) fn enter(&mut self, id: &str, token: &str, now: Instant) -> bool {
        let shown = access::kept(token);
        let entry = self.0.get_mut(id);
        let entry = entry.filter(|entry| access::same(&entry.token, &shown));
        entry.is_some_and(|entry| {
            entry.lines = entry.lines.saturating_add(1);
            entry.heard = now;
            true
        })
    }

    fn leave(&mut self, id: &str) {
        if let Some(entry) = self.0.get_mut(id) {
            entry.lines = entry.lines.saturating_sub(1);
        }
    }

    fn hear(&mut self, id: &str, report: Option<Report>, now: Instant) {
        if let Some(entry) = self.0.get_mut(id) {
            entry.heard = now;
            if let Some(report) = report {
                entry.report = report.bounded();
            }
        }
    }

    pub(super) fn sweep(&mut self, now: Instant) {
        self.0.retain(|_, entry| {
            entry.lines > 0 || now.saturating_duration_since(entry.heard) < FORGOTTEN
        });
    }

    pub(super) fn connected_places(&self) -> Vec<Place> {
        let connected = self.0.values().filter(|entry| entry.lines > 0);
        connected.filter_map(|entry| entry.place.clone()).collect()
    }

    pub(super) fn list(&self, now: Instant) -> Vec<Client> {
        let all = self.0.iter();
        all.map(|(id, entry)| entry.seen(id, now)).collect()
    }

    pub(super) fn get(&self, id: &str, now: Instant) -> Option<Client> {
        self.0.get(id).map(|entry| entry.seen(id, now))
    }
}

impl Entry {
    fn seen(&self, id: &str, now: Instant) -> Client {
        let silent = now.saturating_duration_since(self.heard);
        Client {
            id: id.to_owned(),
            name: self.name.clone(),
            place: self.place.clone(),
            peer: self.peer,
            registered_unix_ms: self.registered_unix_ms,
            connected: self.lines > 0,
            stale: silent >= STALE,
            silent_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
            report: self.report.clone(),
        }
    }
}

/// A client's line to this host; it ends when this is dropped.
pub struct Connection {
    clients: Clients,
    id: String,
    news: watch::Receiver<u64>,
}

impl Connection {
    pub(super) fn new(clients: Clients, id: &str, news: watch::Receiver<u64>) -> Self {
        Self {
            clients,
            id: id.to_owned(),
            news,
        }
    }

    /// Something was heard of it.
    pub fn hear(&self, report: Option<Report>) {
        let mut table = self.clients.0.table.lock();
        table.hear(&self.id, report, Instant::now());
    }

    /// What it is to show now; nothing if it stands nowhere.
    ///
    /// # Errors
    /// It was forgotten: it is to register again.
    pub fn task(&self) -> Result<Option<Task>, ControlError> {
        let client = self.clients.0.table.lock().get(&self.id, Instant::now());
        let client = client.ok_or_else(|| ControlError::UnknownClient(self.id.clone()))?;
        Ok(client.place.map(|place| self.clients.task(place)))
    }

    /// Resolves when [`Connection::task`] may be another. Cancel safe.
    pub async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            // The sender lives as long as this does.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.clients.0.table.lock().leave(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(screen: &str) -> Option<Place> {
        Some(Place {
            group: "lobby".parse().unwrap(),
            screen: screen.parse().unwrap(),
        })
    }

    fn table(count: usize, now: Instant) -> Table {
        let mut table = Table::default();
        for at in 0..count {
            let id = format!("c{at:05}");
            table
                .add(&id, "secret", None, place("a"), None, now)
                .unwrap();
        }
        table
    }

    #[test]
    fn a_line_takes_the_clients_own_token() {
        let now = Instant::now();
        let mut table = table(1, now);
        assert!(!table.enter("c00000", "other", now) && !table.enter("c9", "secret", now));
        assert!(!table.get("c00000", now).unwrap().connected);
        assert!(table.enter("c00000", "secret", now));
        assert!(table.get("c00000", now).unwrap().connected);
    }

    #[test]
    fn who_says_nothing_is_stale_and_who_is_gone_is_forgotten() {
        let start = Instant::now();
        let mut table = table(2, start);
        table.enter("c00001", "secret", start);
        let later = start + STALE;
        assert!(table.list(later).iter().all(|client| client.stale));
        table.hear("c00001", Some(Report::default()), later);
        assert!(!table.get("c00001", later).unwrap().stale);
        table.sweep(start + FORGOTTEN + Duration::from_secs(1));
        let left: Vec<_> = table.list(later).into_iter().map(|it| it.id).collect();
        assert_eq!(left, ["c00001"], "one that has a line stays");
        table.leave("c00001");
        table.sweep(later + FORGOTTEN);
        assert_eq!(table.list(later), []);
    }

    #[test]
    fn when_it_is_full_who_is_gone_for_longest_makes_room_and_nobody_else() {
        let start = Instant::now();
        let mut table = table(MAX_CLIENTS, start);
        let later = start + Duration::from_secs(1);
        for at in (0..MAX_CLIENTS).filter(|at| *at != 7) {
            assert!(table.enter(&format!("c{at:05}"), "secret", later));
        }
        table.add("new", "secret", None, None, None, later).unwrap();
        assert_eq!(table.get("c00007", later), None);
        table.enter("new", "secret", later);
        let full = table.add("newer", "secret", None, None, None, later);
        assert!(matches!(
            full,
            Err(ControlError::TooManyClients(MAX_CLIENTS))
        ));
    }

    #[test]
    fn one_that_comes_again_under_its_name_takes_its_own_place() {
        let now = Instant::now();
        let mut table = Table::default();
        let name = || Some("tv-1".to_owned());
        table.add("a", "s", name(), place("a"), None, now).unwrap();
        table.add("b", "s", name(), place("b"), None, now).unwrap();
        let elsewhere = Place {
            group: "hall".parse().unwrap(),
            screen: "a".parse().unwrap(),
        };
        table
            .add("c", "s", name(), Some(elsewhere), None, now)
            .unwrap();
        let left: Vec<_> = table.list(now).into_iter().map(|it| it.id).collect();
        assert_eq!(left, ["b", "c"]);
    }

    #[test]
    fn what_a_client_says_is_kept_within_bounds() {
        let report = Report {
            skew_ms: Some(f64::NAN),
            position_ms: Some(12.5),
            fault: Some("é".repeat(100_000)),
            ..Report::default()
        };
        let kept = report.bounded();
        assert_eq!((kept.skew_ms, kept.position_ms), (None, Some(12.5)));
        assert_eq!(kept.fault.unwrap().chars().count(), MAX_FAULT);
    }
}
