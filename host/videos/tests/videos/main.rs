//! Videos over HTTP: real files by FFmpeg, plain sockets and curl, and clients that mean no good.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on says so.

mod files;
mod hostile;
mod resume;
mod shelf;
mod support;
mod tus;
