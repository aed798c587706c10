//! A plugin's request, and what is wrong with it.

use super::HttpError;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// Bytes of a URL.
const MAX_URL_BYTES: usize = 2_048;
/// Headers of a request.
const MAX_HEADERS: usize = 32;
/// Bytes of a request's body.
const MAX_BODY_BYTES: usize = 64 << 10;

/// What a plugin asks to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) timeout_ms: Option<u32>,
}

/// The same, understood.
pub(super) struct Sendable {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn understand(self) -> Result<Sendable, HttpError> {
        let method = match self.method.as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => {
                return invalid(format!(
                    "method {other:?}: use GET, HEAD, POST, PUT, PATCH or DELETE"
                ));
            }
        };
        if self.url.len() > MAX_URL_BYTES {
            return invalid(format!("the URL is longer than {MAX_URL_BYTES} bytes"));
        }
        let url = Url::parse(&self.url)
            .map_err(|error| HttpError::Invalid(format!("the URL: {error}")))?;
        check_url(&url)?;
        if self
            .body
            .as_ref()
            .is_some_and(|body| body.len() > MAX_BODY_BYTES)
        {
            return invalid(format!("the body is longer than {MAX_BODY_BYTES} bytes"));
        }
        Ok(Sendable {
            method,
            url,
            headers: headers(self.headers)?,
            body: self.body,
        })
    }
}

/// What holds for the first URL and for each that a redirect names.
pub(super) fn check_url(url: &Url) -> Result<(), HttpError> {
    if !matches!(url.scheme(), "http" | "https") {
        return invalid(format!("scheme {:?}: use http or https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid(
            "the URL carries a user or password: send an Authorization header".to_owned(),
        );
    }
    Ok(())
}

fn headers(pairs: Vec<(String, String)>) -> Result<HeaderMap, HttpError> {
    if pairs.len() > MAX_HEADERS {
        return invalid(format!(
            "{} headers, at most {MAX_HEADERS} are taken",
            pairs.len()
        ));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
            return invalid(format!("{name:?} is no header name"));
        };
        if is_the_hosts_own(&key) {
            return invalid(format!("header {key} is the host's own: leave it out"));
        }
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
            return invalid(format!(
                "the value of header {key} has characters that none may have"
            ));
        };
        headers.append(key, value);
    }
    Ok(headers)
}

/// What frames the message or concerns the connection alone: a plugin could smuggle with it.
fn is_the_hosts_own(name: &HeaderName) -> bool {
    let own = [
        header::HOST,
        header::CONTENT_LENGTH,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::EXPECT,
    ];
    own.contains(name) || name.as_str().starts_with("proxy-") || name == "keep-alive"
}

fn invalid<T>(why: String) -> Result<T, HttpError> {
    Err(HttpError::Invalid(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Request {
        let pair = |(name, value): &(&str, &str)| (str::to_owned(name), str::to_owned(value));
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(pair).collect(),
            body: None,
            timeout_ms: None,
        }
    }

    #[test]
    fn malformed_requests_are_refused_with_the_reason() {
        let long = format!("http://a/{}", "x".repeat(MAX_URL_BYTES));
        let mut big = request("POST", "http://a/", &[]);
        big.body = Some(vec![0; MAX_BODY_BYTES + 1]);
        let many = [("x", "y"); MAX_HEADERS + 1];
        let cases = [
            (request("CONNECT", "http://a/", &[]), "method"),
            (request("GET", "ftp://a/", &[]), "scheme"),
            (request("GET", "file:///etc/passwd", &[]), "scheme"),
            (request("GET", "not a url", &[]), "the URL"),
            (request("GET", &long, &[]), "longer"),
            (request("GET", "http://u:p@a/", &[]), "password"),
            (request("GET", "http://a/", &[("Host", "b")]), "host's own"),
            (
                request("GET", "http://a/", &[("Transfer-Encoding", "chunked")]),
                "host's own",
            ),
            (
                request("GET", "http://a/", &[("x y", "b")]),
                "no header name",
            ),
            (
                request("GET", "http://a/", &[("x", "a\r\nHost: b")]),
                "characters",
            ),
            (request("GET", "http://a/", &many), "at most 32"),
            (big, "body"),
        ];
        for (request, told) in cases {
            let asked = format!("{request:?}");
            let Err(HttpError::Invalid(why)) = request.understand() else {
                panic!("taken: {asked}");
            };
            assert!(why.contains(told), "{why}");
        }
    }
}
