//! The configuration, as `config.schema.json` describes it.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Rules by stream name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// In no order: the most specific match decides.
    pub rules: Vec<Rule>,
}

/// What is wanted of the streams whose names match.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Pattern over stream names.
    pub streams: String,
    /// Protocols that viewers may take the stream over; none allows all.
    pub serve: Option<Vec<String>>,
    /// How the source on air is chosen.
    pub on_air: OnAir,
    /// A source is heard while its last packet is no older than this, milliseconds.
    pub max_age_ms: u64,
    /// Which sources stand in, best first: patterns over their ids.
    pub failover: Vec<String>,
    /// Id of the source to show while no other one delivers.
    pub slate: Option<String>,
    /// Outputs beside the declared ones.
    pub outputs: Vec<OutputRule>,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            streams: "*".to_owned(),
            serve: None,
            on_air: OnAir::Best,
            max_age_ms: 2_000,
            failover: vec!["*".to_owned()],
            slate: None,
            outputs: Vec::new(),
        }
    }
}

/// How the source on air is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAir {
    /// The one on air while it is heard, else the first that is heard.
    #[default]
    Best,
    /// Always the first that is heard.
    First,
}

/// An output that a rule adds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRule {
    /// Unique within the stream.
    pub name: String,
    /// Where to send; `{stream}` and `{name}` are filled in.
    pub url: String,
    /// Parameters of the output.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
}
