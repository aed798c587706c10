//! A policy's configuration and the schema it is checked against.

use crate::component::Hash;
use serde_json::Value;
use std::sync::Arc;

/// Bytes of a schema.
pub(crate) const SCHEMA_BYTES: usize = 256 << 10;
/// Violations that an error names.
const VIOLATIONS: usize = 8;

/// Keywords that judge a value by itself: what its description says is what was expected.
const VALUE_KEYWORDS: [&str; 12] = [
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "type",
];

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
                let place = error.instance_path().as_str();
                let place = if place.is_empty() { "/" } else { place };
                // The value may be a secret; whoever sent it knows it.
                let error_text = error.masked_with("the value");
                let expected = self.expected(error.schema_path().as_str());
                let expected = expected.map(|text| format!(" (expected: {text})"));
                let expected = expected.unwrap_or_default();
                crate::log::cut(format!("{place}: {error_text}{expected}"), 1_024)
            })
            .collect();
        if violations.is_empty() {
            Ok(Config::new(config))
        } else {
            Err(violations)
        }
    }

    /// What the author says of a value, for one that is not as its schema wants it.
    fn expected(&self, violated: &str) -> Option<&str> {
        let (schema, keyword) = violated.rsplit_once('/')?;
        VALUE_KEYWORDS
            .contains(&keyword)
            .then(|| self.value.pointer(schema)?.get("description")?.as_str())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_told_with_its_place_in_the_authors_words_and_without_the_value() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "description": "all of it",
            "properties": {
                "keys": { "type": "array", "items": { "$ref": "#/$defs/key" } },
                "port": { "type": "integer", "maximum": 9 },
            },
            "$defs": { "key": {
                "description": "A key of 4 digits, as the locksmith makes them.",
                "type": "string", "pattern": "^[0-9]{4}$",
            } },
        });
        let schema = Schema::parse(&schema.to_string()).unwrap();
        let config = json!({ "keys": ["1234", "hunter2"], "port": 10, "prot": 1 });
        let mut told = schema.check(&config).unwrap_err();
        told.sort();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told[0].starts_with("/: ") && told[0].contains("prot"),
            "{told:?}"
        );
        assert!(told[1].starts_with("/keys/1: the value "), "{told:?}");
        assert!(
            told[1].ends_with("(expected: A key of 4 digits, as the locksmith makes them.)"),
            "{told:?}"
        );
        assert!(told[2].starts_with("/port: the value "), "{told:?}");
        assert!(!told.concat().contains("hunter2"), "{told:?}");
        assert!(!told[0].contains("all of it"), "{told:?}");
    }
}
