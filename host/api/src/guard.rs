//! Keeps web pages of other sites from changing anything here through a browser.
//!
//! Two checks on every request that changes something:
//! - its `Origin`, if it has one, is this server's own or one that the operator lists (a form or
//!   script of another site sends its own: CSRF), and else `Sec-Fetch-Site` is not `cross-site`;
//! - while the server listens on loopback, its `Host` is a loopback name (a page whose name
//!   was pointed at 127.0.0.1 sends its own: DNS rebinding).
//!
//! A WebSocket is checked like a change, since what it carries any page could read: browsers keep
//! answers from pages of other sites, but not these.
//!
//! Programs send neither an `Origin` nor a foreign `Host`, and notice nothing.

use crate::app::Settings;
use crate::cors::Origins;
use crate::door::is_loopback_name;
use crate::problem::{Kind, Problem};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;

/// What the checks depend on.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    loopback_only: bool,
    origins: Origins,
}

impl Guard {
    /// As the settings say: where the server listens, and pages of which sites are let pass.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self::new(settings.listen, Origins::new(&settings.cors))
    }

    fn new(listen: SocketAddr, origins: Origins) -> Self {
        Self {
            loopback_only: listen.ip().is_loopback(),
            origins,
        }
    }

    fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        if method.is_safe() && !headers.contains_key(header::UPGRADE) {
            return Ok(());
        }
        let host = text(headers, header::HOST.as_str()).unwrap_or_default();
        if self.loopback_only && !is_loopback_name(host) {
            let detail = format!(
                "the request is addressed to {:?}, but this server listens on loopback only; \
                 call it 127.0.0.1 or localhost",
                start_of(host)
            );
            return Err(Problem::new(Kind::ForeignHost, detail));
        }
        if self.origins.listed(headers).is_some() {
            return Ok(());
        }
        let foreign_origin = match headers.get(header::ORIGIN) {
            Some(origin) => !origin
                .to_str()
                .is_ok_and(|origin| is_origin_of(origin, host)),
            None => false,
        };
        if foreign_origin || text(headers, "sec-fetch-site") == Some("cross-site") {
            let detail =
                format!("{method} was sent by a page of another site; open this server's own");
            return Err(Problem::new(Kind::CrossSite, detail));
        }
        Ok(())
    }
}

/// The middleware.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Where media comes in by HTTP. Watching is not guarded: any page may play what its viewer may see.
const PUBLISHING: [&str; 2] = ["/publish/", "/whip/"];

/// The middleware of the media's routes. What a browser asks beforehand (a preflight) changes
/// nothing and passes.
pub(crate) async fn guard_publishers(
    state: State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    match PUBLISHING.iter().any(|begin| path.starts_with(begin)) {
        true => guard(state, request, next).await,
        false => next.run(request).await,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The scheme is left open: a proxy before this server may have taken TLS off.
fn is_origin_of(origin: &str, host: &str) -> bool {
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

fn start_of(host: &str) -> &str {
    host.get(..80).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(
        listen: &str,
        method: Method,
        headers: &[(&'static str, &'static str)],
    ) -> Option<Kind> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let listed = ["https://dash.example".parse().unwrap()];
        let guard = Guard::new(listen.parse().unwrap(), Origins::new(&listed));
        guard
            .check(&method, &headers)
            .err()
            .map(|problem| problem.kind())
    }

    #[test]
    fn only_own_pages_and_programs_may_change_anything() {
        const HERE: &str = "127.0.0.1:8080";
        type Case = (
            &'static str,
            Method,
            &'static [(&'static str, &'static str)],
            Option<Kind>,
        );
        let cases: [Case; 13] = [
            (HERE, Method::PUT, &[("host", "127.0.0.1:8080")], None),
            (HERE, Method::PUT, &[("host", "localhost")], None),
            (HERE, Method::PUT, &[("host", "[::1]:8080")], None),
            (
                HERE,
                Method::PUT,
                &[("host", "rebound.example:8080")],
                Some(Kind::ForeignHost),
            ),
            (
                HERE,
                Method::PUT,
                &[("host", "127.0.0.1.example")],
                Some(Kind::ForeignHost),
            ),
            (HERE, Method::PUT, &[], Some(Kind::ForeignHost)),
            (
                HERE,
                Method::GET,
                &[("host", "proxy.example"), ("origin", "http://a")],
                None,
            ),
            ("0.0.0.0:80", Method::POST, &[("host", "router.lan")], None),
            (
                "0.0.0.0:80",
                Method::POST,
                &[("host", "router.lan"), ("origin", "https://router.lan")],
                None,
            ),
            (
                "0.0.0.0:80",
                Method::DELETE,
                &[("host", "router.lan"), ("origin", "http://evil.example")],
                Some(Kind::CrossSite),
            ),
            (
                HERE,
                Method::POST,
                &[("host", "localhost"), ("origin", "null")],
                Some(Kind::CrossSite),
            ),
            (
                HERE,
                Method::POST,
                &[
                    ("host", "localhost"),
                    ("origin", "https://dash.example"),
                    ("sec-fetch-site", "cross-site"),
                ],
                None,
            ),
            (
                HERE,
                Method::POST,
                &[
                    ("host", "rebound.example"),
                    ("origin", "https://dash.example"),
                ],
                Some(Kind::ForeignHost),
            ),
        ];
        for (listen, method, headers, expected) in cases {
            assert_eq!(
                verdict(listen, method.clone(), headers),
                expected,
                "{method} {headers:?}"
            );
        }
        let socket = [
            ("host", "localhost"),
            ("upgrade", "websocket"),
            ("origin", "https://evil.example"),
        ];
        assert_eq!(verdict(HERE, Method::GET, &socket), Some(Kind::CrossSite));
        let fetch = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert_eq!(verdict(HERE, Method::PUT, &fetch), Some(Kind::CrossSite));
    }
}
