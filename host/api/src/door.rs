//! Asks the auth policy about requests that change something and come from elsewhere.
//!
//! Whoever comes from this machine itself is not asked about, or a policy at fault could lock its
//! operator out; so a proxy on this machine has to do the asking itself. While no auth policy is
//! bound to `*`, nobody is asked about, and the listener's address is what protects the API.

use crate::app::App;
use crate::problem::{Kind, Problem};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::decide::ApiRequest;
use gateway::http::Shown;
use model::Refusal;
use std::net::SocketAddr;

/// The middleware.
pub(crate) async fn door(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Every connection has one; whoever has none is a stranger.
    let peer = peer.map_or(([0, 0, 0, 0], 0).into(), |ConnectInfo(peer)| *peer);
    if peer.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    match app
        .control
        .decider()
        .authorize_api(told(&request, peer))
        .await
    {
        Ok(()) => next.run(request).await,
        Err(refusal) => turned_away(&refusal).into_response(),
    }
}

fn told(request: &Request, peer: SocketAddr) -> ApiRequest {
    let uri = request.uri();
    let shown = Shown::of(request.headers(), uri.query().unwrap_or_default());
    let (user, token) = shown.credentials();
    ApiRequest {
        method: request.method().to_string(),
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
