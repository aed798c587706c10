//! The plugin plane with real components: one binary, so that each component is built once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod crowd;
mod guards;
mod http;
mod imports;
mod kinds;
mod lifecycle;
mod origin;
mod refused;
mod replay;
mod wasi;
