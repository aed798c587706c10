//! What happens, as it happens: server-sent events, or a WebSocket for who asks for one.

mod socket;
mod sse;

use crate::app::App;
use crate::door;
use crate::extract::Caller;
use crate::problem::{Kind, Problem};
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use control::journal::{BadPosition, Cursor, Filter, Position};
use model::{StreamPattern, Who};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

/// Who may listen at once. Half of the server's connections are left to everybody else.
pub(crate) const MAX_LISTENERS: usize = 2_048;

/// What browsers send when they come back (HTML standard, section 9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// How often it is asked whether a listener may still listen: a key can be taken back, and a
/// session ends.
const LOOK: Duration = Duration::from_secs(5);

/// What to hear.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only events of these types, separated by commas; `figures` is one.
    #[param(example = "output_changed,figures")]
    types: Option<String>,
    /// Only what is about streams of these names, and nothing of what belongs to no stream.
    #[param(value_type = Option<String>, example = "live/*")]
    streams: Option<StreamPattern>,
    /// Go on after the event with this id. `Last-Event-ID` says the same.
    after: Option<String>,
}

/// A listener with a place of its own.
struct Listener {
    cursor: Cursor,
    _place: OwnedSemaphorePermit,
}

/// Why a listener hears no more.
enum End {
    Stopping,
    /// Who listens is no longer who they were, or may do something else now.
    Revoked,
}

/// What happens from now on: server-sent events, or one message each on a WebSocket.
///
/// Each is a JSON object whose `type` says what happened: `stream_started`, `stream_ended`,
/// `source_changed`, `on_air_changed`, `output_changed` (with all of its state), `document_changed`
/// (what is wanted was changed), `peer_refused` (one a second of each kind), `alert_raised`,
/// `alert_cleared`; of plugins `plugin_step`, `plugin_refused`, `plugin_activated`,
/// `plugin_rolled_back`, `plugin_breaker_opened`, `plugin_breaker_closed`, `plugin_removed`. Each
/// has a `time_unix_ms` and an `id`, with which a client goes on where it was.
///
/// `figures` come once a second, with every stream whose figures changed since the last ones; the
/// first have all. They have no id, and are not repeated.
///
/// `hello` comes once, with the id from which on events are heard. `missed` says how many events
/// are no longer there (`count`, null if the host was started again since): look at
/// `/api/v1/streams` and `/api/v1/plugins` anew. A client that is too slow for what happens hears
/// `missed`, and its connection ends; so does that of a client whose key or session is no longer
/// good, within five seconds. A WebSocket takes no messages.
#[utoipa::path(get, path = "/api/v1/events", tag = "streams",
    params(Wanted, ("Last-Event-ID" = Option<String>, Header, description = "Go on after the event with this id")),
    responses(
        (status = 101, description = "A WebSocket, for who asks for one"),
        (status = 200, description = "Events until either side hangs up", body = String, content_type = "text/event-stream"),
        (status = 400, description = "The query is at fault", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A WebSocket was asked for by a page of another site", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many listen", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn events(
    State(app): State<App>,
    Caller(who): Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
    request: Parts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let bad = |error: &dyn std::fmt::Display| Problem::new(Kind::BadRequest, error.to_string());
    let Query(wanted) = wanted.map_err(|rejection| bad(&rejection.body_text()))?;
    let after = after(&wanted, &request.headers).map_err(|error| bad(&error))?;
    let mut filter = Filter::of(who.clone());
    if let Some(types) = &wanted.types {
        let types = types.split(',').map(str::trim);
        filter = filter.types(types).map_err(|error| bad(&error))?;
    }
    if let Some(streams) = wanted.streams {
        filter = filter.streams(streams);
    }
    let place = app.listeners.clone().try_acquire_owned();
    let place = place.map_err(|_| {
        let detail = format!("{MAX_LISTENERS} listen to events already");
        Problem::new(Kind::Overloaded, detail)
    })?;
    let listener = Listener {
        cursor: app.control.journal().listen(filter, after),
        _place: place,
    };
    let is_upgrade = request.headers.contains_key(header::UPGRADE);
    let end = end(app, request, who);
    if !is_upgrade {
        return Ok(sse::answer(listener, end));
    }
    let upgrade = upgrade.map_err(|rejection| bad(&rejection.body_text()))?;
    Ok(socket::answer(upgrade, listener, end))
}

/// Resolves when a listener has to go.
async fn end(app: App, request: Parts, who: Who) -> End {
    let revoked = async {
        loop {
            tokio::time::sleep(LOOK).await;
            let Ok(now) = door::identify(&app, &request).await else {
                return;
            };
            let peer = who.peer;
            if (Who { peer, ..now }) != who {
                return;
            }
        }
    };
    tokio::select! {
        () = app.stop.cancelled() => End::Stopping,
        () = revoked => End::Revoked,
    }
}

/// Where to go on. Browsers repeat the address with which they began, so the header is newer.
fn after(wanted: &Wanted, headers: &HeaderMap) -> Result<Option<Position>, BadPosition> {
    let header = headers.get(LAST_EVENT_ID).map(|id| id.to_str());
    let header = header.transpose().map_err(|_| BadPosition)?;
    let id = header.filter(|id| !id.is_empty());
    id.or(wanted.after.as_deref()).map(str::parse).transpose()
}
