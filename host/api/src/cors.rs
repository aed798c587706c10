//! Lets pages of the sites that the operator lists speak to this API from a browser (CORS, the
//! Fetch standard §3.2).
//!
//! No answer allows credentials: such a page shows a key of its own in a header, and a session of
//! somebody who is logged in here cannot be used from there.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What such a page may read of an answer, beside what every page may.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("ETag, Location, Retry-After, RateLimit, RateLimit-Policy");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, If-Match, Last-Event-ID, Signature, X-API-Key",
);
/// How long a browser may remember that it asked.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// A site, as browsers name it: `https://dash.example`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// A text that no browser sends as an origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is no origin; write a scheme, a host and, if it is not the scheme's own, a port: \
     https://dash.example or http://192.0.2.4:3000"
)]
pub struct BadOrigin(String);

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(text.chars().take(80).collect());
        let (scheme, authority) = text.split_once("://").ok_or_else(bad)?;
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let named = uri.authority().is_some_and(|it| it.as_str() == authority);
        match matches!(scheme, "http" | "https") && named && !authority.contains(['@', '*']) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(bad()),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = BadOrigin;

    fn try_from(text: String) -> Result<Self, BadOrigin> {
        text.parse()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The sites whose pages may speak to this API.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Arc<[Origin]>);

impl Origins {
    pub(crate) fn new(listed: &[Origin]) -> Self {
        Self(listed.into())
    }

    /// The origin of a request, if it is among them.
    pub(crate) fn listed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.0.iter().any(|it| it.0 == text).then_some(origin)
    }
}

/// The middleware: answers the browser's question, and marks what the page may read.
pub(crate) async fn cors(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let Some(origin) = origins.listed(request.headers()).cloned() else {
        return next.run(request).await;
    };
    let asks = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match asks {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if asks {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_nothing_more() {
        for good in [
            "https://dash.example",
            "http://192.0.2.4:3000",
            "http://[::1]:80",
        ] {
            assert_eq!(good.parse::<Origin>().unwrap().to_string(), good);
        }
        let bad = [
            "*",
            "null",
            "",
            "dash.example",
            "https://",
            "https://dash.example/",
            "https://dash.example/x",
            "https://*.example",
            "ftp://dash.example",
            "https://u@dash.example",
            "https://a b",
        ];
        for bad in bad {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
