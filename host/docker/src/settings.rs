//! What the configuration says of Docker.

use link::Policy;
use std::path::PathBuf;
use std::time::Duration;

/// What the configuration says of Docker; `[docker]`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The engine's socket.
    pub socket: PathBuf,
    /// Containers that are listed, 1 to 10,000; more are counted as left out.
    pub max_containers: usize,
    /// When an engine that is not there is tried again.
    pub retry: Policy,
    /// The list is made anew this often although nothing happened, 1 s to 1 h.
    pub refresh: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            socket: "/var/run/docker.sock".into(),
            max_containers: 256,
            retry: Policy {
                initial: Duration::from_secs(2),
                cap: Duration::from_secs(60),
                ..Policy::default()
            },
            refresh: Duration::from_secs(60),
        }
    }
}
