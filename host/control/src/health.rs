//! Whether the control plane has what it needs.

use crate::handle::ControlHandle;

/// How a part of the host fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Well.
    Ok,
    /// It does not work, and streams do not need it: what, and what follows.
    Degraded(String),
    /// Not all that is wanted can run: why.
    Failed(String),
}

/// A part of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// How it fares.
    pub state: State,
}

/// What is known against the place where the document is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// What was kept has not been read, so not all that is wanted runs: why.
    Unread(String),
    /// Nothing can be kept now: why.
    Unwritable(String),
}

impl ControlHandle {
    /// How the document and the database fare. Waits for neither.
    pub fn health(&self) -> Vec<Check> {
        let lack = self
            .changes
            .archive
            .as_ref()
            .and_then(|archive| archive.lack());
        let (document, database) = match lack {
            None => (State::Ok, State::Ok),
            Some(Lack::Unwritable(why)) => {
                let detail = format!("{why}; streams go on, nothing can be changed until it works");
                (State::Ok, State::Degraded(detail))
            }
            Some(Lack::Unread(why)) => {
                let missing = "only what the configuration file says is running, since the \
                               database cannot be read";
                (State::Failed(missing.to_owned()), State::Degraded(why))
            }
        };
        let document = Check {
            name: "document",
            state: document,
        };
        let database = Check {
            name: "database",
            state: database,
        };
        vec![document, database]
    }
}
