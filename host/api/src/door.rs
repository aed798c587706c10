//! The door of each route: who asks, and whether that is enough.
//!
//! In this order:
//! 1. a key of this host (`Authorization: Bearer pm_...`, Basic with it as the password, or
//!    `X-API-Key`), or the cookie of a session;
//! 2. whoever works on this machine, as long as nobody else is known to it (see [`is_local`]);
//! 3. the auth policy, where one is bound to `*`: whom it lets in is an admin for this request;
//! 4. nobody.
//!
//! A key that is wrong is never taken for none.

use crate::app::App;
use crate::problem::{Kind, Problem};
use crate::routes::Need;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::access::Standing;
use control::clock::unix_ms;
use control::decide::ApiRequest;
use gateway::http::Shown;
use model::audit::{Entry, Outcome};
use model::{Refusal, Role, Who};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The cookie of a session.
pub(crate) const COOKIE: &str = "pointsman_session";

/// What a page shows beside its cookie when it changes something.
pub(crate) const CSRF: &str = "x-csrf-token";

/// Set by a proxy: whoever asks is somewhere else.
const FORWARDED: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "via",
];

/// What guards one route.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) app: App,
    pub(crate) needs: Arc<[(Method, Need)]>,
}

/// The middleware.
pub(crate) async fn door(State(door): State<Door>, request: Request, next: Next) -> Response {
    let need = need(&door.needs, request.method());
    if need == Need::Nothing {
        return next.run(request).await;
    }
    let (mut request, body) = request.into_parts();
    match admit(&door.app, &request, need).await {
        Ok(who) => {
            request.extensions.insert(who);
            next.run(Request::from_parts(request, body)).await
        }
        Err((who, problem)) => {
            note(&door.app, &request, who.as_ref(), &problem);
            problem.into_response()
        }
    }
}

/// HEAD is answered by what answers GET. What is not in the table is for nobody.
fn need(needs: &[(Method, Need)], method: &Method) -> Need {
    let method = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    let found = needs.iter().find(|(known, _)| known == method);
    found.map_or(Need::Host(Role::Admin), |(_, need)| *need)
}

/// Who it is; and whether the role will do.
async fn admit(app: &App, request: &Parts, need: Need) -> Result<Who, (Option<Who>, Problem)> {
    let found = identify(app, request).await;
    let mut who = found.map_err(|problem| (None, problem))?;
    who.peer = Some(peer(request).ip().to_canonical());
    let (role, of_host) = match need {
        Need::Nothing => return Ok(who),
        Need::Own(role) => (role, false),
        Need::Host(role) => (role, true),
    };
    if who.role < role && app.control.access().standing() == Standing::NotRead {
        return Err((Some(who), not_read()));
    }
    let lacking = if who.role < role {
        format!("it takes the role {role}; {} is {}", who.name, who.role)
    } else if of_host && !who.sees_the_host() {
        let tenant = who
            .tenant
            .as_ref()
            .map(|tenant| format!(" of tenant {tenant}"));
        let only = tenant.unwrap_or_else(|| " limited to some streams".to_owned());
        format!(
            "it takes the role {role} in the whole host; {} is{only}",
            who.name
        )
    } else {
        return Ok(who);
    };
    Err((Some(who), Problem::new(Kind::Forbidden, lacking)))
}

/// Who it is now, if it is anybody.
pub(crate) async fn identify(app: &App, request: &Parts) -> Result<Who, Problem> {
    let (access, headers) = (app.control.access(), &request.headers);
    let standing = access.standing();
    let known = match credential(headers, |token| access.is_meant_as_key(token))? {
        Credential::Key(key) => match access.by_key(&key) {
            Some(who) => return Ok(who),
            None if standing == Standing::NotRead => return Err(not_read()),
            None => return Err(stranger("the key is not known, or is disabled or expired")),
        },
        Credential::Session(cookie) => match access.by_session(&cookie) {
            Some(who) => {
                check_csrf(app, request, &cookie)?;
                return Ok(who);
            }
            // The page of an earlier day.
            None => "the session has ended; log in again",
        },
        Credential::Foreign => "what it shows is no key of this host",
        Credential::None => "show a key (Authorization: Bearer KEY), or log in",
    };
    let local = is_local(app, request);
    match standing {
        // Nothing can be changed without the database anyway.
        Standing::NotRead if local => Ok(Who {
            role: Role::Viewer,
            ..Who::local()
        }),
        Standing::NotRead => Err(not_read()),
        Standing::Nobody if local => Ok(Who::local()),
        _ if local && app.settings.local_admin => Ok(Who::local()),
        _ if app.control.decider().guards_the_api() => ask_policy(app, request).await,
        _ => Err(stranger(known)),
    }
}

