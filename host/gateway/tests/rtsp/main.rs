//! RTSP over real sockets, with FFmpeg and GStreamer, and clients that mean no good.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod hostile;
mod links;
mod peers;
mod support;
