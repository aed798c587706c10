//! The configuration, as `config.schema.json` describes it.

use serde::Deserialize;

/// The operator's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// When it is night.
    pub night: Window,
    /// Where the stream goes then.
    pub night_url: String,
    /// The source to use while no other one is well.
    #[serde(default)]
    pub fallback: Option<String>,
    /// A source below this is unwell, bits per second.
    #[serde(default = "min_bitrate_bps")]
    pub min_bitrate_bps: u64,
    /// A source whose last packet is older is unwell, milliseconds.
    #[serde(default = "max_age_ms")]
    pub max_age_ms: u64,
    /// How long a source must be up before it is taken back, milliseconds.
    #[serde(default = "settle_ms")]
    pub settle_ms: u64,
}

fn min_bitrate_bps() -> u64 {
    200_000
}

fn max_age_ms() -> u64 {
    1_500
}

fn settle_ms() -> u64 {
    10_000
}

/// A span of the day; it may pass midnight.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its first minute.
    pub from: Clock,
    /// The minute after its last.
    pub to: Clock,
}

impl Window {
    /// Whether a minute of the day lies in it. From a time to the same time is never.
    pub fn holds(&self, minute: u32) -> bool {
        let (Clock(from), Clock(to)) = (self.from, self.to);
        if from <= to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }
}

/// A time of day, written `HH:MM`; minutes since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Clock(pub u32);

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (hours, minutes) = text.split_once(':')?;
            let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
        };
        parse().ok_or_else(|| format!("{text:?} is no time of day: write HH:MM"))
    }
}
