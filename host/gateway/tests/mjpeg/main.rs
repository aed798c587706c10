//! MJPEG over real sockets, with real peers: curl, ffmpeg, GStreamer, Python, Chromium.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod door;
mod hostile;
mod peers;
mod publish;
mod support;
mod video;
mod view;
