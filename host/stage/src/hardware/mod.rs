//! What encodes: a processor or a graphics card, chosen by trial.

mod engine;
mod trial;

pub use engine::Engine;
pub(crate) use engine::key_frames;
pub use trial::{Choice, PassedOver, Profiles, Settings};
