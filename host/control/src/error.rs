//! Why the control plane did not do what it was asked.

use crate::desired::Faults;
use crate::fetch::FetchError;
use model::{Label, PolicyKind, PolicyMode, Role, StreamName, StreamPattern};

/// Every way a call of [`crate::ControlHandle`] can fail. [`ControlError::code`] is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The document is at fault; nothing of it was applied.
    #[error("the document is refused: {0}")]
    Invalid(Faults),
    /// No such stream.
    #[error("no stream is called {0}")]
    UnknownStream(StreamName),
    /// No such declared input.
    #[error("no input is called {0}")]
    UnknownInput(StreamName),
    /// The input declares no such output.
    #[error("input {input} declares no output {output}")]
    UnknownOutput {
        /// The input.
        input: StreamName,
        /// The output asked for.
        output: Label,
    },
    /// An input of that name is declared already.
    #[error("input {0} is declared already; change it, or choose another name")]
    InputExists(StreamName),
    /// The input declares an output of that name already.
    #[error("input {input} declares output {output} already; change it, or choose another name")]
    OutputExists {
        /// The input.
        input: StreamName,
        /// The output.
        output: Label,
    },
    /// No such template.
    #[error("no template is called {0}")]
    UnknownTemplate(Label),
    /// A template of that name is there already.
    #[error("template {0} is there already; change it, or choose another name")]
    TemplateExists(Label),
    /// No such webhook.
    #[error("no webhook is called {0}")]
    UnknownWebhook(Label),
    /// A webhook of that name is declared already.
    #[error("webhook {0} is declared already; change it, or choose another name")]
    WebhookExists(Label),
    /// No such group.
    #[error("no group is called {0}")]
    UnknownGroup(StreamName),
    /// A group of that name is declared already.
    #[error("group {0} is declared already; change it, or choose another name")]
    GroupExists(StreamName),
    /// The group has no such screen.
    #[error("group {group} has no screen {screen}")]
    UnknownScreen {
        /// The group.
        group: StreamName,
        /// The screen asked for.
        screen: Label,
    },
    /// The group has a screen of that id already.
    #[error("group {group} has a screen {screen} already; change it, or choose another id")]
    ScreenExists {
        /// The group.
        group: StreamName,
        /// The screen.
        screen: Label,
    },
    /// No such client, or it was not heard of for so long that it is forgotten.
    #[error("no client has the id {0}; clients that are gone for ten minutes are forgotten")]
    UnknownClient(String),
    /// No more clients are taken.
    #[error("{0} clients are known already, and all of them are there; remove some, or wait")]
    TooManyClients(usize),
    /// The system gave no randomness for a token.
    #[error(transparent)]
    NoRandomness(#[from] crate::access::NoRandomness),
    /// The output does not run: it is off, or the plan does not want it.
    #[error("output {output} of {input} does not run; start it, or see what the policy decided")]
    NotRunning {
        /// The input.
        input: StreamName,
        /// The output.
        output: Label,
    },
    /// It is not what the caller saw last.
    #[error("{0} was changed by somebody else meanwhile; read it again, and repeat the change")]
    ChangedMeanwhile(String),
    /// The change cannot be kept over a restart, so it is not made.
    #[error("the change is not made, because it cannot be kept: {0}")]
    NotKept(String),
    /// No policy is bound to that pattern in that mode.
    #[error("no {} {kind} policy is bound to {streams}", mode.as_str())]
    UnknownPolicy {
        /// What it would decide.
        kind: PolicyKind,
        /// For which streams.
        streams: StreamPattern,
        /// Whether it would decide or be tried.
        mode: PolicyMode,
    },
    /// A policy is bound to the plugin.
    #[error("plugin {name} is in use by {by}; unbind that first")]
    PluginInUse {
        /// The plugin.
        name: Label,
        /// The policy.
        by: String,
    },
    /// The plugin plane refused; the plugin in force, if any, goes on.
    #[error(transparent)]
    Plugin(#[from] plugin::InstallError),
    /// A component could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It takes another role.
    #[error(
        "this takes the role {needs}{}; {who} is {has}",
        if *of_host { " in the whole host" } else { "" }
    )]
    Forbidden {
        /// Who asks.
        who: String,
        /// What they are.
        has: Role,
        /// What it takes.
        needs: Role,
        /// In the whole host: it is no tenant's affair.
        of_host: bool,
    },
    /// No such tenant.
    #[error("no tenant is called {0}")]
    UnknownTenant(Label),
    /// A tenant that declares something cannot be taken back.
    #[error("tenant {name} declares {input}; take its inputs back first")]
    TenantInUse {
        /// The tenant.
        name: Label,
        /// One of its inputs.
        input: StreamName,
    },
    /// It belongs to somebody else.
    #[error(
        "{0} is not yours: names of a tenant begin with the tenant's and a slash, and a key may be \
         limited to some streams"
    )]
    NotYours(StreamName),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    Stopped,
}

impl ControlError {
    /// Stable short name, the end of a problem document's `type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-document",
            Self::UnknownStream(_) => "unknown-stream",
            Self::UnknownInput(_) => "unknown-input",
            Self::UnknownOutput { .. } => "unknown-output",
            Self::InputExists(_) => "input-exists",
            Self::OutputExists { .. } => "output-exists",
            Self::UnknownTemplate(_) => "unknown-template",
            Self::TemplateExists(_) => "template-exists",
            Self::UnknownWebhook(_) => "unknown-webhook",
            Self::WebhookExists(_) => "webhook-exists",
            Self::UnknownGroup(_) => "unknown-group",
            Self::GroupExists(_) => "group-exists",
            Self::UnknownScreen { .. } => "unknown-screen",
            Self::ScreenExists { .. } => "screen-exists",
            Self::UnknownClient(_) => "unknown-client",
            Self::TooManyClients(_) => "too-many-clients",
            Self::NoRandomness(_) => "internal",
            Self::NotRunning { .. } => "not-running",
            Self::ChangedMeanwhile(_) => "changed-meanwhile",
            Self::NotKept(_) => "not-kept",
            Self::UnknownPolicy { .. } => "unknown-policy",
            Self::PluginInUse { .. } => "plugin-in-use",
            Self::Plugin(error) => error.code(),
            Self::Fetch(error) => error.code(),
            Self::Forbidden { .. } => "role",
            Self::UnknownTenant(_) => "unknown-tenant",
            Self::TenantInUse { .. } => "tenant-in-use",
            Self::NotYours(_) => "not-yours",
            Self::Stopped => "stopped",
        }
    }
}
