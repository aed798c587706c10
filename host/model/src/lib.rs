//! The nouns of the system: names, specs, plans, events and questions.
//!
//! Everything here is plain data: what the config file, the REST API, the plugins and the
//! reconciler hand to each other. No socket, no task, no clock.

#![forbid(unsafe_code)]

pub mod access;
pub mod accounts;
pub mod admission;
pub mod audit;
pub mod auth;
pub mod catalogue;
pub mod composite;
pub mod decision;
pub mod egress;
pub mod encode;
pub mod endpoint;
pub mod event;
pub mod grants;
pub mod history;
pub mod layout;
pub mod limits;
pub mod link;
pub mod name;
pub mod origin;
pub mod protocol;
pub mod retry;
pub mod routing;
pub mod schedule;
pub mod selection;
pub mod site;
pub mod split;
pub mod template;
pub mod tenant;
pub mod wall;
pub mod webhook;

pub use access::{Role, Who};
pub use admission::{Admission, Ask, Intent, Refusal, Terms};
pub use catalogue::Catalogue;
pub use composite::CompositeSpec;
pub use decision::{Answer, Question};
pub use egress::Egress;
pub use endpoint::{Endpoint, EndpointError};
pub use event::Event;
pub use grants::{Grants, HostRule};
pub use limits::{Limits, PluginLimits};
pub use link::{LinkState, LinkStatus};
pub use name::{Label, NameError, StreamName, StreamPattern};
pub use protocol::Protocol;
pub use retry::Retry;
pub use schedule::ScheduleSpec;
pub use site::{
    HlsForm, HlsSpec, InputSpec, OutputSpec, PolicyKind, PolicyMode, PolicySpec, Site, SourceSpec,
};
pub use template::TemplateSpec;
pub use wall::{GroupSpec, ScreenSpec};
pub use webhook::WebhookSpec;
