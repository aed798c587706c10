//! The kind `routing`: which source is on air, where a stream is sent, how viewers may take it.

use crate::{Error, local_time, value_of};
use serde::de::DeserializeOwned;

pub use crate::bindings::routing::exports::pointsman::policy::routing::{
    Alert, Audio, Output, OutputState, Plan, Severity, Source, State, Video,
};

/// A policy that routes. It has no state, so the type implementing it is only a name.
pub trait Routing {
    /// The operator's configuration. It was checked against the schema before it comes here.
    type Config: DeserializeOwned;

    /// Decides which source is on air, where the stream is sent and how viewers may take it.
    ///
    /// # Errors
    ///
    /// Text for the operator, when no sensible plan can be made; the last good plan stays in
    /// force.
    fn route(state: State, config: Self::Config) -> Result<Plan, Error>;
}

impl State {
    /// The source on air, if any.
    pub fn on_air(&self) -> Option<&Source> {
        self.sources.iter().find(|source| source.on_air)
    }

    /// The source of that id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        value_of(&self.labels, key)
    }

    /// The host's local time of day, minutes since midnight; 0 to 1439.
    pub fn local_minute_of_day(&self) -> u32 {
        local_time::minute_of_day(self.now_unix_ms, self.utc_offset_minutes)
    }

    /// The stream's name after its last slash.
    pub fn short_name(&self) -> &str {
        self.stream.rsplit('/').next().unwrap_or(&self.stream)
    }
}

impl Source {
    /// Whether it is connected and its last packet came within the given milliseconds.
    pub fn heard_within(&self, max_age_ms: u64) -> bool {
        self.connected && self.packet_age_ms.is_some_and(|age| age <= max_age_ms)
    }
}

impl Plan {
    /// The plan that runs what the operator declared and enabled, and changes nothing else.
    pub fn keep_declared(state: &State) -> Self {
        Self {
            outputs: state
                .outputs
                .iter()
                .filter(|output| output.declared && output.enabled)
                .map(|output| Output::declared(&output.name))
                .collect(),
            ..Self::default()
        }
    }
}

impl Output {
    /// The declared output of that name, to its own url.
    pub fn declared(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// An output of the plan's own making.
    pub fn to(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: Some(url.into()),
            ..Self::default()
        }
    }
}

impl Alert {
    /// An alert; `code` names the condition, so that it is told once however often it is decided.
    pub fn new(code: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_never_heard_is_not_heard_within_any_time() {
        let source = Source {
            connected: true,
            ..Source::default()
        };
        assert!(!source.heard_within(u64::MAX));
    }
}
