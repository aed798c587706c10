//! Webhooks: events sent to whoever is declared, signed, in order, until they arrive.
//!
//! A webhook is a listener to the [`Journal`]: what waits for it waits in the ring, so one that is
//! slow or gone takes nothing, and what it is overtaken by is counted. Events are lost when the
//! host stops; so is the log of deliveries.

mod collapse;
mod courier;
mod hook;
mod send;
mod sign;

pub use hook::{Delivery, HookFigures};
pub use send::Sender;

use crate::journal::Journal;
use hook::Hook;
use model::{Label, WebhookSpec};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How deliveries are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// How long a receiver may take to answer.
    pub timeout: Duration,
    /// When it is tried again.
    pub retry: link::Policy,
}

impl Default for Patience {
    /// Nine tries over about a quarter of an hour.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            retry: link::Policy {
                initial: Duration::from_secs(2),
                factor: 2,
                cap: Duration::from_secs(300),
                jitter_percent: 20,
                max_attempts: Some(9),
                ..link::Policy::default()
            },
        }
    }
}

/// The webhooks there are; clones share them.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    journal: Journal,
    sender: Sender,
    patience: Patience,
    running: Mutex<BTreeMap<Label, Running>>,
}

struct Running {
    hook: Arc<Hook>,
    /// None while it is not wanted.
    courier: Option<AbortHandle>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(courier) = &self.courier {
            courier.abort();
        }
    }
}

impl Webhooks {
    pub(crate) fn new(journal: Journal, sender: Sender, patience: Patience) -> Self {
        Self(Arc::new(Inner {
            journal,
            sender,
            patience,
            running: Mutex::default(),
        }))
    }

    /// Has exactly these run. One that stays the same is not touched; one that changed goes on
    /// where it was.
    pub(crate) fn adopt(&self, wanted: &[WebhookSpec]) {
        let mut running = self.0.running.lock();
        running.retain(|name, _| wanted.iter().any(|spec| spec.name == *name));
        for spec in wanted {
            let before = running.get(&spec.name);
            if before.is_some_and(|before| before.hook.spec == *spec) {
                continue;
            }
            let hook = Arc::new(match before {
                Some(before) => before.hook.succeeded_by(spec.clone()),
                None => Hook::new(spec.clone()),
            });
            // What ran before ends as it is dropped; an event on its way is then sent again.
            let courier = spec.enabled.then(|| self.send_for(&hook));
            running.insert(spec.name.clone(), Running { hook, courier });
        }
    }

    fn send_for(&self, hook: &Arc<Hook>) -> AbortHandle {
        let courier = courier::run(
            hook.clone(),
            self.0.journal.clone(),
            self.0.sender.clone(),
            self.0.patience,
        );
        tokio::spawn(courier).abort_handle()
    }

    /// Ends all of them.
    pub(crate) fn stop(&self) {
        self.0.running.lock().clear();
    }

    /// The last deliveries of one, newest first; none if there is no such webhook.
    pub fn deliveries(&self, name: &Label) -> Option<Vec<Delivery>> {
        let running = self.0.running.lock();
        running.get(name).map(|running| running.hook.deliveries())
    }

    /// How each fares, by name.
    pub fn figures(&self) -> Vec<(Label, HookFigures)> {
        let running = self.0.running.lock();
        let figures = |(name, running): (&Label, &Running)| (name.clone(), running.hook.figures());
        running.iter().map(figures).collect()
    }

    /// Sends one an event of type `webhook_test`, once, whether it is enabled or not.
    pub async fn test(&self, name: &Label) -> Option<Delivery> {
        let running = |name| Some(self.0.running.lock().get(name)?.hook.clone());
        let hook = running(name)?;
        let now = crate::clock::unix_ms();
        let id = format!("test-{now:x}");
        let json = serde_json::json!({
            "id": id, "time_unix_ms": now, "type": "webhook_test", "webhook": name,
        });
        let body = json.to_string().into();
        let letter = courier::Letter {
            id,
            kind: "webhook_test",
            body,
        };
        let (sender, limit) = (&self.0.sender, self.0.patience.timeout);
        Some(courier::attempt(&hook, &letter, 1, sender, limit).await.0)
    }
}
