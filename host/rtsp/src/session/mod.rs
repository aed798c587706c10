//! Sessions: a server's, and that of a client that publishes.

mod client;
mod server;
mod target;

pub use client::{Client, ClientError, ClientEvent};
pub use server::{Limits, Server, ServerError, ServerEvent, Setup};
pub use target::Target;
