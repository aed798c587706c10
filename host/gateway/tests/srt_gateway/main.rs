//! The SRT gateway between ffmpeg, srt-live-transmit and the hub.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod links;
mod port;
mod returns;
mod support;
