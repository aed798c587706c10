//! A policy's configuration and the schema it is checked against.

use crate::component::Hash;
use serde_json::Value;
use std::sync::Arc;

/// Bytes of a schema.
pub(crate) const SCHEMA_BYTES: usize = 256 << 10;
/// Violations that an error names.
const VIOLATIONS: usize = 8;

/// A configuration that passed its plugin's schema, ready to be handed to calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    json: Arc<str>,
    hash: Hash,
}

impl Config {
    fn new(config: &Value) -> Self {
        let json = config.to_string();
        Self {
            hash: Hash::of(json.as_bytes()),
            json: json.into(),
        }
    }

    /// The configuration as JSON.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// SHA-256 of that JSON: tells configurations apart in logs.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }
}

/// A plugin's JSON Schema.
pub(crate) struct Schema {
    validator: jsonschema::Validator,
    value: Value,
}

impl Schema {
    /// Reads a schema.
    ///
    /// Patterns run on an engine without backtracking, and references to elsewhere are refused:
    /// the schema comes from the plugin, and checking must neither hang nor reach out.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > SCHEMA_BYTES {
            return Err(format!(
                "{} bytes, at most {SCHEMA_BYTES} are taken",
                text.len()
            ));
        }
        let value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let validator = jsonschema::options()
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .offline()
            .build(&value)
            .map_err(|error| format!("{error} (at {:?})", error.instance_path().to_string()))?;
        Ok(Self { validator, value })
    }

    /// The schema as JSON.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Checks a configuration; the error lists what is wrong and where.
    pub(crate) fn check(&self, config: &Value) -> Result<Config, Vec<String>> {
        let violations: Vec<_> = self
            .validator
            .iter_errors(config)
            .take(VIOLATIONS)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "/" } else { &place };
                crate::log::cut(format!("{place}: {error}"), 512)
            })
            .collect();
        if violations.is_empty() {
            Ok(Config::new(config))
        } else {
            Err(violations)
        }
    }
}
