//! Renditions of a stream: `live/cam` becomes `live/cam@720p`, `live/cam@480p` and so on.

mod ladder;
mod stage;

pub use ladder::{Level, fit};
pub use stage::start;
