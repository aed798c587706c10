//! Pictures in memory: scaled, turned, blended, written on. Sans-IO.
//!
//! A [`Picture`] is I420 as FFmpeg's `rawvideo` has it, so that it is read from one pipe and
//! written to another as it is. A [`Painter`] puts a part of one onto another: scaled by area where
//! it shrinks and bilinearly where it grows, turned, translucent, clipped. A [`Sprite`] is a small
//! picture with transparency: a logo, a line of text. Who covers whom is the caller's order.
//!
//! All is fixed-point arithmetic over whole rows, which the compiler makes vector instructions of.

#![forbid(unsafe_code)]

mod area;
mod colour;
mod fill;
mod paint;
mod picture;
mod scale;
mod sprite;

pub use area::{Area, Part, Turn};
pub use colour::Colour;
pub use paint::{Painter, Stroke};
pub use picture::{MAX_SIDE, Picture, SizeError};
pub use sprite::{MAX_SPRITE_SIDE, Sprite, SpriteError};
