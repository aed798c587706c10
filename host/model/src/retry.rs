//! How a connection that this host makes is tried again, as far as an operator says.

use serde::{Deserialize, Serialize};

/// What an operator says about tries of one output or source; what is left out is as usual for
/// its protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The first wait, ms, 50 to 600000; usually 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_ms: Option<u32>,
    /// What each further wait is multiplied by, 1 to 10; usually 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<u32>,
    /// No wait is longer, jitter apart, ms, 50 to 3600000; usually 30000, with UDP 2000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap_ms: Option<u32>,
    /// Each wait is spread evenly over ± this many percent, 0 to 100; usually 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_percent: Option<u32>,
    /// Tries in a row before it is given up, 1 to 1000000; usually without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// A connection that was live for this long wipes the slate, ms, 0 to 3600000; usually 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_after_ms: Option<u32>,
}

impl Retry {
    /// Whether nothing is said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Every field at fault, with what it must be.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let fields = [
            (
                "initial_ms",
                self.initial_ms,
                50..=600_000,
                "50 to 600000 ms",
            ),
            ("factor", self.factor, 1..=10, "1 to 10"),
            ("cap_ms", self.cap_ms, 50..=3_600_000, "50 to 3600000 ms"),
            ("jitter_percent", self.jitter_percent, 0..=100, "0 to 100"),
            (
                "attempts",
                self.attempts,
                1..=1_000_000,
                "1 to 1000000, or left out for no end",
            ),
            (
                "stable_after_ms",
                self.stable_after_ms,
                0..=3_600_000,
                "0 to 3600000 ms",
            ),
        ];
        let wrong = fields
            .into_iter()
            .filter(|(_, value, range, _)| value.is_some_and(|value| !range.contains(&value)));
        let mut faults: Vec<_> = wrong.map(|(name, _, _, must)| (name, must)).collect();
        if let (Some(initial), Some(cap)) = (self.initial_ms, self.cap_ms)
            && initial > cap
        {
            faults.push(("cap_ms", "at least initial_ms"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_out_of_its_range_is_named() {
        let retry = |json: &str| serde_json::from_str::<Retry>(json).unwrap();
        let fields = |json: &str| {
            let faults = retry(json).faults().into_iter();
            faults.map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(
            fields(r#"{"initial_ms":50,"factor":10,"attempts":1}"#),
            [""; 0]
        );
        assert_eq!(
            fields(r#"{"initial_ms":49,"factor":0,"jitter_percent":101,"attempts":0}"#),
            ["initial_ms", "factor", "jitter_percent", "attempts"]
        );
        assert_eq!(fields(r#"{"initial_ms":500,"cap_ms":400}"#), ["cap_ms"]);
        assert!(serde_json::from_str::<Retry>(r#"{"atempts":1}"#).is_err());
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let retry = Retry {
            attempts: Some(3),
            ..Retry::default()
        };
        assert_eq!(serde_json::to_string(&retry).unwrap(), r#"{"attempts":3}"#);
        assert!(Retry::default().is_usual() && !retry.is_usual());
    }
}
