//! `[otlp]`: a collector of figures and traces.

use super::ConfigError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// `[otlp]`
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// The collector, for OTLP over HTTP: `http://127.0.0.1:4318`. Without it nothing is sent.
    pub endpoint: Option<String>,
    /// How often, in seconds: 1 to 3600.
    pub interval_s: u32,
    /// Sent with every request, for example a key.
    pub headers: BTreeMap<String, String>,
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            endpoint: None,
            interval_s: 10,
            headers: BTreeMap::new(),
        }
    }
}

impl Otlp {
    /// What the API is told of it; none: nothing is sent.
    pub(crate) fn wanted(&self) -> Option<api::Otlp> {
        Some(api::Otlp {
            endpoint: self.endpoint.clone()?,
            headers: self.headers.clone(),
            interval: Duration::from_secs(self.interval_s.into()),
        })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let sound = |text: &String| {
            let url = text.parse::<Url>();
            url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if !self.endpoint.as_ref().is_none_or(sound) {
            let range = "the URL of a collector, for example http://127.0.0.1:4318";
            return Err(ConfigError::range("otlp.endpoint", range));
        }
        match (1..=3600).contains(&self.interval_s) {
            true => Ok(()),
            false => Err(ConfigError::range("otlp.interval_s", "1 to 3600 s")),
        }
    }
}

/// Headers hold keys.
impl std::fmt::Debug for Otlp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Otlp")
            .field("endpoint", &self.endpoint)
            .field("interval_s", &self.interval_s)
            .finish_non_exhaustive()
    }
}
