//! Several streams, clips and images on one canvas, their sound mixed, as one stream.
//!
//! ```text
//! live/a ─ feed: decoder ─ y4m ─▶ slot ─┐ intake                     ┌─▶ encoder ─▶ wall/lobby
//! logo.png ─────────── image ───────────┼──▶ engine: plan, draw, mix ┘
//! arrangement ─ control ────────────────┘ one frame after another, by the clock
//! ```
//!
//! [`Composites`] has every [`Composite`] of a host by the name of its stream. A clock makes frames;
//! each takes what is due of every source and the newest arrangement, so that none is of two. A
//! source comes, goes and fails beside it; the encoder ends for none of that.

mod arguments;
mod clock;
mod control;
mod draw;
mod encoder;
mod engine;
mod feed;
mod image;
pub mod ingest;
mod intake;
mod mixer;
mod plan;
mod slot;
mod text;
mod y4m;

pub use control::{ArrangeError, Arranged, Composite, CompositeFigures, Composites};
pub use ingest::start;

use std::path::PathBuf;

/// How composites are made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What text is drawn with: a TrueType or OpenType font.
    pub font: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Of Debian's fonts-dejavu-core.
            font: "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf".into(),
        }
    }
}
