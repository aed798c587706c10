//! What the API shows: the contract with its clients. Units are in the names, secrets in
//! URLs are replaced, and every type is a schema of the OpenAPI document.

mod addresses;
mod group;
mod input;
mod output;
mod plugin;
mod policy;
mod stream;
mod template;
mod webhook;

pub(crate) use addresses::Addresses;
pub(crate) use group::{
    ClientRegistered, ClientView, GroupStatus, GroupView, ScreenView, TaskView,
};
pub(crate) use input::{InputView, hide_secrets, keep_secrets};
pub(crate) use output::{OutputView, SrtView};
pub(crate) use plugin::{PluginInstalled, PluginLogs, PluginView};
pub(crate) use policy::{PolicyBody, PolicyView, TrialBody, TrialView};
pub(crate) use stream::{StreamDetail, StreamView};
pub(crate) use template::{TemplateView, hide as hide_template};

/// What stands in place of a secret, in whatever this host shows.
pub(crate) const MASK: &str = "***";
pub(crate) use webhook::{hide_hook_secrets, keep_hook_secrets};
