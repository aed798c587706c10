//! A set of outputs under a name, with places for what differs from one input to the next.

use crate::{Label, Retry, ScheduleSpec};
use serde::{Deserialize, Serialize};

/// A named set of outputs with variables, to be added to an input in one go. What was added has
/// a life of its own: a template that changes afterwards changes none of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSpec {
    /// Unique in the document.
    pub name: Label,
    /// What is filled in; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableSpec>,
    /// What is added; `{variable}` stands for a variable's value.
    #[serde(default)]
    pub outputs: Vec<OutputTemplate>,
}

/// Something that is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    /// 1 to 32 small letters, digits and `_`.
    pub name: String,
    /// Its value where none is given; without this, one has to be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether the default is shown as `***`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secret: bool,
}

/// An output with places for values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputTemplate {
    /// As of an output; values go in as they are.
    pub name: String,
    /// As of an output; values go in percent-encoded.
    pub url: String,
    /// As of an output.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// As of an output.
    #[serde(default, skip_serializing_if = "Retry::is_usual")]
    pub retry: Retry,
    /// As of an output; it has no variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,
}

fn yes() -> bool {
    true
}

fn is_false(value: &bool) -> bool {
    !value
}
