//! Stages that decode once: renditions, regions, posters; with real FFmpegs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on says so.

mod encode;
mod split;
mod support;
mod thumbnail;
