//! Strangers at every TCP port of one host: they connect by the thousand, say half a word, read
//! nothing, and mix up their requests. Nothing ends but they, and memory stays bounded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod changes;
mod codecs;
mod half_open;
mod house;
mod many;
mod players;
mod removed;
mod slow;
mod smuggling;
#[path = "../tls_support/mod.rs"]
#[allow(dead_code)] // each test file uses its part
mod tls_support;