/// What a request shows of who asks.
#[derive(Debug, PartialEq, Eq)]
enum Credential {
    None,
    Key(String),
    /// Something that a policy may know.
    Foreign,
    Session(String),
}

fn credential(
    headers: &HeaderMap,
    is_meant_as_key: impl Fn(&str) -> bool,
) -> Result<Credential, Problem> {
    let api_key = match headers.get("x-api-key").map(|value| value.to_str()) {
        Some(Ok(key)) => Some(key.trim().to_owned()),
        Some(Err(_)) => return Ok(Credential::Foreign),
        None => None,
    };
    let shows = headers.contains_key(header::AUTHORIZATION);
    let bearer = Shown::of(headers, "").token;
    let token = match (api_key, bearer) {
        (Some(one), Some(other)) if one != other => {
            let detail = "Authorization and X-API-Key show different keys; send one of them";
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        (one, other) => one.or(other),
    };
    Ok(match token {
        Some(token) if is_meant_as_key(&token) => Credential::Key(token),
        Some(_) => Credential::Foreign,
        None if shows => Credential::Foreign,
        None => cookie(headers).map_or(Credential::None, Credential::Session),
    })
}

/// What the session's cookie holds (RFC 6265 §4.2).
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let named = pairs.filter_map(|pair| pair.trim().split_once('='));
    let mut found = named.filter(|(name, value)| *name == COOKIE && !value.is_empty());
    found.next().map(|(_, value)| value.to_owned())
}

/// A cookie is sent by the browser whoever asks it to; a page that can say this has read an
/// answer of this host.
fn check_csrf(app: &App, request: &Parts, cookie: &str) -> Result<(), Problem> {
    if request.method.is_safe() {
        return Ok(());
    }
    let shown = request.headers.get(CSRF).and_then(|it| it.to_str().ok());
    if shown.is_some_and(|shown| app.control.access().is_csrf_of(cookie, shown)) {
        return Ok(());
    }
    let detail = "a change under a session shows the session's token as X-CSRF-Token; \
                  GET /api/v1/session has it as csrf_token";
    Err(Problem::new(Kind::CrossSite, detail).code("csrf"))
}

/// Whether it was sent by somebody who works on this machine: it comes over loopback to a
/// listener on loopback (or `[api] local_admin` says that any will do), under a name of loopback
/// (a page whose own name was pointed here is told apart), and through no proxy.
fn is_local(app: &App, request: &Parts) -> bool {
    let headers = &request.headers;
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let to_loopback = app.settings.listen.ip().is_loopback() || app.settings.local_admin;
    to_loopback
        && peer(request).ip().to_canonical().is_loopback()
        && is_loopback_name(host.unwrap_or_default())
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

/// Whether this is what programs on this machine call it.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Every connection has a peer; whoever has none is a stranger.
pub(crate) fn peer(request: &Parts) -> SocketAddr {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(([0, 0, 0, 0], 0).into(), |ConnectInfo(peer)| *peer)
}

async fn ask_policy(app: &App, request: &Parts) -> Result<Who, Problem> {
    let told = told(request, peer(request));
    let user = told.user.clone();
    match app.control.decider().authorize_api(told).await {
        Ok(()) => Ok(Who {
            name: match user {
                Some(user) => format!("policy {}", user.chars().take(60).collect::<String>()),
                None => "policy".to_owned(),
            },
            ..Who::local()
        }),
        Err(refusal) => Err(turned_away(&refusal)),
    }
}

fn told(request: &Parts, peer: SocketAddr) -> ApiRequest {
    let uri = &request.uri;
    let shown = Shown::of(&request.headers, uri.query().unwrap_or_default());
    let (user, token) = shown.credentials();
    ApiRequest {
        method: request.method.to_string(),
        path: uri.path().chars().take(512).collect(),
        peer,
        user,
        token,
        query: shown.query,
        agent: shown.agent,
    }
}

fn turned_away(refusal: &Refusal) -> Problem {
    let detail = "the auth policy does not allow this request";
    match refusal {
        Refusal::Unauthorized => Problem::new(
            Kind::Unauthorized,
            format!("{detail} without credentials; send Authorization: Bearer TOKEN"),
        ),
        _ => Problem::new(Kind::Forbidden, detail),
    }
}

fn stranger(detail: &str) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
}

