//! A link: one connection that this host keeps up, a source it takes or an output it feeds.
//!
//! [`state`] decides, purely; [`driver`] runs one session after another as it says. A
//! protocol brings a [`Dial`], which runs a single session from connect to end.

mod address;
pub mod backoff;
mod driver;
mod error;
mod figures;
pub mod state;
pub mod tls;
pub mod web;

pub use address::{connect, one_to_call, resolve, to_call};
pub use backoff::{Backoff, Policy};
pub use driver::{AGAIN, Dial, LinkHandle, Wiring, spawn};
pub use error::LinkError;
pub use figures::{Details, LinkSnapshot, Session, SrtFigures};
pub use state::Direction;
