//! Who may publish or watch: the question, and the ways to say no.

use crate::{Protocol, StreamName};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What a peer wants of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// To feed it.
    Publish,
    /// To watch it.
    Read,
}

/// An admission question, asked by a gateway before any media flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The stream wanted.
    pub stream: StreamName,
    /// To feed or to watch it.
    pub intent: Intent,
    /// By which protocol.
    pub protocol: Protocol,
    /// Where the peer comes from.
    pub peer: SocketAddr,
    /// The user it claims to be (SRT `u`, URL user).
    pub user: Option<String>,
    /// The secret it shows (SRT `s`, URL query `token`).
    pub token: Option<String>,
}

/// Why a peer was turned away; each gateway says it in its protocol's own words
/// (HTTP status, SRT reject reason, RTMP `onStatus` code).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The name or request cannot be understood.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Nobody feeds or declares this stream.
    #[error("no stream is called {0}; start its publisher or declare it as an input")]
    UnknownStream(StreamName),
    /// The stream has a publisher, or its input takes none.
    #[error("{stream} cannot be published to: {why}")]
    Conflict {
        /// The stream asked for.
        stream: StreamName,
        /// What stands in the way.
        why: &'static str,
    },
    /// The routing plan does not serve the stream over this protocol.
    #[error("{stream} is not served over {protocol}")]
    NotServed {
        /// The stream asked for.
        stream: StreamName,
        /// The protocol asked by.
        protocol: Protocol,
    },
    /// A limit of this host is reached.
    #[error("the host is at its limit of {limit} {what}")]
    Overloaded {
        /// What is limited, in the plural.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

impl Refusal {
    /// Stable short name for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad-request",
            Self::UnknownStream(_) => "unknown-stream",
            Self::Conflict { .. } => "conflict",
            Self::NotServed { .. } => "not-served",
            Self::Overloaded { .. } => "overloaded",
        }
    }
}