fn not_read() -> Problem {
    let detail = "who may do what has not been read from the database yet; the log says why";
    Problem::new(Kind::NotKept, detail)
}

fn note(app: &App, request: &Parts, who: Option<&Who>, problem: &Problem) {
    if !matches!(
        problem.kind(),
        Kind::Unauthorized | Kind::Forbidden | Kind::CrossSite
    ) {
        return;
    }
    let nobody = Who {
        name: "nobody".to_owned(),
        ..Who::host()
    };
    let path: String = request.uri.path().chars().take(120).collect();
    let asked = who.unwrap_or(&nobody);
    let mut entry = Entry::new(unix_ms(), asked, request.method.as_str(), path);
    entry.role = who.map(|who| who.role);
    entry.peer = Some(peer(request).ip().to_canonical());
    entry.outcome = Outcome::Refused;
    entry.after = Some(problem.detail().into());
    app.control.access().refused(who, entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(headers: &[(&'static str, &[u8])]) -> Result<Credential, Kind> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, header::HeaderValue::from_bytes(value).unwrap());
        }
        credential(&map, |token| token.starts_with("pm_")).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_key_is_found_in_either_header_and_two_that_differ_are_refused() {
        let key = || Ok(Credential::Key("pm_a".to_owned()));
        assert_eq!(shown(&[("authorization", b"Bearer pm_a")]), key());
        assert_eq!(shown(&[("authorization", b"Basic eDpwbV9h")]), key());
        assert_eq!(shown(&[("x-api-key", b" pm_a ")]), key());
        let both: [(_, &[u8]); 2] = [("x-api-key", b"pm_a"), ("authorization", b"Bearer pm_a")];
        assert_eq!(shown(&both), key());
        let other: [(_, &[u8]); 2] = [("x-api-key", b"pm_a"), ("authorization", b"Bearer pm_b")];
        assert_eq!(shown(&other), Err(Kind::BadRequest));
    }

    #[test]
    fn what_cannot_be_read_is_never_taken_for_nothing() {
        for odd in [
            &b"Digest x"[..],
            b"Bearer",
            b"Bearer \xff",
            b"\xff",
            b"pm_a",
            b"Basic ?",
        ] {
            assert_eq!(
                shown(&[("authorization", odd)]),
                Ok(Credential::Foreign),
                "{odd:?}"
            );
        }
        for odd in [&b""[..], b"\xff\xfe", b"key"] {
            assert_eq!(
                shown(&[("x-api-key", odd)]),
                Ok(Credential::Foreign),
                "{odd:?}"
            );
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_and_a_header_wins_over_it() {
        let session = |id: &str| Ok(Credential::Session(id.to_owned()));
        let one = ("cookie", &b"a=b; pointsman_session=s1;c"[..]);
        assert_eq!(shown(&[one]), session("s1"));
        assert_eq!(shown(&[("cookie", b"x=y"), one]), session("s1"));
        let header = ("x-api-key", &b"pm_a"[..]);
        assert_eq!(
            shown(&[one, header]),
            Ok(Credential::Key("pm_a".to_owned()))
        );
        for none in [
            &b"pointsman_session="[..],
            b"xpointsman_session=s",
            b";;=;",
            b"\xff",
        ] {
            assert_eq!(shown(&[("cookie", none)]), Ok(Credential::None), "{none:?}");
        }
    }
}
