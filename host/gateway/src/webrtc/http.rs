//! From a request to a session.

use super::answer::{self, Created, FRAGMENT, Problem, SDP};
use super::feed::Feeds;
use super::ingest::Intake;
use super::negotiate::{Agreed, Identity, Role, random_text, user_fragment};
use super::peer::Peer;
use super::port::Port;
use super::publishers::Publishers;
use super::session::{Publish, Session, Task, Watch};
use super::sessions::{Handle, Sessions};
use super::settings::{ServeError, Settings};
use super::trickle;
use crate::Context;
use crate::http::Shown;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub::Pass;
use model::{Event, Intent, Protocol, Refusal, StreamName};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// What comes before a session's id in the last part of its path. No stream's name has a colon, so
/// no stream can be taken for a session.
const SESSION: &str = "session:";

/// The longest offer or fragment. A browser's offer has 5 KiB.
const MAX_BODY_BYTES: usize = 64 << 10;

/// How long a body may take.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a viewer's request waits for the first media of a stream.
const MEDIA_PATIENCE: Duration = Duration::from_secs(5);

/// Requests that wait for media at once.
const MAX_WAITING: usize = 256;

/// What the handlers share.
pub(super) struct Service {
    context: Context,
    settings: Settings,
    candidates: Vec<SocketAddr>,
    port: Arc<Port>,
    identity: Identity,
    sessions: Arc<Sessions>,
    feeds: Arc<Feeds>,
    publishers: Publishers,
    waiting: Semaphore,
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
enum Resource {
    Stream(StreamName),
    Session(String),
}

/// Everything under `/whip/` or `/whep/`.
pub(super) async fn serve(
    role: Role,
    State(service): State<Arc<Service>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let request = Request {
        role,
        peer,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
    };
    service.serve(request, &parts.method, path, body).await
}

/// What a request shows.
struct Request {
    role: Role,
    peer: SocketAddr,
    query: String,
    headers: HeaderMap,
}

impl Service {
    pub(super) fn open(context: &Context, settings: Settings) -> Result<Self, ServeError> {
        let identity = Identity::new()?;
        let port = Port::open(context, settings.listen)?;
        Ok(Self {
            context: context.clone(),
            candidates: settings.candidates(port.address())?,
            port,
            identity,
            sessions: Sessions::new(settings.max_sessions),
            feeds: Arc::default(),
            publishers: Publishers::default(),
            waiting: Semaphore::new(MAX_WAITING),
            settings,
        })
    }

    /// Where the port of the media is bound.
    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    async fn serve(
        &self,
        request: Request,
        method: &Method,
        path: Result<Path<String>, PathRejection>,
        body: Body,
    ) -> Response {
        let mut response = match self.answer(&request, method, path, body).await {
            Ok(response) => response,
            Err(problem) => {
                self.tell(&problem);
                problem.into_response()
            }
        };
        let headers = response.headers_mut();
        answer::allow_every_origin(headers);
        let servers = self.settings.ice_servers.iter();
        for link in servers.filter_map(super::settings::IceServer::link) {
            if let Ok(link) = HeaderValue::try_from(link) {
                headers.append(header::LINK, link);
            }
        }
        response
    }

