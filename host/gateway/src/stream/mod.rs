//! Another stream of this host: what is on air there, by reference.

pub mod ingest;

use link::Policy;
use std::time::Duration;

/// A stream that is not there yet costs nothing to look for.
pub(crate) const RETRY: Policy = Policy {
    initial: Duration::from_millis(250),
    factor: 2,
    cap: Duration::from_secs(1),
    jitter_percent: 20,
    stable_after: Duration::from_secs(10),
    max_attempts: None,
};
