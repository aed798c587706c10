//! The plugin plane: policies as WebAssembly components, checked, limited and swapped while
//! media flows.
//!
//! [`Plugins`] is the handle the rest of the host holds: it installs component bytes under a
//! name, keeps them on disk, and gives [`Plugin`]s that are called. The way of a component:
//!
//! 1. [`signature`]: who vouches for it, once any key is trusted.
//! 2. [`compile`]: to native code, in a low-priority child process, cached on disk by content.
//! 3. [`component`]: imports, exports, metadata and configuration schema are checked.
//! 4. It is tried under every policy that it is bound by, and makes recorded decisions again
//!    ([`InstallError`] says what was wrong).
//! 5. [`plugins`]: stored, then switched to between two calls. The older versions stay; the breaker
//!    and the probation of a new version are there, too.
//!
//! The way of a call: [`call`] bounds it in time, [`limits`](model::Limits) in everything else. What it
//! gets of the host is in `hosting`, one file a host interface, and recorded on its [`tape`];
//! [`http`] and [`kv`] are what is behind two of them. What comes back is kept within the bounds of its
//! kind: [`routing`], [`selection`], [`layout`], [`auth`].
//!
//! A policy is a pure function. Each call gets a **fresh instance** from the pooling allocator,
//! so that a guest cannot keep hidden state, a trap costs one call, and a swap has nothing to
//! carry over. `examples/decision.rs` and `make bench` print what a whole decision costs; a pool of
//! kept instances would have to be worth its complexity against that. What keeps it low: memory
//! reset in place instead of by page faults, and guests that do not grow theirs (the SDK's arena).
//!
//! Places for growth: a policy kind is one module like [`routing`], one under each version of
//! `bindings/` and one `model::PolicyKind`; a WIT version is one folder under `bindings/` that converts
//! to the newest types in `model`.

#![deny(unsafe_code)]

pub mod auth;
mod bindings;
pub mod bounds;
pub mod build;
pub mod call;
pub mod compile;
pub mod component;
mod config;
pub mod desk;
mod engine;
mod error;
pub mod folder;
mod guest;
mod home;
mod hosting;
pub mod http;
pub mod kv;
pub mod layout;
mod log;
pub mod plugins;
pub mod routing;
pub mod selection;
pub mod signature;
mod stats;
pub mod tape;
mod text_or_hex;
mod trial;
mod wasi;

pub use build::{BuildError, BuildOptions, Language, Report, check};
pub use call::{Call, CallError, Mode, Outcome};
pub use compile::{Compiler, compile_main};
pub use component::{Hash, Info};
pub use config::Config;
pub use desk::{Desk, Fixture, FixtureError};
pub use engine::EngineError;
pub use error::InstallError;
pub use kv::{Entry, Forgetful, Keeper, KvError, KvUse};
pub use log::{Level, LogLine};
pub use plugins::{
    Bound, BreakerView, Change, Difference, Installed, Installing, Origin, Plugin, PluginView,
    Plugins, Probation, Recorded, Settings, Step, VersionView,
};
pub use signature::{KeyFiles, SignatureError, TrustedKeys};
pub use stats::Stats;
pub use tape::{HostCall, Tape};

/// The version of wasmtime that runs plugins, which does not say so itself.
pub const WASMTIME_VERSION: &str = "48.0.8";

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_wasmtime_is_the_one_that_is_locked() {
        let lock = include_str!("../../../Cargo.lock");
        let locked = format!(
            "name = \"wasmtime\"\nversion = \"{}\"\n",
            super::WASMTIME_VERSION
        );
        assert!(lock.contains(&locked));
    }
}
