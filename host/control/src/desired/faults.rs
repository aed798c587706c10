//! What is wrong with a document.

use serde::Serialize;
use std::fmt;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The input or policy, for example `input live/cam1`.
    pub item: String,
    /// The field within it, for example `outputs[archive].url`.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// All that is wrong with a document, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub(super) fn add(
        &mut self,
        item: impl fmt::Display,
        field: impl fmt::Display,
        problem: impl fmt::Display,
    ) {
        let fault = Fault {
            item: item.to_string(),
            field: field.to_string(),
            problem: problem.to_string(),
        };
        self.0.push(fault);
    }

    pub(super) fn into_result<T>(self, sound: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(sound)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.item, self.field, self.problem)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// As [`at_most`], where the operator set the limit.
pub(super) fn limited(key: &str, limit: usize, count: usize, item: &str, faults: &mut Faults) {
    if count > limit {
        let problem = format_args!(
            "{count} in all, at most {limit} are allowed; raise {key} in [limits] of the configuration"
        );
        let field = if key == "inputs" { key } else { "outputs" };
        faults.add(item, field, problem);
    }
}

pub(super) fn at_most(limit: usize, count: usize, item: &str, field: &str, faults: &mut Faults) {
    if count > limit {
        let problem = format_args!("{count} given, at most {limit} are allowed");
        faults.add(item, field, problem);
    }
}
