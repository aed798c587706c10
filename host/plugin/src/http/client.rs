//! Sending a plugin's requests.

use super::request::{Request, Sendable, check_url};
use super::resolve::{self, Refused, Resolver};
use super::web::{Web, causes};
use super::{Answer, HttpError, canonical};
use model::grants::{Grants, asks};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use std::error::Error;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 4;
/// Bytes of an answer's body.
const MAX_BODY_BYTES: usize = 256 << 10;
/// Bytes of an answer's headers.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Connections to a host that are kept for the next request.
const KEPT_CONNECTIONS: usize = 4;
/// How long they are kept.
const KEPT: Duration = Duration::from_secs(30);

/// The way out for one plugin. Nothing of it is shared with another plugin: a connection that one
/// of them was granted must not carry another's requests.
pub(crate) struct Client {
    grants: Grants,
    /// Made for the first request: it loads the system's certificates.
    web: OnceLock<Result<Web, String>>,
}

impl Client {
    pub(crate) fn new(grants: Grants) -> Self {
        Self {
            grants,
            web: OnceLock::new(),
        }
    }

    /// What the operator opens.
    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Sends a request and those that it is redirected to. `asked` is what the component's
    /// metadata asks for; `limit` is the time for all of it.
    pub(crate) async fn fetch(
        &self,
        request: Request,
        asked: &[String],
        limit: Duration,
    ) -> Result<Answer, HttpError> {
        let wanted = request
            .timeout_ms
            .map(|ms| Duration::from_millis(ms.into()));
        let limit = wanted.map_or(limit, |wanted| wanted.min(limit));
        let sendable = request.understand()?;
        if limit.is_zero() {
            return Err(HttpError::Timeout); // a timer of no time at all would still give it a try
        }
        let fetched = tokio::time::timeout(limit, self.follow(sendable, asked)).await;
        fetched.unwrap_or(Err(HttpError::Timeout))
    }

    async fn follow(&self, mut request: Sendable, asked: &[String]) -> Result<Answer, HttpError> {
        for _ in 0..=MAX_REDIRECTS {
            self.admit(&request.url, asked)?;
            let client = self.client(&request.url)?;
            let mut sending = client
                .request(request.method.clone(), request.url.clone())
                .headers(request.headers.clone());
            if let Some(body) = &request.body {
                sending = sending.body(body.clone());
            }
            let response = sending.send().await.map_err(|error| explain(&error))?;
            match redirected(&response)? {
                Some(target) => request.redirect(response.status(), target),
                None => return read(response).await,
            }
        }
        Err(HttpError::Failed(format!(
            "redirected more than {MAX_REDIRECTS} times"
        )))
    }

    /// Both grants, and the address if the URL names one; those of names are checked when they
    /// are resolved.
    fn admit(&self, url: &Url, asked: &[String]) -> Result<(), HttpError> {
        check_url(url)?;
        let host = canonical(url.host_str().unwrap_or_default());
        // Brackets are the URL's, not the address's.
        let host = host.trim_matches(['[', ']']);
        if !asks(asked, host) {
            return Err(HttpError::Denied(format!(
                "the plugin's metadata does not ask for {host}: add \"http:{host}\" to its grants"
            )));
        }
        if !self.grants.allow(host) {
            return Err(HttpError::Denied(format!(
                "the operator does not allow {host} to this plugin: see its http grants in the configuration"
            )));
        }
        match host.parse::<IpAddr>() {
            Ok(address) => resolve::check(host, address, &self.grants.private)
                .map_err(|refused| HttpError::Denied(refused.to_string())),
            Err(_) => Ok(()),
        }
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, HttpError> {
        let web = self.web.get_or_init(|| {
            let web = Web::new(|| set_up(&self.grants));
            web.map_err(|error| format!("the HTTP client did not start: {}", causes(&error)))
        });
        let failed = |why: String| HttpError::Failed(why);
        let web = web.as_ref().map_err(|why| failed(why.clone()))?;
        web.to(url).map_err(|none| failed(none.to_string()))
    }
}

fn set_up(grants: &Grants) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .dns_resolver(Resolver {
            private: grants.private.clone().into(),
        })
        // A proxy of the environment would resolve and connect unchecked.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
        .pool_max_idle_per_host(KEPT_CONNECTIONS)
        .pool_idle_timeout(KEPT)
}

/// Where an answer sends us, if it does.
fn redirected(response: &Response) -> Result<Option<Url>, HttpError> {
    let follow = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !follow.contains(&response.status()) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    let target = location
        .to_str()
        .ok()
        .and_then(|location| response.url().join(location).ok());
    let bad = || HttpError::Failed(format!("redirected to {location:?}, which is no URL"));
    target.map(Some).ok_or_else(bad)
}

impl Sendable {
    /// Turns to where a redirect points, by the Fetch standard's rules (section "HTTP-redirect fetch"): what
    /// belongs to one origin is not shown to another.
    fn redirect(&mut self, status: StatusCode, target: Url) {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        if target.origin() != self.url.origin() {
            self.headers.remove(AUTHORIZATION);
            self.headers.remove(COOKIE);
        }
        self.url = target;
    }
}

/// Takes an answer over, as far as it keeps within the bounds.
async fn read(mut response: Response) -> Result<Answer, HttpError> {
    if response
        .content_length()
        .is_some_and(|length| length > MAX_BODY_BYTES as u64)
    {
        return Err(HttpError::TooBig);
    }
    let (status, headers) = (
        response.status().as_u16(),
        take_headers(response.headers())?,
    );
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + part.len() > MAX_BODY_BYTES {
            return Err(HttpError::TooBig);
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn take_headers(headers: &HeaderMap) -> Result<Vec<(String, String)>, HttpError> {
    let pair = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    };
    let pairs: Vec<_> = headers.iter().map(pair).collect();
    let bytes: usize = pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_HEADER_BYTES {
        return Err(HttpError::TooBig);
    }
    Ok(pairs)
}

/// What went wrong on the way. The URL is left out: its query may hold a secret, and the guest
/// knows it.
fn explain(error: &reqwest::Error) -> HttpError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return HttpError::Denied(refused.to_string());
        }
        cause = error.source();
    }
    HttpError::Failed(causes(error))
}
