//! WHIP and WHEP: with str0m as the peer where it has to be exact, with Chromium where it has to
//! be real.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod browser;
mod client;
mod hostile;
mod house;
mod media;
mod stays;
