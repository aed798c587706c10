//! What an auth policy is told and what it answers: the newest `auth` of `wit/`, as the host
//! sees it.

use crate::routing::Attributes;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthAction {
    /// To feed a stream.
    Publish,
    /// To watch a stream.
    Read,
    /// To call the API.
    Api,
}

/// Who wants what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthRequest {
    /// What is wanted.
    pub action: AuthAction,
    /// The name of its [`crate::Protocol`], or `http`.
    pub protocol: String,
    /// The stream's name; empty for an API call that concerns none.
    #[serde(default)]
    pub stream: String,
    /// The peer's address.
    pub peer_ip: IpAddr,
    /// The peer's port.
    #[serde(default)]
    pub peer_port: u16,
    /// The user it claims to be.
    #[serde(default)]
    pub user: Option<String>,
    /// The secret it shows.
    #[serde(default)]
    pub token: Option<String>,
    /// Every pair of the URL's query, in order.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Time of the decision, Unix milliseconds.
    #[serde(default)]
    pub now_unix_ms: u64,
    /// Whether it was let in before and is asked for again.
    #[serde(default)]
    pub renewal: bool,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether it may.
    pub allow: bool,
    /// Why, in a few words, for the operator.
    #[serde(default)]
    pub reason: String,
    /// Another name for the stream.
    #[serde(default)]
    pub stream: Option<String>,
    /// Bits per second above which it is cut off.
    #[serde(default)]
    pub max_bitrate_bps: Option<u64>,
    /// Milliseconds after which it is cut off.
    #[serde(default)]
    pub max_duration_ms: Option<u64>,
    /// Readers of the stream beyond which a reader is turned away.
    #[serde(default)]
    pub max_readers: Option<u32>,
    /// Milliseconds after which it is asked again.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

impl Verdict {
    /// Lets in, without limits.
    pub fn allow(reason: impl Into<String>) -> Self {
        Self {
            allow: true,
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Turns away.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            ..Self::default()
        }
    }
}
