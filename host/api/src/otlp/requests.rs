//! Requests of the API as spans.

use super::MAX_SPANS;
use super::span::Span;
use crate::app::App;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use control::clock::unix_ms;
use parking_lot::Mutex;
use std::time::Instant;

/// Requests that were answered and not sent yet; bounded.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    wanted: bool,
    answered: Mutex<Vec<Span>>,
}

impl Requests {
    /// `wanted`: somebody takes them.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            answered: Mutex::default(),
        }
    }

    pub(super) fn take(&self) -> Vec<Span> {
        std::mem::take(&mut self.answered.lock())
    }
}

/// The middleware. It names the route and never the path, in which names and secrets may be.
pub(crate) async fn watch(State(app): State<App>, request: Request, next: Next) -> Response {
    if !app.requests.wanted {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("unknown", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let parent = request.headers().get("traceparent");
    let parent = parent
        .and_then(|parent| parent.to_str().ok())
        .map(str::to_owned);
    let (begin, begun) = (unix_ms() * 1_000_000, Instant::now());
    let response = next.run(request).await;
    let status = response.status();
    let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let span = Span::new(
        format!("{method} {route}"),
        begin,
        begin.saturating_add(took),
    )
    .asked_by(parent.as_deref())
    .with("http.request.method", method)
    .with("http.route", route)
    .with("http.response.status_code", status.as_u16().to_string())
    .failed(status.is_server_error().then(|| status.to_string()));
    let mut answered = app.requests.answered.lock();
    if answered.len() < MAX_SPANS {
        answered.push(span);
    }
    response
}
