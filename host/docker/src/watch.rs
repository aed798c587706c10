//! Keeps the list of containers.

use crate::engine::{Client, Trouble};
use crate::found::{Found, Unfit, judge};
use crate::settings::Settings;
use futures_util::{FutureExt, StreamExt};
use link::{Backoff, Context};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Events that come together are one: a list is not made anew more often.
const GATHER: Duration = Duration::from_millis(100);

/// After an event the list is made anew so many times more, and so long after each other: an engine
/// under load tells of an end before its own list knows.
const AFTERWARDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// What is known of the containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// Whether there is an engine.
    pub engine: Engine,
    /// By group, screen and name. Empty while there is no engine.
    pub containers: Vec<Found>,
    /// Those whose labels cannot be taken.
    pub unfit: Vec<Unfit>,
    /// There are more than are listed.
    pub left_out: bool,
}

/// Whether there is an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Engine {
    /// It was not asked yet.
    Connecting,
    /// It answers.
    Connected {
        /// Its version.
        version: String,
    },
    /// It does not, and is tried again.
    Unreachable {
        /// Tells reasons apart, for programs; stable.
        code: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
}

impl Discovery {
    fn without(engine: Engine) -> Self {
        Self {
            engine,
            containers: Vec::new(),
            unfit: Vec::new(),
            left_out: false,
        }
    }
}

/// Looks for screens from now on, until the host shuts down. The list changes only when something
/// did.
pub fn watch(context: &Context, settings: Settings) -> watch::Receiver<Arc<Discovery>> {
    let first = Discovery::without(Engine::Connecting);
    let (shown, seen) = watch::channel(Arc::new(first));
    let watcher = Watcher { settings, shown };
    let shutdown = context.shutdown().clone();
    context.tasks().spawn(async move {
        tokio::select! {
            () = watcher.run() => {}
            () = shutdown.cancelled() => {}
        }
    });
    seen
}

struct Watcher {
    settings: Settings,
    shown: watch::Sender<Arc<Discovery>>,
}

impl Watcher {
    async fn run(self) {
        // Nobody else knocks at this door, so that noise matters little.
        let mut backoff = Backoff::new(self.settings.retry, u64::from(std::process::id()));
        loop {
            let since = Instant::now();
            let trouble = self.session().await;
            if since.elapsed() >= self.settings.retry.stable_after {
                backoff.reset();
            }
            self.tell(trouble);
            // It never gives up by itself.
            let wait = backoff.fail().unwrap_or(self.settings.retry.cap);
            tokio::time::sleep(wait).await;
        }
    }

    /// From when the engine answers until it does not any more.
    async fn session(&self) -> Trouble {
        let client = match Client::connect(&self.settings.socket).await {
            Ok(client) => client,
            Err(trouble) => return trouble,
        };
        let mut events = std::pin::pin!(client.events());
        let mut told = false;
        let mut afterwards = AFTERWARDS.iter();
        loop {
            if let Err(trouble) = self.list(&client).await {
                return trouble;
            }
            if !std::mem::replace(&mut told, true) {
                tracing::info!(version = client.version, "Docker engine found");
            }
            let again = afterwards.next().unwrap_or(&self.settings.refresh);
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(())) => afterwards = AFTERWARDS.iter(),
                    Some(Err(trouble)) => return trouble,
                    None => return client.ended(),
                },
                () = tokio::time::sleep(*again) => continue,
            }
            tokio::time::sleep(GATHER).await;
            // Those that came meanwhile.
            while let Some(event) = events.next().now_or_never() {
                match event {
                    Some(Ok(())) => {}
                    Some(Err(trouble)) => return trouble,
                    None => return client.ended(),
                }
            }
        }
    }

    async fn list(&self, client: &Client) -> Result<(), Trouble> {
        let most = self.settings.max_containers;
        let mut listed = client.containers(most + 1).await?;
        let left_out = listed.len() > most;
        listed.truncate(most);
        let mut discovery = Discovery {
            left_out,
            ..Discovery::without(Engine::Connected {
                version: client.version.clone(),
            })
        };
        for judged in listed.into_iter().filter_map(judge) {
            match judged {
                Ok(found) => discovery.containers.push(found),
                Err(unfit) => discovery.unfit.push(unfit),
            }
        }
        let place = |found: &Found| {
            let (group, screen) = (found.group.clone(), found.screen.clone());
            (group, screen, found.name.clone())
        };
        discovery.containers.sort_by_cached_key(place);
        discovery.unfit.sort_by(|a, b| a.id.cmp(&b.id));
        self.complain(&discovery);
        self.show(discovery);
        Ok(())
    }

    /// Says once what is wrong with a container's labels.
    fn complain(&self, discovery: &Discovery) {
        let known = self.shown.borrow().clone();
        let new = |unfit: &&Unfit| !known.unfit.contains(unfit);
        for unfit in discovery.unfit.iter().filter(new) {
            let (container, problem) = (&unfit.name, &unfit.problem);
            tracing::warn!(code = "docker-label", container, "no screen: {problem}");
        }
    }

    /// Says once that there is no engine, and shows why.
    fn tell(&self, trouble: Trouble) {
        let (code, why) = (trouble.code(), trouble.to_string());
        let engine = Engine::Unreachable { code, why };
        let discovery = Discovery::without(engine);
        let before = match &self.shown.borrow().engine {
            Engine::Unreachable { code, .. } => Some(*code),
            _ => None,
        };
        if before != Some(code) {
            tracing::warn!(code, "{trouble}; it is tried again now and then");
        }
        self.show(discovery);
    }

    fn show(&self, discovery: Discovery) {
        self.shown.send_if_modified(|shown| {
            let changed = **shown != discovery;
            if changed {
                *shown = Arc::new(discovery);
            }
            changed
        });
    }
}
