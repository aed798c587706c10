//! A link: one connection that this host keeps up, a source it takes or an output it feeds.
//!
//! [`state`] decides, purely; `driver` runs one session after another as it says. Whoever brings
//! a protocol or a stage brings a [`Dial`], which runs a single session from connect to end. What
//! all of them are given is [`context`].

#![forbid(unsafe_code)]

mod address;
pub mod backoff;
mod child;
pub mod context;
mod driver;
mod error;
mod figures;
pub mod folder;
mod misconfigured;
pub mod problem;
pub mod state;
pub mod tls;
pub mod web;

pub use address::{connect, one_to_call, resolve, to_call};
pub use backoff::{Backoff, Policy};
pub use child::feed;
pub use context::Context;
pub use driver::{AGAIN, Dial, LinkHandle, Wiring, spawn};
pub use error::LinkError;
pub use figures::{Details, LinkSnapshot, Session, SrtFigures};
pub use misconfigured::misconfigured;
pub use state::Direction;
