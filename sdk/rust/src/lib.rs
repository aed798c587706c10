//! What a Pointsman policy written in Rust imports.
//!
//! A policy decides, the host moves the media. It is a pure function: the host hands over what
//! there is and the operator's configuration, the policy answers. It keeps nothing between calls
//! (each call gets a fresh instance), so it can be replaced while media flows. There are four
//! kinds:
//!
//! | kind | trait | asked | answers |
//! |---|---|---|---|
//! | routing | [`routing::Routing`] | one stream as it stands | a plan: source on air, outputs |
//! | selection | [`selection::Selection`] | a channel, a library | the clip that plays next |
//! | layout | [`layout::Layout`] | a canvas, pictures | where each of them stands |
//! | auth | [`auth::Auth`] | who wants what | a verdict |
//!
//! ```
//! use pointsman_sdk::routing::{Plan, Routing, State};
//! use pointsman_sdk::{Error, export};
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
//! export!(FirstHeard, kinds: [routing], schema: r#"{
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
//! What the host offers: [`log`], [`clock`], [`random`], [`kv`], [`http`], and in a selection a
//! [`library`]. A component imports only what it calls. Natively all of it is in memory, and
//! [`testing`] sets it.
//!
//! The default feature `arena` is an allocator made for calls this short; switch it off to bring
//! your own.
//!
//! A panic ends the call; its text goes to the host's log, and the host falls back as it does for
//! an error: to the last good plan or arrangement, to a clip of its own choice, to turning away.

#![warn(missing_docs)]

// What the macros expand to names this crate; in its own bindings that is this very crate.
extern crate self as pointsman_sdk;

#[cfg(all(feature = "arena", target_family = "wasm"))]
mod arena;
pub mod auth;
#[doc(hidden)]
pub mod bindings;
pub mod clock;
mod error;
mod export;
pub mod http;
#[doc(hidden)]
pub mod json;
pub mod kv;
pub mod layout;
pub mod library;
pub mod local_time;
pub mod log;
pub mod pattern;
pub mod random;
pub mod routing;
pub mod selection;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use error::Error;

/// A key and a value: labels, attributes, parameters.
pub type Pair = (String, String);

/// The value of a key among pairs, the first if it is there twice.
pub fn value_of<'a>(pairs: &'a [Pair], key: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value.as_str())
}

#[cfg(all(feature = "arena", target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: arena::Arena = arena::Arena::new();

/// The host: that of the component, or natively one in memory.
mod host {
    #[cfg(target_family = "wasm")]
    pub(crate) use crate::bindings::host::pointsman::policy::{
        clock, http, kv, library::Catalogue, log, random,
    };
    #[cfg(not(target_family = "wasm"))]
    pub(crate) use crate::testing::{
        Library as Catalogue,
        host::{clock, http, kv, log, random},
    };
}

#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::export::{Info, decide};
    pub use wit_bindgen::rt;
}
