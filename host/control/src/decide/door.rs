//! Auth: the doorman of all gateways, and of the API.
//!
//! Where no auth policy is bound to a stream's name, everybody is let in, and nobody waits. The
//! API is asked about under the empty name, so a policy bound to `*` covers it and one bound to
//! `live/*` does not.

use super::{Asking, Decider, Ruling};
use crate::clock::unix_ms;
use crate::router::Cause;
use hub::Doorman;
use hub::doorman::Verdict;
use model::auth::{AuthAction, AuthRequest};
use model::{Admission, Answer, Ask, Intent, PolicyKind, Question, Refusal};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The attribute that carries a peer's own name for its program.
const USER_AGENT: &str = "user-agent";

/// A request over the API.
#[derive(Clone)]
pub struct ApiRequest {
    /// `PUT` and the like.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// From where.
    pub peer: SocketAddr,
    /// The user it claims to be.
    pub user: Option<String>,
    /// The secret it shows.
    pub token: Option<String>,
    /// The pairs of the URL's query.
    pub query: Vec<(String, String)>,
    /// What program it says it is.
    pub agent: String,
}

impl Doorman for Decider {
    fn admit<'a>(&'a self, ask: &'a Ask) -> Verdict<'a> {
        let deciding = self.deciding(PolicyKind::Auth, ask.stream.as_str());
        if deciding.is_built_in() {
            return Verdict::Known(Ok(Admission::default()));
        }
        Verdict::Asked(Box::pin(async move {
            let request = of_peer(ask, unix_ms());
            let cause = match ask.renewal {
                true => Cause::Renewal,
                false => Cause::Asked,
            };
            self.authorize(request, cause, ask.shows_credentials())
                .await
        }))
    }
}

impl Decider {
    /// Whether an auth policy covers the API.
    pub fn guards_the_api(&self) -> bool {
        !self.deciding(PolicyKind::Auth, "").is_built_in()
    }

    /// Whether the auth policy allows a request, if one covers the API.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] or [`Refusal::Forbidden`].
    pub async fn authorize_api(&self, request: ApiRequest) -> Result<(), Refusal> {
        if !self.guards_the_api() {
            return Ok(());
        }
        let shows_credentials = request.user.is_some() || request.token.is_some();
        let request = of_api(request, unix_ms());
        let authorized = self.authorize(request, Cause::Asked, shows_credentials);
        authorized.await.map(drop)
    }

    async fn authorize(
        &self,
        request: AuthRequest,
        cause: Cause,
        shows_credentials: bool,
    ) -> Result<Admission, Refusal> {
        let ruling = self
            .decide(Asking {
                question: Arc::new(Question::Auth(request)),
                cause,
                library: None,
                last_good: None,
            })
            .await;
        let admission = admission(&ruling, shows_credentials);
        if admission.is_err() {
            self.0.log.count_denied();
        }
        self.record(ruling, Vec::new(), Vec::new());
        admission
    }
}

fn admission(ruling: &Ruling, shows_credentials: bool) -> Result<Admission, Refusal> {
    let verdict = match ruling.answer.as_deref() {
        Some(Answer::Auth(verdict)) => verdict,
        // Judged to be of the question's kind.
        _ => return Err(Refusal::Forbidden),
    };
    if !verdict.allow {
        // Showing something helps only where the policy itself said no to nothing.
        let may_help = ruling.error.is_none() && !shows_credentials;
        return Err(match may_help {
            true => Refusal::Unauthorized,
            false => Refusal::Forbidden,
        });
    }
    let stream = match &verdict.stream {
        Some(name) => Some(name.parse().map_err(|_| Refusal::Forbidden)?),
        None => None,
    };
    Ok(Admission {
        stream,
        max_bitrate_bps: verdict.max_bitrate_bps,
        max_duration: verdict.max_duration_ms.map(Duration::from_millis),
        max_readers: verdict.max_readers,
        ttl: verdict.ttl_ms.map(Duration::from_millis),
    })
}

fn of_peer(ask: &Ask, now_unix_ms: u64) -> AuthRequest {
    let agent = ask.agent.iter();
    AuthRequest {
        action: match ask.intent {
            Intent::Publish => AuthAction::Publish,
            Intent::Read => AuthAction::Read,
        },
        protocol: ask.protocol.as_str().to_owned(),
        stream: ask.stream.to_string(),
        peer_ip: ask.peer.ip().to_canonical(),
        peer_port: ask.peer.port(),
        user: ask.user.clone(),
        token: ask.token.clone(),
        query: ask.query.clone(),
        now_unix_ms,
        renewal: ask.renewal,
        attributes: agent
            .map(|agent| (USER_AGENT.to_owned(), agent.clone()))
            .collect(),
    }
}

fn of_api(request: ApiRequest, now_unix_ms: u64) -> AuthRequest {
    let attributes = [
        ("method", request.method),
        ("path", request.path),
        (USER_AGENT, request.agent),
    ];
    AuthRequest {
        action: AuthAction::Api,
        protocol: "http".to_owned(),
        stream: String::new(),
        peer_ip: request.peer.ip().to_canonical(),
        peer_port: request.peer.port(),
        user: request.user,
        token: request.token,
        query: request.query,
        now_unix_ms,
        renewal: false,
        attributes: attributes
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    }
}
