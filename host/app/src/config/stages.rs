//! `[stages]`: streams made of streams by FFmpeg.

use super::error::ConfigError;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// `[stages]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stages {
    /// What text on composites is drawn with: a TrueType or OpenType font.
    pub font: PathBuf,
    /// The device of VA-API.
    pub vaapi_device: String,
    /// A poster is good for so long, 1 to 3600 s.
    pub poster_every_s: u64,
    /// And at most so wide, 64 to 1920 pixels.
    pub poster_width: u32,
}

impl Default for Stages {
    fn default() -> Self {
        let usual = stage::Settings::default();
        Self {
            font: usual.composite.font,
            vaapi_device: usual.hardware.vaapi_device,
            poster_every_s: usual.posters.every.as_secs(),
            poster_width: usual.posters.width,
        }
    }
}

impl Stages {
    /// As the stages take it.
    pub fn settings(&self) -> stage::Settings {
        let usual = stage::Settings::default();
        stage::Settings {
            composite: stage::composite::Settings {
                font: self.font.clone(),
            },
            hardware: stage::hardware::Settings {
                vaapi_device: self.vaapi_device.clone(),
            },
            posters: stage::thumbnail::Settings {
                every: Duration::from_secs(self.poster_every_s),
                width: self.poster_width,
                ..usual.posters
            },
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=3_600).contains(&self.poster_every_s) {
            return Err(ConfigError::range("stages.poster_every_s", "1 to 3600 s"));
        }
        if !(64..=1_920).contains(&self.poster_width) {
            let range = "64 to 1920 pixels";
            return Err(ConfigError::range("stages.poster_width", range));
        }
        Ok(())
    }
}
