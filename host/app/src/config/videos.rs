//! `[videos]`: files that operators upload.

use super::error::ConfigError;
use serde::Deserialize;
use std::time::Duration;
use videos::Settings;

/// `[videos]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Videos {
    /// The largest file that is taken, 1 MiB to 16 TiB.
    pub max_bytes: u64,
    /// How names of videos may end, in lower case, without the dot.
    pub extensions: Vec<String>,
    /// Unfinished uploads at a time, 1 to 1000.
    pub max_unfinished: usize,
    /// What they may come to together, at least `max_bytes`.
    pub max_unfinished_bytes: u64,
    /// How long one is kept after its last byte, 60 to 2592000 s.
    pub expires_s: u64,
    /// What uploads leave free on the disk, bytes.
    pub keep_free_bytes: u64,
    /// How often the folder is looked through, 1 to 3600 s.
    pub refresh_s: u64,
    /// Who sends less than 64 KiB in this time is let go, 1 to 600 s.
    pub stall_s: u64,
    /// Videos that are listed, 1 to 100000.
    pub max_videos: usize,
}

impl Default for Videos {
    fn default() -> Self {
        let usual = Settings::default();
        Self {
            max_bytes: usual.max_bytes,
            extensions: usual.extensions,
            max_unfinished: usual.max_unfinished,
            max_unfinished_bytes: usual.max_unfinished_bytes,
            expires_s: usual.expires.as_secs(),
            keep_free_bytes: usual.keep_free_bytes,
            refresh_s: usual.refresh.as_secs(),
            stall_s: usual.patience.as_secs(),
            max_videos: usual.max_videos,
        }
    }
}

impl Videos {
    /// As the videos take it.
    pub fn settings(&self) -> Settings {
        Settings {
            max_bytes: self.max_bytes,
            extensions: self.extensions.clone(),
            max_unfinished: self.max_unfinished,
            max_unfinished_bytes: self.max_unfinished_bytes,
            expires: Duration::from_secs(self.expires_s),
            keep_free_bytes: self.keep_free_bytes,
            refresh: Duration::from_secs(self.refresh_s),
            patience: Duration::from_secs(self.stall_s),
            max_videos: self.max_videos,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let plain = |extension: &String| {
            let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            (1..=8).contains(&extension.len()) && extension.chars().all(lower)
        };
        let ranges = [
            (
                "videos.max_bytes",
                (1 << 20..=16 << 40).contains(&self.max_bytes),
                "1048576 to 17592186044416 bytes",
            ),
            (
                "videos.extensions",
                (1..=64).contains(&self.extensions.len()) && self.extensions.iter().all(plain),
                "1 to 64 endings of 1 to 8 small letters and digits, without the dot",
            ),
            (
                "videos.max_unfinished",
                (1..=1_000).contains(&self.max_unfinished),
                "1 to 1000",
            ),
            (
                "videos.max_unfinished_bytes",
                self.max_unfinished_bytes >= self.max_bytes,
                "at least videos.max_bytes",
            ),
            (
                "videos.expires_s",
                (60..=2_592_000).contains(&self.expires_s),
                "60 to 2592000 s",
            ),
            (
                "videos.refresh_s",
                (1..=3_600).contains(&self.refresh_s),
                "1 to 3600 s",
            ),
            (
                "videos.stall_s",
                (1..=600).contains(&self.stall_s),
                "1 to 600 s",
            ),
            (
                "videos.max_videos",
                (1..=100_000).contains(&self.max_videos),
                "1 to 100000",
            ),
        ];
        match ranges.into_iter().find(|(_, holds, _)| !holds) {
            Some((key, _, range)) => Err(ConfigError::range(key, range)),
            None => Ok(()),
        }
    }
}
