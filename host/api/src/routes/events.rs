//! What happens, as it happens: server-sent events.

use crate::extract::Scoped;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use std::convert::Infallible;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// What happens from now on, as server-sent events.
///
/// Each event's data is a JSON object whose `type` says what happened: `stream_started`,
/// `stream_ended`, `source_changed`, `on_air_changed`, `output_changed`, `peer_refused`,
/// `alert_raised`, `alert_cleared`; of plugins `plugin_step`, `plugin_refused`,
/// `plugin_activated`, `plugin_rolled_back`, `plugin_breaker_opened`, `plugin_breaker_closed`,
/// `plugin_removed`. A client that reads too slowly gets `missed` with a count, and should look
/// at `/api/v1/streams` and `/api/v1/plugins` anew.
#[utoipa::path(get, path = "/api/v1/events", tag = "streams", responses(
    (status = 200, description = "Events until either side hangs up", body = String, content_type = "text/event-stream"),
))]
pub(crate) async fn events(
    Scoped(app): Scoped,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let events = stream::unfold(app.edges.registry().events(), next)
        .take_until(app.stop.clone().cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn next(
    mut events: Receiver<model::Event>,
) -> Option<(Result<Event, Infallible>, Receiver<model::Event>)> {
    let data = match events.recv().await {
        Ok(event) => serde_json::to_string(&event).ok()?,
        Err(RecvError::Lagged(count)) => json!({ "type": "missed", "count": count }).to_string(),
        Err(RecvError::Closed) => return None,
    };
    Some((Ok(Event::default().data(data)), events))
}
