//! How streams are kept.

use crate::lane::Bounds;
use media::Ticks90k;
use media::hls::Cutting;
use std::time::Duration;

/// What every stream of a host is made with.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What the lanes of packets, frames and messages hold.
    pub lane: Bounds,
    /// How segments are cut.
    pub segments: Cutting,
    /// How long the parts of CMAF segments are, 100 ms to 1 s.
    pub part: Ticks90k,
    /// How long readers of a stream without a source are held.
    pub reconnect_grace: Duration,
    /// Streams at once.
    pub max_streams: usize,
    /// Viewers of one stream at once.
    pub max_viewers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lane: Bounds::default(),
            segments: Cutting::every(Ticks90k(2 * 90_000)),
            part: Ticks90k::from_ms(200),
            reconnect_grace: Duration::from_secs(10),
            max_streams: 2_000,
            max_viewers: 10_000,
        }
    }
}
