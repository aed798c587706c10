//! `[log]`, `[shutdown]` and `[compat]`: how the host lives as a service.

use super::ConfigError;
use crate::log::Rotation;
use serde::Deserialize;
use std::path::PathBuf;

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Lines go here instead of to standard error.
    pub file: Option<PathBuf>,
    /// A file that would become larger is put aside, 64 KiB to 1 TiB.
    pub max_bytes: u64,
    /// So is one of yesterday (UTC).
    pub daily: bool,
    /// How many that were put aside are kept, up to 1000.
    pub keep: u32,
}

/// `[shutdown]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// For how long viewers may fetch the end of their streams after SIGTERM, 0 to 600 s.
    pub drain_s: u32,
}

/// `[compat]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compat {
    /// Serve the routes of the stream distribution manager; if not set, while the API listens on
    /// loopback.
    pub distribution: Option<bool>,
    /// Serve the routes of the HTTP video streaming system beside `/publish` and `/stream`; if not
    /// set, while the API listens on loopback.
    pub mjpeg: Option<bool>,
    /// Serve the routes of the multi-screen streaming server; if not set, while the API listens on
    /// loopback.
    pub wall: Option<bool>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            file: None,
            max_bytes: 64 << 20,
            daily: true,
            keep: 7,
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { drain_s: 10 }
    }
}

impl Log {
    /// If lines go to a file.
    pub(crate) fn rotation(&self) -> Option<Rotation> {
        self.file.as_ref().map(|file| Rotation {
            file: file.clone(),
            max_bytes: self.max_bytes,
            daily: self.daily,
            keep: self.keep,
        })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(64 << 10..=1 << 40).contains(&self.max_bytes) {
            return Err(ConfigError::range(
                "log.max_bytes",
                "65536 to 1099511627776",
            ));
        }
        if self.keep > 1_000 {
            return Err(ConfigError::range("log.keep", "0 to 1000"));
        }
        Ok(())
    }
}

impl Shutdown {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.drain_s {
            ..=600 => Ok(()),
            _ => Err(ConfigError::range("shutdown.drain_s", "0 to 600 s")),
        }
    }
}
