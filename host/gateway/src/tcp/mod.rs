//! Connections over TCP: accepted within bounds, plain or under TLS, written to without a copy.

mod accept;
mod kept;
mod wire;
mod write;

pub(crate) use accept::{Door, accept};
pub(crate) use kept::Kept;
pub(crate) use wire::Wire;
pub(crate) use write::{STALL, WriteError};
