//! Server-sent events (HTML standard, section 9.2).

use super::{End, Listener};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use control::journal::Item;
use futures_util::{StreamExt, stream};
use std::convert::Infallible;
use std::time::Duration;

/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Nothing of it is to be kept, nor held back until there is more.
const HEADERS: [(header::HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/event-stream"),
    (header::CACHE_CONTROL, "no-store"),
    (header::HeaderName::from_static("x-accel-buffering"), "no"),
];

/// The answer goes on until `end`, or until its reader is too slow. What its reader leaves unread
/// is kept by the ring alone; the server cuts off who reads nothing at all.
pub(super) fn answer(
    listener: Listener,
    end: impl Future<Output = End> + Send + 'static,
) -> Response {
    let told = stream::unfold(Some(listener), next).take_until(Box::pin(end));
    (HEADERS, Body::from_stream(told)).into_response()
}

async fn next(listener: Option<Listener>) -> Option<(Result<Bytes, Infallible>, Option<Listener>)> {
    let mut listener = listener?;
    let told = match tokio::time::timeout(KEEP_ALIVE, listener.cursor.next()).await {
        Ok(item @ Item::TooSlow(_)) => return Some((Ok(item.message().sse()), None)),
        Ok(item) => item.message().sse(),
        // An id alone is no event, but it is where to go on.
        Err(_) => format!("id: {}\n\n", listener.cursor.position()).into(),
    };
    Some((Ok(told), Some(listener)))
}
