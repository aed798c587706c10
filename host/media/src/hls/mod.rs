//! HTTP Live Streaming (RFC 8216): transport streams cut into segments, a window of them, and
//! the playlists that name them.
//!
//! [`Segmenter`] makes [`Segment`]s, [`Window`] keeps the latest, and
//! [`media_playlist`] and [`multivariant_playlist`] only write what these hold.

mod clock;
mod cut;
mod multivariant;
mod playlist;
mod segment;
mod segmenter;
mod tables;
mod window;

pub use multivariant::{Variant, multivariant_playlist};
pub use playlist::media_playlist;
pub use segment::Segment;
pub use segmenter::{Cutting, Segmenter};
pub use window::{TargetRaised, Window, WindowConfig};
