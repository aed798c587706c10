//! Bounds on what strangers can make a listener do.

use super::Why;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits handshakes a second and connections at a time. Never blocks.
#[derive(Debug)]
pub(super) struct Gate {
    connections: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    per_s: f64,
    tokens: f64,
    filled: Instant,
}

impl Gate {
    /// A burst of up to `handshakes_per_s` passes at once.
    pub(super) fn new(max_connections: usize, handshakes_per_s: u32, now: Instant) -> Self {
        let per_s = f64::from(handshakes_per_s);
        Self {
            connections: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            bucket: Mutex::new(Bucket {
                per_s,
                tokens: per_s,
                filled: now,
            }),
        }
    }

    /// Lets one handshake in; its permit is held as long as the connection lives.
    pub(super) fn enter(&self, now: Instant) -> Result<OwnedSemaphorePermit, Why> {
        if !self.bucket.lock().take(now) {
            return Err(Why::Flood);
        }
        let connections = Arc::clone(&self.connections);
        connections.try_acquire_owned().map_err(|_| Why::Full)
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled);
        self.filled = now;
        self.tokens = (self.tokens + since.as_secs_f64() * self.per_s).min(self.per_s);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = Instant::now();
        let gate = Gate::new(100, 10, start);
        let burst = (0..50).filter(|_| gate.enter(start).is_ok()).count();
        assert_eq!(burst, 10);
        let later = start + Duration::from_millis(500);
        let refilled = (0..50).filter(|_| gate.enter(later).is_ok()).count();
        assert_eq!(refilled, 5);
    }

    #[test]
    fn a_connection_that_ends_makes_room_for_another() {
        let now = Instant::now();
        let gate = Gate::new(1, 10, now);
        let permit = gate.enter(now).unwrap();
        assert_eq!(gate.enter(now).unwrap_err(), Why::Full);
        drop(permit);
        assert!(gate.enter(now).is_ok());
    }
}
