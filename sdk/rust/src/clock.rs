//! The time of the decision.
//!
//! Every request carries it as well, as `now_unix_ms`. In native tests it is 0 until
//! [`testing::clock::set`](crate::testing::clock::set).

/// Milliseconds since 1970-01-01T00:00:00Z. The same however often it is asked in a call, and the
/// same again when the decision is replayed.
pub fn now_unix_ms() -> u64 {
    crate::host::clock::now_unix_ms()
}