    async fn answer(
        &self,
        request: &Request,
        method: &Method,
        path: Result<Path<String>, PathRejection>,
        body: Body,
    ) -> Result<Response, Problem> {
        if *method == Method::OPTIONS {
            return Ok(answer::preflight());
        }
        let Path(path) = path.map_err(|fault| Refusal::BadRequest(fault.to_string()))?;
        match (method, parse(&path)?) {
            (&Method::POST, Resource::Stream(name)) => {
                let offer = read(&request.headers, SDP, body).await?;
                let created = self.create(request, name, &offer).await?;
                Ok(created.into_response())
            }
            (&Method::PATCH, Resource::Session(id)) => {
                let session = self.sessions.get(&id).ok_or(Problem::NoSession)?;
                let fragment = read(&request.headers, FRAGMENT, body).await?;
                patch(&session, &request.headers, &fragment)?;
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            (&Method::DELETE, Resource::Session(id)) => {
                let session = self.sessions.get(&id).ok_or(Problem::NoSession)?;
                session.end.cancel();
                Ok(StatusCode::OK.into_response())
            }
            _ => Err(Problem::Method),
        }
    }

    /// Makes a session, and starts it.
    async fn create(
        &self,
        request: &Request,
        name: StreamName,
        offer: &str,
    ) -> Result<Created, Problem> {
        let shown = Shown::of(&request.headers, &request.query);
        let mut ask = shown.wants(name, Protocol::Webrtc, request.peer);
        let (place, intent) = match request.role {
            Role::Publisher => ("whip", Intent::Publish),
            Role::Viewer => ("whep", Intent::Read),
        };
        ask.intent = intent;
        let pass = self.context.registry().admit(ask).await?;
        let (id, tag) = (random_text::<16>()?, format!("\"{}\"", random_text::<8>()?));
        let user = user_fragment(offer).unwrap_or_default().to_owned();
        let entered = self
            .sessions
            .enter(id, tag.clone(), user, request.peer.ip());
        let (entry, end) = entered?;
        let now = Instant::now();
        let agreed = self
            .identity
            .answer(offer, request.role, &self.candidates, now)?;
        let task = match request.role {
            Role::Publisher => self.publish(&pass, &agreed)?,
            Role::Viewer => self.watch(&pass, &agreed).await?,
        };
        let created = Created {
            location: format!("/{place}/{SESSION}{}", entry.id),
            tag,
            answer: agreed.answer,
        };
        let (berth, inbox) = self.port.enter(&agreed.fragment);
        let session = Session {
            context: self.context.clone(),
            entry,
            pass,
            peer: Peer::new(agreed.rtc, &self.candidates, berth, inbox),
            end,
            connect_timeout: self.settings.connect_timeout,
            task,
        };
        let edge = self.context.counters().of(Protocol::Webrtc);
        edge.connections.add(1);
        self.context.tasks().spawn(Box::pin(session.run()));
        Ok(created)
    }

    fn publish(&self, pass: &Pass, agreed: &Agreed) -> Result<Task, Refusal> {
        let source = self.context.registry().publish(pass)?;
        let (listening, wishes) = self.publishers.enter(pass.stream());
        Ok(Task::Publish(Box::new(Publish {
            intake: Intake::new(agreed.video.as_ref(), agreed.audio.as_ref()),
            source,
            listening,
            wishes,
            media_timeout: self.settings.media_timeout,
        })))
    }

    async fn watch(&self, pass: &Pass, agreed: &Agreed) -> Result<Task, Problem> {
        let viewer = self.context.registry().read(pass)?;
        // Read from already, so that the feed stays until the session reads.
        let (feed, _reader) = self.feeds.join(&self.context, viewer.stream());
        let _place = self
            .waiting
            .try_acquire()
            .map_err(|_| Refusal::Overloaded {
                what: "viewers that wait for media",
                limit: MAX_WAITING,
            })?;
        let shown = tokio::time::timeout(MEDIA_PATIENCE, feed.shown());
        let shown = shown.await.ok().flatten().ok_or(Problem::NoMedia)?;
        if shown.profile_idc.is_none() && !shown.audio {
            return Err(Problem::NothingToShow);
        }
        Ok(Task::Watch(Watch {
            viewer,
            feed,
            outlets: agreed.outlets(shown.profile_idc),
            publishers: self.publishers.clone(),
        }))
    }

    /// Counts who was turned away and, now and then, logs it.
    fn tell(&self, problem: &Problem) {
        self.context.counters().of(Protocol::Webrtc).refused.add(1);
        if let Problem::Offer(_) | Problem::TooLong(_) = problem {
            // The hub announces its own refusals.
            let code = "bad-request".to_owned();
            self.context.registry().announce(Event::PeerRefused {
                protocol: Protocol::Webrtc,
                code,
            });
        }
        let now = Instant::now();
        if let Some(held_back) = self.context.complaints().admit("webrtc refused", now) {
            tracing::warn!(held_back, "WebRTC request refused: {problem}");
        }
    }
}

/// Candidates need nothing to be done; a restart of ICE is not offered (RFC 9725 §4.3).
fn patch(session: &Handle, headers: &HeaderMap, fragment: &str) -> Result<(), Problem> {
    let user = trickle::user_fragment(fragment)?;
    if user.is_some_and(|user| user != session.user) {
        return Err(Problem::Restart);
    }
    let tag = headers.get(header::IF_MATCH).ok_or(Problem::NoTag)?;
    match tag.to_str() {
        Ok(tag) if tag == session.tag || tag == "*" => Ok(()),
        _ => Err(Problem::OtherTag),
    }
}

/// A body of that type, bounded in size and time.
async fn read(headers: &HeaderMap, kind: &'static str, body: Body) -> Result<String, Problem> {
    let told = headers.get(header::CONTENT_TYPE);
    let told = told
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let told = told.split(';').next().unwrap_or_default().trim();
    if !told.eq_ignore_ascii_case(kind) {
        return Err(Problem::ContentType(kind));
    }
    let read = axum::body::to_bytes(body, MAX_BODY_BYTES);
    let late = || Refusal::BadRequest("the body does not come".to_owned());
    let read = tokio::time::timeout(BODY_PATIENCE, read)
        .await
        .map_err(|_| late())?;
    let bytes = read.map_err(|_| Problem::TooLong(MAX_BODY_BYTES))?;
    let text = String::from_utf8(bytes.into());
    text.map_err(|_| Refusal::BadRequest("the body is not UTF-8".to_owned()).into())
}

fn parse(path: &str) -> Result<Resource, Refusal> {
    if let Some(id) = path.strip_prefix(SESSION) {
        return Ok(Resource::Session(id.to_owned()));
    }
    let name = path.parse();
    name.map(Resource::Stream)
        .map_err(|fault: model::NameError| Refusal::BadRequest(fault.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_never_taken_for_a_stream_nor_a_stream_for_a_session() {
        assert_eq!(parse("session:ab12"), Ok(Resource::Session("ab12".into())));
        let name = "session/ab12".parse().unwrap();
        assert_eq!(parse("session/ab12"), Ok(Resource::Stream(name)));
        let name = "live/stage/cam1".parse().unwrap();
        assert_eq!(parse("live/stage/cam1"), Ok(Resource::Stream(name)));
        for path in ["", "../x", "a//b", "live/session:ab12", "a:b"] {
            assert!(parse(path).is_err(), "{path}");
        }
    }
}
