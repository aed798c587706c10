//! The kind `auth`: who may publish, read, or use the API.

use crate::{Error, value_of};
use serde::de::DeserializeOwned;

pub use crate::bindings::auth::exports::pointsman::policy::auth::{Action, Request, Verdict};

/// A policy that lets in. It has no state, so the type implementing it is only a name.
pub trait Auth {
    /// The operator's configuration. It was checked against the schema before it comes here.
    type Config: DeserializeOwned;

    /// Decides whether the peer may.
    ///
    /// # Errors
    ///
    /// Text for the operator, when it cannot be decided; the peer is turned away.
    fn authorize(request: Request, config: Self::Config) -> Result<Verdict, Error>;
}

impl Request {
    /// The value of a key of the URL's query, the first if it is there twice.
    pub fn query(&self, key: &str) -> Option<&str> {
        value_of(&self.query, key)
    }
}

impl Action {
    /// The name used in configurations and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Api => "api",
        }
    }
}

impl Verdict {
    /// Lets in, without limits and for good.
    pub fn allow(reason: impl Into<String>) -> Self {
        Self {
            allow: true,
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Turns away; the reason is for the operator, the peer is not told it.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            ..Self::default()
        }
    }
}
