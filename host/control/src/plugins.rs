//! Plugins as the control plane sees them: what happens to them is announced to everybody, a
//! swap is followed by decisions, and the last thing that went wrong is remembered.

use crate::actor::Control;
use crate::clock::unix_ms;
use crate::router::Cause;
use model::{Event, Label};
use parking_lot::Mutex;
use plugin::{Change, InstallError, Plugins};
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::sync::broadcast::error::RecvError;

/// Names remembered; strangers to the folder may send any.
const MAX_REMEMBERED: usize = 256;

/// What last went wrong with a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The last component that was refused under this name.
    pub refused: Option<Refused>,
    /// The last time that the host went back to an older version by itself.
    pub rolled_back: Option<RolledBack>,
}

/// A component that was not installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
    /// Stable short name of why.
    pub code: &'static str,
    /// Why, for people.
    pub error: String,
}

/// A version that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// When, Unix milliseconds.
    pub at_unix_ms: u64,
    /// SHA-256 of the version that failed, hexadecimal.
    pub from: String,
    /// SHA-256 of the version that took over again, hexadecimal.
    pub to: String,
    /// How it failed.
    pub why: String,
}

/// Remembers trouble, by plugin.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<Label, Trouble>>);

impl Memory {
    pub(crate) fn of(&self, plugin: &str) -> Trouble {
        self.0.lock().get(plugin).cloned().unwrap_or_default()
    }

    /// A component was refused; told twice is no harm.
    pub(crate) fn refused(&self, plugin: &Label, error: &InstallError) {
        self.refuse(plugin, error.code(), error.to_string());
    }

    fn refuse(&self, plugin: &Label, code: &'static str, error: String) {
        self.change(plugin, |trouble| {
            trouble.refused = Some(Refused {
                at_unix_ms: unix_ms(),
                code,
                error,
            });
        });
    }

    fn note(&self, change: &Change) {
        match change {
            Change::Refused { name, code, error } => self.refuse(name, code, error.clone()),
            Change::RolledBack {
                name,
                from,
                to,
                why,
            } => self.change(name, |trouble| {
                trouble.rolled_back = Some(RolledBack {
                    at_unix_ms: unix_ms(),
                    from: from.to_string(),
                    to: to.to_string(),
                    why: why.clone(),
                });
            }),
            Change::Removed { name } => drop(self.0.lock().remove(name)),
            _ => {}
        }
    }

    fn change(&self, plugin: &Label, change: impl FnOnce(&mut Trouble)) {
        let mut all = self.0.lock();
        if all.len() >= MAX_REMEMBERED && !all.contains_key(plugin) {
            all.pop_first();
        }
        change(all.entry(plugin.clone()).or_default());
    }
}

impl Control {
    /// Something happened to a plugin, or so much that some of it was missed.
    pub(crate) fn plugins_changed(&mut self, change: Result<Change, RecvError>) {
        if let Ok(change) = &change {
            self.memory.note(change);
            if let Some(event) = event_of(change) {
                self.registry.announce(event);
            }
        }
        match change {
            Ok(Change::Activated { name, .. } | Change::Removed { name }) => {
                self.swapped(Some(&name));
            }
            Err(RecvError::Lagged(_)) => self.swapped(None),
            Ok(_) | Err(RecvError::Closed) => {}
        }
    }

    /// A plugin is another one now: its streams are decided for anew. `None`: any may be.
    fn swapped(&mut self, touched: Option<&Label>) {
        // One that was gone and is back accepts its config again.
        let policies = &self.desired.site().policies;
        self.decider.bind(policies, touched);
        self.occasions.send_modify(|count| *count += 1);
        for name in self.running.names() {
            let policy = self.routing_policy(name);
            let is_touched = |plugin| touched.is_none_or(|touched| plugin == *touched);
            if policy.is_some_and(|policy| is_touched(policy.plugin)) {
                self.router.mark(name, Cause::PluginChanged);
            }
        }
    }
}

/// The step that an installation of a plugin stands at, if one is under way.
pub(crate) fn installing(plugins: &Plugins, plugin: &str) -> Option<&'static str> {
    let installing = plugins.installing().into_iter();
    let mut of_it = installing.filter(|it| it.name.as_str() == plugin);
    of_it.next().map(|it| it.step.as_str())
}

fn event_of(change: &Change) -> Option<Event> {
    Some(match change {
        Change::Step { name, step } => Event::PluginStep {
            plugin: name.clone(),
            step: step.as_str().to_owned(),
        },
        Change::Refused { name, code, error } => Event::PluginRefused {
            plugin: name.clone(),
            code: (*code).to_owned(),
            error: error.clone(),
        },
        Change::Activated { name, hash } => Event::PluginActivated {
            plugin: name.clone(),
            sha256: hash.to_string(),
        },
        Change::RolledBack {
            name,
            from,
            to,
            why,
        } => Event::PluginRolledBack {
            plugin: name.clone(),
            from: from.to_string(),
            to: to.to_string(),
            why: why.clone(),
        },
        Change::BreakerOpened {
            name,
            until_ms,
            why,
        } => Event::PluginBreakerOpened {
            plugin: name.clone(),
            until_unix_ms: *until_ms,
            why: why.clone(),
        },
        Change::BreakerClosed { name } => Event::PluginBreakerClosed {
            plugin: name.clone(),
        },
        Change::Removed { name } => Event::PluginRemoved {
            plugin: name.clone(),
        },
        _ => return None,
    })
}
