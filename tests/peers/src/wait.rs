//! Waiting on conditions, with a bound.

use std::time::{Duration, Instant};

/// No wait for a condition is longer; only a broken case reaches it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often conditions are looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Waits until the condition holds.
///
/// # Panics
/// When it does not within [`PATIENCE`]; `what` says what was waited for.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_some(what, || holds().then_some(()));
}

/// Waits until there is something, and returns it.
///
/// # Panics
/// When there is nothing within [`PATIENCE`].
pub fn until_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(LOOK);
    }
}
