//! What the API shows: the contract with its clients. Units are in the names, secrets in
//! URLs are replaced, and every type is a schema of the OpenAPI document.

mod plugin;
mod policy;
mod stream;

pub(crate) use plugin::{PluginInstalled, PluginView};
pub(crate) use policy::{PolicyBody, PolicyView};
pub(crate) use stream::{Addresses, StreamDetail, StreamView};
