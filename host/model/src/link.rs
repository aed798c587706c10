//! The state of one connection that this host keeps up: a source it listens on or calls,
//! an output it feeds.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkState {
    /// Not wanted, or not yet started.
    #[default]
    Stopped,
    /// Being set up: resolving, connecting, shaking hands, or waiting for the first packet.
    Connecting,
    /// Bytes are taken by the peer (output) or arrive from it (source).
    Live,
    /// Failed; waits for its next attempt.
    Retrying,
    /// Cannot work until somebody changes it (bad address, refused for good).
    Failed,
    /// The attempts allowed are used up.
    Exhausted,
    /// The output is up, but its stream has nothing to send.
    SourceLost,
}

impl LinkState {
    /// The name used in plans, metrics and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Exhausted => "exhausted",
            Self::SourceLost => "source_lost",
        }
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a link at one moment. Times are Unix milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Where it stands.
    pub state: LinkState,
    /// Since when it stands there.
    pub since_unix_ms: u64,
    /// Attempts since it was last stable; 0 before the first.
    pub attempt: u32,
    /// When it tries again, while [`LinkState::Retrying`].
    pub next_attempt_unix_ms: Option<u64>,
    /// Times it came back after having been live.
    pub reconnects: u32,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// When it went wrong.
    pub last_error_unix_ms: Option<u64>,
}
