//! Tenants: who shares this host, and how much of it is theirs.

use crate::{Label, StreamName};
use serde::{Deserialize, Serialize};

/// A tenant. The streams below `NAME/` are its own; its keys and users see no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantSpec {
    /// Names it, and begins the names of its streams.
    pub name: Label,
    /// Inputs it may declare; none: as many as the host takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<u32>,
    /// Outputs of all its inputs together; none: as many as the host takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<u32>,
    /// Bits per second that its streams take in and its outputs send, together; none: no limit.
    /// What runs is never cut: while it is above, no output is added or started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate_bps: Option<u64>,
}

impl TenantSpec {
    /// Whether a stream is its own.
    pub fn owns(&self, stream: &StreamName) -> bool {
        let rest = stream.as_str().strip_prefix(self.name.as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}
