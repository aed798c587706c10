//! The control plane: what is wanted, what runs, who decides, and the one task that closes the gap.
//!
//! ```text
//!  config file, REST ──► desired ──┐
//!                                  ├─► wanted shape ── diff ──► changes ──► links and streams
//!  decide ──► plan ────────────────┘                    ▲                         │
//!    ▲                                           running shape ◄──────────────────┘
//!    ├── state of one stream ◄── events, ticks ◄── hub
//!    └── peers at the door, channels, composites, the API
//! ```
//!
//! [`desired`], [`diff`], [`plan`], [`builtin`] and [`state`] are pure functions; [`Control`]
//! is the actor that owns every running link, and [`ControlHandle`] the way to talk to it.
//! [`decide`] is a service beside it, for decisions of every kind; [`log`] keeps them.

#![forbid(unsafe_code)]

pub mod access;
mod actor;
mod arrange;
mod audit;
pub mod builtin;
mod changes;
pub mod clients;
pub mod clock;
pub mod decide;
pub mod desired;
pub mod diff;
mod documents;
mod error;
pub mod fetch;
mod groups;
mod handle;
pub mod health;
pub mod journal;
mod links;
pub mod log;
pub mod plan;
mod plugins;
pub mod recent;
mod restore;
mod router;
mod routing;
mod running;
pub mod scene;
pub mod schedule;
mod scope;
mod spec;
pub mod state;
pub mod template;
mod templates;
mod tenants;
mod timetable;
pub mod view;
pub mod wall;
pub mod webhooks;

pub use access::{Access, AccessError};
pub use actor::{Control, Settings};
pub use changes::{Archive, BadTag, Changed, Expect, Tag};
pub use clients::Clients;
pub use decide::Decider;
pub use error::ControlError;
pub use handle::ControlHandle;
pub use journal::Journal;
pub use plugins::{Refused, RolledBack, Trouble};
pub use restore::{Restoration, Restored};
pub use router::Cause;
pub use webhooks::Webhooks;
