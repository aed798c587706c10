//! When an output is wanted. Plain words here; `control::schedule` knows what they mean.

use serde::{Deserialize, Serialize};

/// When an output is wanted: within any of its windows, or since the last start of any of its
/// recurring times. At all other times it is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// IANA time zone of the recurring times, for example `Europe/Berlin`.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Once each; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowSpec>,
    /// Again and again; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recurring: Vec<RecurringSpec>,
}

/// From one moment to another, each RFC 3339 with its offset: `2026-01-31T18:00:00+01:00`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// The first moment; left out: it is wanted until `stop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The first moment after it; left out: it is wanted from `start` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
}

/// Starts at every time that a cron expression names, and stops so long after, or at every time
/// that another one names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurringSpec {
    /// Minute, hour, day of month, month, day of week: `0 18 * * MON-FRI`.
    pub start: String,
    /// Of the same form. Either this or `duration_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// Seconds that pass, 1 to 31622400 (366 days), whatever clocks are changed meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<u64>,
}

fn utc() -> String {
    "UTC".to_owned()
}
