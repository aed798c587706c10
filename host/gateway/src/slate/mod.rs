//! What is shown when nothing else is left: a picture or a clip, encoded once like the stream it
//! stands in for, and then played over and over without any encoding.
//!
//! [`prepare`] has FFmpeg make a short transport stream by a [`recipe`], which is [`cache`]d;
//! [`clip`] plays its frames in an endless line, so that neither time nor sound has a seam;
//! [`ingest`] does so for a source, from the moment its input is there, so that a slate is ready
//! when the last other source fails. It is prepared anew when the stream turns out to be, or
//! becomes, another.

mod cache;
mod clip;
pub mod ingest;
mod prepare;
mod recipe;

use parking_lot::RwLock;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Slates prepared at a time: it is encoding, and streams flow meanwhile.
const AT_ONCE: usize = 2;

/// How slates are prepared.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where prepared slates are kept; none: each is prepared anew when the host starts.
    pub cache: Option<PathBuf>,
    /// What is kept there, bytes, 16 MiB to 100 GiB; the oldest are removed.
    pub cache_bytes: u64,
    /// How long one may take to prepare, 5 s to 10 min.
    pub timeout: Duration,
    /// How much of a clip is shown, 1 s to 5 min; what is longer is cut.
    pub clip: Duration,
    /// The largest file that is taken, bytes, 1 MiB to 10 GiB.
    pub file_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache: None,
            cache_bytes: 1 << 30,
            timeout: Duration::from_secs(120),
            clip: Duration::from_secs(60),
            file_bytes: 1 << 30,
        }
    }
}

/// The slates of a host.
#[derive(Debug)]
pub struct Slates {
    settings: RwLock<Settings>,
    kitchen: Semaphore,
}

impl Default for Slates {
    fn default() -> Self {
        Self {
            settings: RwLock::default(),
            kitchen: Semaphore::new(AT_ONCE),
        }
    }
}

impl Slates {
    /// Says how slates are prepared from now on.
    pub fn configure(&self, settings: Settings) {
        *self.settings.write() = settings;
    }

    /// How slates are prepared.
    pub fn settings(&self) -> Settings {
        self.settings.read().clone()
    }
}
