//! Requests of plugins to the world, behind a double grant: the component's metadata asks for hosts,
//! the operator allows hosts, and only what is in both is reached.
//!
//! A host is checked by name before anything is sent, and by every address its name resolves to
//! when it is connected to; redirects are followed here, each checked like the first request.

mod address;
mod client;
mod request;
mod resolve;
mod web;

pub(crate) use client::Client;
pub(crate) use request::Request;
use serde::{Deserialize, Serialize};
pub use web::{NoCertificates, Web};

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

/// A host as rules know it: lower case, without the dot at the root.
fn canonical(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}
