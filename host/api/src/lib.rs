//! The HTTP face: REST with OpenAPI, metrics, events, problem documents, and the player page.
//!
//! Handlers are thin: what can be changed is in `control`, what can be watched in `gateway`.
//! Every error leaves as a [`problem::Problem`].

#![forbid(unsafe_code)]

mod answers;
mod app;
mod door;
mod error;
mod extract;
mod fields;
mod guard;
mod machine;
mod metrics;
mod openapi;
mod paths;
pub mod problem;
mod refusals;
mod routes;
mod server;
mod view;

pub use app::{ServeError, Settings, bind, serve};
pub use machine::InterfaceAddresses;
