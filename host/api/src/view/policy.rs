//! Policies: which plugin decides what, for which streams.

use model::{Label, PolicyKind, PolicySpec, StreamPattern};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a plugin takes part.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PolicyMode {
    /// It decides.
    #[default]
    Active,
}

/// A bound policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// What it decides.
    #[schema(value_type = String, example = "routing")]
    kind: PolicyKind,
    /// For which streams; the most specific match wins.
    #[schema(value_type = String, example = "live/*")]
    streams: StreamPattern,
    /// The plugin's name.
    #[schema(value_type = String, example = "fanout")]
    plugin: Label,
    /// Checked against the plugin's own JSON Schema.
    #[schema(value_type = Object)]
    config: serde_json::Value,
    /// How the plugin takes part.
    mode: PolicyMode,
}

impl From<PolicySpec> for PolicyView {
    fn from(policy: PolicySpec) -> Self {
        let PolicySpec {
            kind,
            streams,
            plugin,
            config,
        } = policy;
        Self {
            kind,
            streams,
            plugin,
            config,
            mode: PolicyMode::Active,
        }
    }
}

/// What `PUT /api/v1/policies/{kind}` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyBody {
    /// The plugin's name.
    #[schema(value_type = String, example = "fanout")]
    plugin: Label,
    /// Its configuration; `{}` if left out.
    #[serde(default = "empty")]
    #[schema(value_type = Object)]
    config: serde_json::Value,
    /// For which streams; `*`, all, if left out.
    #[serde(default = "StreamPattern::any")]
    #[schema(value_type = String, example = "live/*")]
    streams: StreamPattern,
    /// How the plugin takes part.
    #[serde(default)]
    #[allow(
        dead_code,
        reason = "there is one mode; naming another is refused by its type"
    )]
    mode: PolicyMode,
}

fn empty() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

impl PolicyBody {
    pub(crate) fn into_spec(self, kind: PolicyKind) -> PolicySpec {
        PolicySpec {
            kind,
            streams: self.streams,
            plugin: self.plugin,
            config: self.config,
        }
    }
}
