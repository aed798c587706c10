//! Endless fragmented MP4: the CMAF parts of all tracks in one stream, as they are made.
//!
//! | `GET /live/NAME.mp4` | what |
//! |---|---|
//! | over HTTP | one body without an end: header, then parts. Ends when the tracks change |
//! | as a WebSocket | a text message `{"mime": "video/mp4; codecs=..."}` and a binary one with the header, whenever the tracks change; then each part as a binary message. For Media Source Extensions |
//!
//! Both begin at the newest random access point. A viewer that is overtaken goes on at the newest
//! one, so its timestamps jump; one that takes nothing for ten seconds is cut off. What waits for
//! a viewer are references to parts that all viewers share, a few of them.

mod feed;
mod serve;

use crate::Context;
use axum::Router;
use axum::routing::any;

/// The routes under `/live/`. The server must give each request its peer as a
/// [`axum::extract::ConnectInfo`] of a [`std::net::SocketAddr`].
pub fn router(context: &Context) -> Router {
    Router::new()
        .route("/live/{*path}", any(serve::serve))
        .with_state(context.clone())
}
