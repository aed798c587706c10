//! What happened: the one way up from the data plane.

use crate::routing::Severity;
use crate::{Label, LinkState, Protocol, StreamName};
use serde::{Deserialize, Serialize};

/// Something that changed in the running system. Carries only what a listener cannot look up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A stream came into being.
    StreamStarted {
        /// Its name.
        stream: StreamName,
    },
    /// A stream is gone, its readers with it.
    StreamEnded {
        /// Its name.
        stream: StreamName,
    },
    /// A candidate source's health changed: it began or ceased to deliver, or its tracks changed.
    SourceChanged {
        /// The stream it feeds.
        stream: StreamName,
        /// The source within the stream.
        source: Label,
    },
    /// Another source is on air.
    OnAirChanged {
        /// The stream.
        stream: StreamName,
        /// The source now on air.
        source: Label,
    },
    /// A link of an output changed its state.
    OutputChanged {
        /// The stream it takes.
        stream: StreamName,
        /// The output's name.
        output: Label,
        /// Its new state.
        state: LinkState,
    },
    /// A peer was turned away before any media.
    PeerRefused {
        /// By which gateway.
        protocol: Protocol,
        /// [`crate::Refusal::code`] of why.
        code: String,
    },
    /// A routing plan tells of something that it did not before, or of something graver.
    AlertRaised {
        /// The stream it is about.
        stream: StreamName,
        /// Names the condition.
        code: String,
        /// How much it matters.
        severity: Severity,
        /// For people.
        message: String,
    },
    /// A routing plan no longer tells of it, or the stream is gone.
    AlertCleared {
        /// The stream it was about.
        stream: StreamName,
        /// Names the condition.
        code: String,
    },
    /// A plugin's installation has come to its next step.
    PluginStep {
        /// The plugin.
        plugin: Label,
        /// `verifying`, `compiling`, `inspecting`, `trying`, `validating`, `replaying` or
        /// `activating`.
        step: String,
    },
    /// A component was refused; what was active goes on.
    PluginRefused {
        /// The plugin.
        plugin: Label,
        /// Stable short name of why.
        code: String,
        /// Why, for people.
        error: String,
    },
    /// Another version of a plugin decides, or the first.
    PluginActivated {
        /// The plugin.
        plugin: Label,
        /// SHA-256 of the component, hexadecimal.
        sha256: String,
    },
    /// The host went back to an older version of a plugin by itself.
    PluginRolledBack {
        /// The plugin.
        plugin: Label,
        /// SHA-256 of the component that failed, hexadecimal.
        from: String,
        /// SHA-256 of the component that is active now, hexadecimal.
        to: String,
        /// What the failures were.
        why: String,
    },
    /// A plugin failed so often that it is not called for a while.
    PluginBreakerOpened {
        /// The plugin.
        plugin: Label,
        /// Unix milliseconds at which it is tried again.
        until_unix_ms: u64,
        /// What the failures were.
        why: String,
    },
    /// A plugin is called again.
    PluginBreakerClosed {
        /// The plugin.
        plugin: Label,
    },
    /// A plugin is gone with all its versions.
    PluginRemoved {
        /// The plugin.
        plugin: Label,
    },
}
