//! End to end: the built program among real peers. One module for each thing that must hold.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do, and real peers live in real time"
)]

mod author;
mod bad_input;
mod browsers;
mod conformance;
mod hevc;
mod hostile_plugins;
mod judge;
mod pairs;
mod peers_of_other_makes;
mod shutdown;
mod templates;
