//! Composites with real decoders and encoders: what was recorded is decoded again and looked at,
//! frame by frame.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on says so.

mod arrangements;
mod failures;
mod support;
