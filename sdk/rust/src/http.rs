//! Requests to hosts that both the plugin asked for (`grants: ["http:HOST"]` in
//! [`export!`](crate::export)) and the operator allowed.
//!
//! While a request is under way the call's deadline stands still, but all requests of a call
//! together may take 2 s unless the operator says otherwise. Decide what the answer is when there is
//! none.
//!
//! In native tests every request is denied until
//! [`testing::http::answer`](crate::testing::http::answer).

use crate::{host, value_of};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::host::pointsman::policy::http::{Request, Response};

use crate::bindings::host::pointsman::policy::http as wit;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not asked for in `grants`, not allowed by the operator, or at an address that is not
    /// allowed; which, and what to do about it.
    #[error("the request is denied: {0}")]
    Denied(String),
    /// The request is malformed.
    #[error("the request is malformed: {0}")]
    Invalid(String),
    /// Too late.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or it broke off.
    #[error("no answer: {0}")]
    Failed(String),
    /// The answer is longer than allowed.
    #[error("the answer is longer than allowed")]
    TooBig,
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(reason) => Self::Denied(reason),
            wit::Error::Invalid(reason) => Self::Invalid(reason),
            wit::Error::Timeout => Self::Timeout,
            wit::Error::Failed(reason) => Self::Failed(reason),
            wit::Error::TooBig => Self::TooBig,
        }
    }
}

/// Sends one request and waits for the answer, of whatever status.
///
/// # Errors
///
/// [`Error`]; a status is none.
pub fn fetch(request: &Request) -> Result<Response, Error> {
    Ok(host::http::fetch(request)?)
}

impl Request {
    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            ..Self::default()
        }
    }

    /// A POST of JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the body has no JSON form.
    pub fn post_json<T: Serialize + ?Sized>(
        url: impl Into<String>,
        body: &T,
    ) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|error| Error::Invalid(error.to_string()))?;
        let request = Self {
            method: "POST".to_owned(),
            url: url.into(),
            body: Some(body),
            ..Self::default()
        };
        Ok(request.header("content-type", "application/json"))
    }

    /// The same request with a header more.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same request, given up after so many milliseconds.
    pub fn within_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }
}

impl Response {
    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header; names are in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] if it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Failed(format!("the body is not the JSON expected: {error}")))
    }
}
