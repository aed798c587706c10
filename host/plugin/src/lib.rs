//! The plugin plane: policies as WebAssembly components, checked, limited and swapped while
//! media flows.
//!
//! [`Plugins`] is the handle the rest of the host holds: it installs component bytes under a
//! name, keeps them on disk, and gives [`Plugin`]s that are called. The way of a component:
//!
//! 1. [`compile`]: to native code, in a low-priority child process, cached on disk by content.
//! 2. [`component`]: imports, exports, metadata and configuration schema are checked, and it is
//!    tried once on a sample ([`InstallError`] says what was wrong).
//! 3. [`plugins`]: stored, then switched to between two calls. The older versions stay.
//!
//! A policy is a pure function. Each call gets a **fresh instance** from the pooling allocator,
//! so that a guest cannot keep hidden state, a trap costs one call, and a swap has nothing to
//! carry over. The whole decision by `plugins/fanout` takes about 16 µs at the median that way
//! (`examples/decision.rs`; two busy cores, wasmtime and this crate optimised, no LTO), within the
//! 20 µs that a pool of kept instances would have to be worth. What keeps it there: memory reset in
//! place instead of by page faults, and guests that do not grow theirs (the SDK's arena; 21 µs
//! without it).
//!
//! Places for growth: a policy kind is one module like [`routing`] and one `model::PolicyKind`;
//! a WIT version is one module under `bindings/` that converts to the newest types in `model`.

#![deny(unsafe_code)]

mod bindings;
pub mod build;
mod call;
pub mod compile;
pub mod component;
mod config;
mod engine;
mod error;
pub mod folder;
mod guest;
mod limits;
pub mod plugins;
pub mod routing;
mod stats;

pub use build::{BuildError, BuildOptions, Language, Report, check};
pub use call::CallError;
pub use compile::{Compiler, compile_main};
pub use component::{Hash, Info};
pub use config::Config;
pub use engine::EngineError;
pub use error::InstallError;
pub use limits::Limits;
pub use plugins::{Bound, Change, Installed, Plugin, PluginView, Plugins, Settings, VersionView};
pub use stats::Stats;
