//! Streams made of streams by FFmpeg: encode, composite, split, thumbnail.

#![forbid(unsafe_code)]

mod branches;
pub mod composite;
pub mod encode;
pub mod hardware;
pub mod split;
pub mod thumbnail;
