//! Requests of plugins to the world, behind a double grant.

mod grants;

pub use grants::{Grants, HostRule, HostRuleError};
use serde::{Deserialize, Serialize};

/// What a host answered to a plugin's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// 100 to 599.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// In JSON a string if it is UTF-8, else `{"hex": "..."}`.
    #[serde(with = "crate::text_or_hex")]
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpError {
    /// Not asked for, not allowed, or at an address that is not allowed.
    Denied(String),
    /// The request is malformed.
    Invalid(String),
    /// Too late.
    Timeout,
    /// No connection, or it broke off.
    Failed(String),
    /// The answer is longer than allowed.
    TooBig,
}
