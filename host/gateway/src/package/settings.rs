//! How streams are packaged.

use media::Ticks90k;
use media::cmaf::WindowConfig;
use media::hls::KeyRotation;
use model::StreamName;
use std::collections::HashMap;
use std::time::Duration;

/// What `index.m3u8` of a stream lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// CMAF parts and segments, one rendition a track, with low latency.
    #[default]
    Cmaf,
    /// Segments of the transport stream itself, with all that it carries.
    Ts,
}

/// How one stream is packaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What HLS viewers get.
    pub form: Form,
    /// How far back viewers may seek: 0 s to 12 h. At least six segments are listed.
    pub window: Duration,
    /// What one rendition may hold in memory: 16 MiB to 64 GiB. A window ends there, however
    /// far back it was to reach.
    pub max_bytes: usize,
    /// Segments are encrypted with AES-128, with a new key every so many: 1 to 1000. `None`: they
    /// are not. A stream that is encrypted over HLS is not served in the clear beside it: not as
    /// DASH, nor as an endless file under `/live/`.
    pub key_rotation: Option<u32>,
}

impl Default for Settings {
    /// CMAF, 12 s, 256 MiB, in the clear.
    fn default() -> Self {
        let WindowConfig {
            depth, max_bytes, ..
        } = WindowConfig::default();
        Self {
            form: Form::Cmaf,
            window: depth,
            max_bytes,
            key_rotation: None,
        }
    }
}

impl Settings {
    /// Under which keys segments are.
    pub(crate) fn keys(&self) -> Option<KeyRotation> {
        self.key_rotation.map(KeyRotation::every)
    }

    pub(super) fn window_config(&self, target: Ticks90k) -> WindowConfig {
        WindowConfig {
            target,
            depth: self.window.min(Duration::from_secs(12 * 3600)),
            max_bytes: self.max_bytes.max(16 << 20),
        }
    }
}

/// How all streams are packaged.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Those that are not named.
    pub usual: Settings,
    /// Those that are.
    pub streams: HashMap<StreamName, Settings>,
}

impl Plan {
    pub(super) fn of(&self, stream: &StreamName) -> Settings {
        self.streams.get(stream).copied().unwrap_or(self.usual)
    }
}
