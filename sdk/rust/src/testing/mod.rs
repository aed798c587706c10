//! The host in native tests: everything a policy may import, in memory.
//!
//! Each thread has a host of its own. `cargo test` runs each test in a thread of its own unless
//! told otherwise; [`reset`] makes sure of a fresh one.
//!
//! ```
//! use pointsman_sdk::{clock, kv, http, testing};
//!
//! testing::reset();
//! testing::clock::set(1_800_000_000_000);
//! testing::http::answer(|request| {
//!     assert_eq!(request.url, "https://hooks.example.com/");
//!     Ok(http::Response { status: 204, ..Default::default() })
//! });
//! assert_eq!(clock::now_unix_ms(), 1_800_000_000_000);
//! assert!(http::fetch(&http::Request::get("https://hooks.example.com/"))?.is_success());
//! kv::set_json("seen", &true)?;
//! # Ok::<(), pointsman_sdk::Error>(())
//! ```

mod compare;
mod fixture;
pub(crate) mod host;
mod library;
mod question;

pub use fixture::{Fixture, FixtureError, pass_fixtures};
pub use library::Library;
pub use question::{Answer, Policy, Question};

/// A host as it is before the first call: an empty store, time 0, seed 0, no web.
pub fn reset() {
    host::with(|it| *it = host::Host::default());
}

/// What [`clock`](crate::clock) tells.
pub mod clock {
    /// Sets the time of the decision, milliseconds since 1970-01-01T00:00:00Z.
    pub fn set(unix_ms: u64) {
        super::host::with(|it| it.now_unix_ms = unix_ms);
    }
}

/// What [`random`](crate::random) draws.
pub mod random {
    /// Sets the call's seed.
    pub fn seed(seed: u64) {
        super::host::with(|it| it.random = seed);
    }
}

/// Who answers [`http`](crate::http).
pub mod http {
    use crate::http::{Error, Request, Response};

    /// Has a function answer every request from now on.
    pub fn answer(with: impl FnMut(&Request) -> Result<Response, Error> + 'static) {
        super::host::with(|it| it.web = Some(Box::new(with)));
    }
}

/// What was written to [`log`](crate::log).
pub mod log {
    use crate::log::Level;

    /// Every line since the last [`reset`](super::reset).
    pub fn lines() -> Vec<(Level, String)> {
        super::host::with(|it| it.lines.clone())
    }
}
