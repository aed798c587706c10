//! Posters: one picture of a stream now and then, made on demand from a key frame.

mod picture;
mod posters;

pub use picture::PosterError;
pub use posters::{Poster, Posters, Settings};
