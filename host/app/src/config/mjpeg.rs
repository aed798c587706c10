//! `[mjpeg]`: JPEG pictures over HTTP.

use super::error::ConfigError;
use gateway::mjpeg::{Settings, View};
use serde::Deserialize;
use std::time::Duration;

/// `[mjpeg]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mjpeg {
    /// Publishers at once, 1 to 10000.
    pub max_publishers: usize,
    /// Bytes of one picture, 1 KiB to 64 MiB.
    pub max_frame_bytes: usize,
    /// Pictures a second of one publisher, 1 to 240; more are left out.
    pub max_fps: u32,
    /// A publisher that sends nothing for so long is let go, 1 to 86400 s.
    pub idle_s: u64,
    /// A picture that has begun has to be whole within, 1 to 300 s.
    pub picture_timeout_s: u64,
    /// A viewer that takes nothing for so long is let go, 1 to 300 s.
    pub stall_s: u64,
    /// Pictures a second at most where video is shown as JPEG, 1 to 30.
    pub view_fps: u32,
    /// And their quality, 1 to 100.
    pub view_quality: u8,
    /// And their width at most, 16 to 3840 pixels; 0: as the stream's.
    pub view_width: u32,
    /// Streams shown so at once, 0 to 64: each is a process that decodes.
    pub view_streams: usize,
}

impl Default for Mjpeg {
    fn default() -> Self {
        let usual = Settings::default();
        Self {
            max_publishers: usual.max_publishers,
            max_frame_bytes: usual.max_frame_bytes,
            max_fps: usual.max_fps,
            idle_s: usual.idle.as_secs(),
            picture_timeout_s: usual.picture_timeout.as_secs(),
            stall_s: usual.stall.as_secs(),
            view_fps: usual.view.fps,
            view_quality: usual.view.quality,
            view_width: usual.view.width.unwrap_or_default(),
            view_streams: usual.view.max_streams,
        }
    }
}

impl Mjpeg {
    /// As the gateway takes it.
    pub fn settings(&self) -> Settings {
        Settings {
            max_publishers: self.max_publishers,
            max_frame_bytes: self.max_frame_bytes,
            max_fps: self.max_fps,
            idle: Duration::from_secs(self.idle_s),
            picture_timeout: Duration::from_secs(self.picture_timeout_s),
            stall: Duration::from_secs(self.stall_s),
            view: View {
                fps: self.view_fps,
                quality: self.view_quality,
                width: Some(self.view_width).filter(|width| *width > 0),
                max_streams: self.view_streams,
            },
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            (
                "mjpeg.max_publishers",
                (1..=10_000).contains(&self.max_publishers),
                "1 to 10000",
            ),
            (
                "mjpeg.max_frame_bytes",
                (1 << 10..=64 << 20).contains(&self.max_frame_bytes),
                "1024 to 67108864 bytes",
            ),
            (
                "mjpeg.max_fps",
                (1..=240).contains(&self.max_fps),
                "1 to 240",
            ),
            (
                "mjpeg.idle_s",
                (1..=86_400).contains(&self.idle_s),
                "1 to 86400 s",
            ),
            (
                "mjpeg.picture_timeout_s",
                (1..=300).contains(&self.picture_timeout_s),
                "1 to 300 s",
            ),
            (
                "mjpeg.stall_s",
                (1..=300).contains(&self.stall_s),
                "1 to 300 s",
            ),
            (
                "mjpeg.view_fps",
                (1..=30).contains(&self.view_fps),
                "1 to 30",
            ),
            (
                "mjpeg.view_quality",
                (1..=100).contains(&self.view_quality),
                "1 to 100",
            ),
            (
                "mjpeg.view_width",
                self.view_width == 0 || (16..=3_840).contains(&self.view_width),
                "16 to 3840 pixels, or 0 for the stream's own",
            ),
            ("mjpeg.view_streams", self.view_streams <= 64, "0 to 64"),
        ];
        match ranges.into_iter().find(|(_, holds, _)| !holds) {
            Some((key, _, range)) => Err(ConfigError::range(key, range)),
            None => Ok(()),
        }
    }
}
