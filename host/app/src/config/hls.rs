//! `[hls]`: segments for viewers over HTTP, for HLS and DASH.

use super::error::ConfigError;
use gateway::package;
use media::Ticks90k;
use media::hls::Cutting;
use model::HlsForm;
use serde::Deserialize;
use std::time::Duration;

/// `[hls]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hls {
    /// What `index.m3u8` leads to: `cmaf`, with low latency, or `ts`.
    pub form: HlsForm,
    /// How far back viewers may seek, 0 to 43200 s; six segments are listed at least.
    pub window_s: u64,
    /// What one rendition of a stream may hold in memory, 16 MiB to 64 GiB.
    pub window_bytes: usize,
    /// How long the parts of segments are, 100 to 1000 ms.
    pub part_ms: u32,
    /// How long segments are meant to be, 1 to 10 s.
    pub segment_s: u32,
    /// Segments are encrypted with AES-128, with a new key every so many, 1 to 1000; 0: they are
    /// not.
    pub key_rotation: u32,
}

impl Default for Hls {
    fn default() -> Self {
        let usual = package::Settings::default();
        Self {
            form: HlsForm::Cmaf,
            window_s: usual.window.as_secs(),
            window_bytes: usual.max_bytes,
            part_ms: 200,
            segment_s: 2,
            key_rotation: 0,
        }
    }
}

impl Hls {
    /// As windows are made with it.
    pub fn package(&self) -> package::Settings {
        package::Settings {
            form: self.form,
            window: Duration::from_secs(self.window_s),
            max_bytes: self.window_bytes,
            ..package::Settings::default()
        }
    }

    /// How long parts are.
    pub const fn part(&self) -> Ticks90k {
        Ticks90k(self.part_ms as i64 * 90)
    }

    /// How segments are cut.
    pub fn cutting(&self) -> Cutting {
        Cutting::every(Ticks90k(i64::from(self.segment_s) * 90_000))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("hls.window_s", self.window_s <= 43_200, "0 to 43200 s"),
            (
                "hls.window_bytes",
                (16 << 20..=64 << 30).contains(&self.window_bytes),
                "16777216 to 68719476736 bytes",
            ),
            (
                "hls.part_ms",
                (100..=1_000).contains(&self.part_ms),
                "100 to 1000 ms",
            ),
            (
                "hls.segment_s",
                (1..=10).contains(&self.segment_s),
                "1 to 10 s",
            ),
            (
                "hls.key_rotation",
                self.key_rotation <= 1_000,
                "0 to 1000 segments",
            ),
        ];
        match ranges.into_iter().find(|(_, holds, _)| !holds) {
            Some((key, _, range)) => Err(ConfigError::range(key, range)),
            None => Ok(()),
        }
    }
}
