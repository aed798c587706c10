//! The routes, one module a resource; [`table`] has them all.

pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod decisions;
pub(crate) mod docs;
pub(crate) mod document;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod inputs;
pub(crate) mod keys;
pub(crate) mod outputs;
pub(crate) mod page;
pub(crate) mod plugins;
pub(crate) mod policies;
pub(crate) mod processes;
pub(crate) mod session;
pub(crate) mod srt;
pub(crate) mod streams;
pub(crate) mod system;
pub(crate) mod table;
pub(crate) mod templates;
pub(crate) mod tenants;
pub(crate) mod users;
pub(crate) mod webhooks;

pub(crate) use table::{Need, Route, table};
