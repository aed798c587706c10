//! Streams made of streams by FFmpeg: encode, composite, split, thumbnail.

#![forbid(unsafe_code)]

pub mod composite;
