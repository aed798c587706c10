//! What happened: the one way up from the data plane.

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
}
