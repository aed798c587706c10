//! HTTP Live Streaming (RFC 8216): transport streams cut into segments, a window of them, and
//! the playlists that name them.
//!
//! [`Segmenter`] makes [`Segment`]s, [`Window`] keeps the latest, and
//! [`media_playlist`] and [`multivariant_playlist`] only write what these hold.
//! [`low_latency_playlist`] does the same for a [`crate::cmaf::Window`] and its parts.

mod clock;
mod cut;
mod date_range;
mod key;
mod low_latency;
mod multivariant;
mod playlist;
mod segment;
mod segmenter;
mod tables;
mod window;

pub use key::KeyRotation;
pub use low_latency::{Notes, Report, low_latency_playlist};
pub use multivariant::{Variant, multivariant_playlist, rendition_playlist};
pub use playlist::{media_playlist, rfc3339};
pub use segment::Segment;
pub use segmenter::{Cutting, Segmenter};
pub use tables::Tables;
pub use window::{TargetRaised, Window, WindowConfig};
