//! The control plane: what is wanted, what runs, and the one task that closes the gap.
//!
//! ```text
//!  config file, REST ──► desired ──┐
//!                                  ├─► wanted shape ── diff ──► changes ──► links and streams
//!  routing plugin ──► plan ────────┘                    ▲                         │
//!        ▲                                       running shape ◄──────────────────┘
//!        └── state of one stream ◄── events, ticks ◄── hub
//! ```
//!
//! [`desired`], [`diff`], [`plan`], [`builtin`] and [`state`] are pure functions; [`Control`]
//! is the actor that owns every running link, and [`ControlHandle`] the way to talk to it.

#![forbid(unsafe_code)]

mod actor;
pub mod builtin;
pub mod decisions;
pub mod desired;
pub mod diff;
mod error;
mod handle;
mod links;
pub mod plan;
mod router;
mod routing;
mod running;
mod spec;
pub mod state;
pub mod view;

pub use actor::{Control, Settings};
pub use error::ControlError;
pub use handle::ControlHandle;
pub use router::Cause;
