//! End to end: the built program among real peers. One module for each thing that must hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do, and real peers live in real time"
)]

mod access;
mod api_door;
mod author;
mod bad_input;
mod browsers;
mod conformance;
mod decisions;
mod failover;
mod guards;
mod hevc;
mod hostile_plugins;
mod judge;
mod killed;
mod life;
mod operators_day;
mod outputs;
mod pairs;
mod peers_of_other_makes;
mod shipped;
mod shutdown;
mod sources;
mod stages;
mod targets;
mod templates;
