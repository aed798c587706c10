//! Policies: which plugin decides what, for which streams.

use control::decide::{Binding, Comparison, Decider, Ruling};
use control::log::secrets;
use model::selection::Asset;
use model::{Label, PolicyKind, PolicyMode, PolicySpec, StreamPattern};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A bound policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// What it decides: `routing`, `selection`, `layout` or `auth`.
    #[schema(value_type = String, example = "routing")]
    kind: PolicyKind,
    /// For which streams; the most specific match wins.
    #[schema(value_type = String, example = "live/*")]
    streams: StreamPattern,
    /// The plugin's name.
    #[schema(value_type = String, example = "fanout")]
    plugin: Label,
    /// Checked against the plugin's own JSON Schema. Secrets are replaced; an auth policy's is
    /// not shown.
    #[schema(value_type = Object)]
    config: Value,
    /// SHA-256 of the configuration as JSON, hexadecimal: tells whether it changed.
    config_hash: String,
    /// `active`: it decides; `shadow`: it is only compared with who decides; `canary`: it
    /// decides for a share of the streams.
    #[schema(value_type = String, example = "active")]
    mode: PolicyMode,
    /// Of a canary: the share of streams that it decides for.
    percent: Option<u8>,
    /// What its operator may not have thought of.
    warning: Option<&'static str>,
    /// Of a shadow or a canary: how it compares with who decides otherwise, since it was bound
    /// or its plugin replaced. `compared`, `differing`, `failed`, `skipped`, and the newest 20
    /// `differences`, each with `at_unix_ms`, `subject`, `active`, `tried` and `error`.
    #[schema(value_type = Option<Object>)]
    comparison: Option<Comparison>,
}

impl From<&Binding> for PolicyView {
    fn from(binding: &Binding) -> Self {
        let PolicySpec {
            kind,
            streams,
            mode,
            percent,
            plugin,
            config,
        } = binding.spec.clone();
        Self {
            config: secrets::hide_config(kind, &config),
            config_hash: binding.config_hash.to_string(),
            warning: binding.warning(),
            comparison: Decider::comparison(binding),
            kind,
            streams,
            plugin,
            mode,
            percent,
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
    config: Value,
    /// For which streams; `*`, all, if left out.
    #[serde(default = "StreamPattern::any")]
    #[schema(value_type = String, example = "live/*")]
    streams: StreamPattern,
    /// `active` if left out, `shadow` or `canary`.
    #[serde(default)]
    #[schema(value_type = String, example = "active")]
    mode: PolicyMode,
    /// Of a canary: the share of streams that it decides for, 1 to 100.
    percent: Option<u8>,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

impl PolicyBody {
    pub(crate) fn into_spec(self, kind: PolicyKind) -> PolicySpec {
        PolicySpec {
            kind,
            streams: self.streams,
            mode: self.mode,
            percent: self.percent,
            plugin: self.plugin,
            config: self.config,
        }
    }
}

/// What `POST /api/v1/policies/{kind}/decide` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialBody {
    /// What the policy is asked, as in the decision log under `question.input`; `now_unix_ms` is
    /// the present if left out.
    #[schema(value_type = Object, example = json!({"stream": "live/cam1"}))]
    pub(crate) input: serde_json::Map<String, Value>,
    /// The clips to choose from; of a selection.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub(crate) library: Vec<Asset>,
}

/// What a dry run came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrialView {
    /// What would hold; none: there is nothing to choose from.
    #[schema(value_type = Option<Object>)]
    answer: Option<Value>,
    /// `plugin`; `built_in`: no policy is bound, or it failed; `denied`: it failed, and so nobody
    /// is let in.
    #[schema(value_type = String, example = "plugin")]
    decided_by: control::decide::DecidedBy,
    /// The plugin that was asked.
    plugin: Option<String>,
    /// The author's version of it.
    version: String,
    /// SHA-256 of the component, hexadecimal.
    hash: Option<String>,
    /// In which mode it is bound.
    #[schema(value_type = Option<String>)]
    mode: Option<PolicyMode>,
    /// Why the policy's own answer would not hold: `code` and `message`.
    #[schema(value_type = Option<Object>)]
    error: Option<control::decide::Failure>,
    /// What of the answer could not be done, as far as that is known without the stream.
    refused: Vec<String>,
    /// From the question to the answer, microseconds.
    duration_us: u64,
}

impl From<Ruling> for TrialView {
    fn from(trial: Ruling) -> Self {
        let spec = trial.policy.as_ref().map(|policy| &policy.spec);
        let answer = trial.answer.as_deref().and_then(|answer| {
            let mut tagged = serde_json::to_value(answer).ok()?;
            tagged.get_mut("output").map(Value::take)
        });
        Self {
            answer,
            decided_by: trial.decided_by,
            plugin: spec.map(|spec| spec.plugin.to_string()),
            version: trial.version,
            hash: trial.hash,
            mode: spec.map(|spec| spec.mode),
            error: trial.error,
            refused: trial.refused,
            duration_us: u64::try_from(trial.took.as_micros()).unwrap_or(u64::MAX),
        }
    }
}
