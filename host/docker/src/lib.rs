//! Screens that run as containers, found through the Engine API.
//!
//! A container with the label `pointsman.group` is a screen of that group for as long as it runs;
//! `pointsman.screen` says which, `pointsman.url` where it is reached. [`watch()`] keeps a list of
//! them: made anew at each event of such a container, and now and then in any case, so that what an
//! event leaves open is seen all the same. An engine that is not there is a state, not an error.

#![forbid(unsafe_code)]

mod engine;
mod found;
mod settings;
mod watch;

pub use engine::Trouble;
pub use found::{Found, Run, Unfit};
pub use settings::Settings;
pub use watch::{Discovery, Engine, watch};
