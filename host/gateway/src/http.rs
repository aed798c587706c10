//! What an HTTP request shows of who asks.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Ask, Intent, Protocol, StreamName};
use std::net::SocketAddr;

/// User, secret, query and program of a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Of HTTP Basic.
    pub user: Option<String>,
    /// Of HTTP Bearer, or the password of Basic.
    pub token: Option<String>,
    /// The pairs of the URL's query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// `User-Agent`.
    pub agent: String,
}

impl Shown {
    /// By these headers, and this query as it was sent.
    pub fn of(headers: &HeaderMap, query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(key, value)| (key.into_owned(), value.into_owned()));
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (user, token) = authorization(text(header::AUTHORIZATION).unwrap_or_default());
        Self {
            user,
            token,
            query: pairs.take(model::admission::MAX_QUERY_PAIRS).collect(),
            agent: text(header::USER_AGENT).unwrap_or_default().to_owned(),
        }
    }

    /// The user and the secret, from wherever they were shown.
    pub fn credentials(&self) -> (Option<String>, Option<String>) {
        let (user, token) = model::admission::credentials(&self.query);
        (self.user.clone().or(user), self.token.clone().or(token))
    }

    /// To watch a stream over HTTP.
    pub(crate) fn wants(self, stream: StreamName, protocol: Protocol, peer: SocketAddr) -> Ask {
        self.asks(Intent::Read, stream, protocol, peer)
    }

    /// To watch or to feed a stream over HTTP.
    pub(crate) fn asks(
        self,
        intent: Intent,
        stream: StreamName,
        protocol: Protocol,
        peer: SocketAddr,
    ) -> Ask {
        let ask = Ask {
            user: self.user,
            token: self.token,
            ..Ask::new(stream, intent, protocol, peer)
        };
        ask.with_query(self.query).with_agent(&self.agent)
    }
}

/// User and secret of an `Authorization` header (RFC 7617, RFC 6750); none of either for a
/// scheme that is not known here.
fn authorization(header: &str) -> (Option<String>, Option<String>) {
    let Some((scheme, rest)) = header.split_once(' ') else {
        return (None, None);
    };
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    if scheme.eq_ignore_ascii_case("bearer") {
        return (None, filled(rest.trim()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return (None, None);
    }
    let decoded = BASE64_STANDARD.decode(rest.trim()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((user, password)) => (filled(user), filled(password)),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_and_basic_are_read_and_garbage_shows_nothing() {
        let pair = |user: &str, token: &str| (Some(user.to_owned()), Some(token.to_owned()));
        assert_eq!(authorization("Basic am9lOnB3OjE="), pair("joe", "pw:1"));
        assert_eq!(
            authorization("bearer  t.o.k "),
            (None, Some("t.o.k".into()))
        );
        assert_eq!(authorization("Basic Ond1"), (None, Some("wu".into())));
        for garbage in [
            "",
            "Bearer",
            "Bearer ",
            "Basic ???",
            "Basic am9l",
            "Digest x",
        ] {
            assert_eq!(authorization(garbage), (None, None), "{garbage}");
        }
    }

    #[test]
    fn the_header_wins_over_the_query_which_is_passed_on_whole() {
        let headers = [(header::AUTHORIZATION, "Bearer h".parse().unwrap())];
        let shown = Shown::of(&headers.into_iter().collect(), "token=q&x=1%202");
        let peer = ([127, 0, 0, 1], 1).into();
        let ask = shown.wants("a".parse().unwrap(), Protocol::Hls, peer);
        assert_eq!(ask.token.as_deref(), Some("h"));
        assert_eq!(ask.query[1], ("x".to_owned(), "1 2".to_owned()));
    }
}
