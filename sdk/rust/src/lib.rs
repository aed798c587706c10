//! What a Pointsman policy written in Rust imports.
//!
//! A policy is a pure function: the host hands over one stream's [`State`] and the operator's
//! configuration, the policy answers with a [`Plan`]. It keeps nothing between calls (each
//! call gets a fresh instance), so it can be replaced while media flows.
//!
//! ```
//! use pointsman_sdk::{Error, Plan, Routing, State, export_routing};
//! use serde::Deserialize;
//!
//! /// The operator's settings, as the schema below describes them.
//! #[derive(Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     max_age_ms: u64,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Self { max_age_ms: 2_000 }
//!     }
//! }
//!
//! /// Puts the first source on air that is heard, and runs the outputs the operator wants.
//! struct FirstHeard;
//!
//! impl Routing for FirstHeard {
//!     type Config = Config;
//!
//!     fn route(state: State, config: Config) -> Result<Plan, Error> {
//!         let source = state.sources.iter().find(|source| source.heard_within(config.max_age_ms));
//!         Ok(Plan {
//!             on_air: source.map(|source| source.id.clone()),
//!             reason: "first source heard".to_owned(),
//!             ..Plan::keep_declared(&state)
//!         })
//!     }
//! }
//!
//! export_routing!(FirstHeard, schema: r#"{
//!     "type": "object",
//!     "additionalProperties": false,
//!     "properties": { "max_age_ms": { "type": "integer", "minimum": 100 } }
//! }"#);
//! # fn main() {}
//! ```
//!
//! With `crate-type = ["cdylib", "rlib"]` in the crate's `[lib]`, `pointsman plugin build DIR`
//! makes the component and `cargo test` runs the policy natively. Name, version, description,
//! authors and licence are taken from the crate's `Cargo.toml`.
//!
//! The default feature `arena` is an allocator made for calls this short; switch it off to bring
//! your own.
//!
//! A panic ends the call; its text goes to the host's log, and the last good plan stays.

#![warn(missing_docs)]

// What the macros expand to names this crate; in its own bindings that is this very crate.
extern crate self as pointsman_sdk;

#[cfg(all(feature = "arena", target_family = "wasm"))]
mod arena;
#[doc(hidden)]
pub mod bindings;
mod export;
pub mod log;
pub mod pattern;
mod routing;

pub use routing::{Audio, Error, Output, OutputState, Pair, Plan, Routing, Source, State, Video};

#[cfg(all(feature = "arena", target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: arena::Arena = arena::Arena::new();

#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::export::{info, route};
    pub use wit_bindgen::rt;
}
