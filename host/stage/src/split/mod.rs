//! Regions of a picture: one stream or file, decoded once, on many screens.

mod region;
mod stage;

pub use region::filters;
pub use stage::start;
