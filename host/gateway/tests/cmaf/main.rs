//! CMAF over HTTP: low-latency HLS, DASH and endless MP4, with real players.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod browser;
mod changes;
mod dash;
mod data;
mod hls;
mod keys;
mod mp4;
mod support;
