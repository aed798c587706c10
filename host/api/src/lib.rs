//! The HTTP face: REST with OpenAPI, metrics, events, problem documents, and the player page.
//!
//! Handlers are thin: what can be changed is in `control`, what can be watched in `gateway`.
//! Every error leaves as a [`problem::Problem`].

#![forbid(unsafe_code)]

mod answers;
mod app;
mod compat;
mod cors;
mod door;
mod error;
mod extract;
mod fields;
mod guard;
mod machine;
mod metrics;
mod openapi;
mod otlp;
mod paths;
pub mod problem;
mod rate;
mod refusals;
mod routes;
mod server;
pub mod tls;
mod view;

pub use app::{Compat, ServeError, Settings, bind, serve};
pub use axum::Router;
pub use cors::{BadOrigin, Origin};
pub use machine::InterfaceAddresses;
pub use openapi::json as openapi_json;
pub use otlp::Otlp;
