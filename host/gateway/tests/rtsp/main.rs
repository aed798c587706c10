//! RTSP over real sockets, with FFmpeg and GStreamer, and clients that mean no good.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod hostile;
mod links;
mod peers;
mod returns;
mod sealed;
mod support;
#[path = "../tls_support/mod.rs"]
#[allow(dead_code)] // each test file uses its part
mod tls_support;
