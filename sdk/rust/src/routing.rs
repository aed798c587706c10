//! The routing kind: the trait an author implements, and small conveniences over its records.

use serde::de::DeserializeOwned;
use std::fmt;

pub use crate::bindings::exports::pointsman::policy::routing::{
    Audio, Output, OutputState, Pair, Plan, Source, State, Video,
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

/// Why a policy makes no plan, in words for the operator.
///
/// Any `std::error::Error` turns into it with `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error with that text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl State {
    /// The source on air, if any.
    pub fn on_air(&self) -> Option<&Source> {
        self.sources.iter().find(|source| source.on_air)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The host's local time of day, minutes since midnight; 0 to 1439.
    pub fn local_minute_of_day(&self) -> u32 {
        const DAY: i64 = 24 * 60;
        let minutes = (self.now_unix_ms / 60_000) as i64 + i64::from(self.utc_offset_minutes);
        minutes.rem_euclid(DAY) as u32
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_wraps_over_midnight_in_both_directions() {
        let at = |hour: u64, utc_offset_minutes| State {
            now_unix_ms: hour * 3_600_000,
            utc_offset_minutes,
            ..State::default()
        };
        assert_eq!(at(23, 120).local_minute_of_day(), 60);
        assert_eq!(at(1, -120).local_minute_of_day(), 23 * 60);
        assert_eq!(at(0, -60).local_minute_of_day(), 23 * 60);
    }

    #[test]
    fn a_source_never_heard_is_not_heard_within_any_time() {
        let source = Source {
            connected: true,
            ..Source::default()
        };
        assert!(!source.heard_within(u64::MAX));
    }
}
