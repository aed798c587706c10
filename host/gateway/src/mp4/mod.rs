//! Endless files: the CMAF parts of all tracks in one stream as they are made, or the transport
//! stream.
//!
//! | `GET` | what |
//! |---|---|
//! | `/live/NAME.mp4` over HTTP | one body without an end: header, then parts. Ends when the tracks change |
//! | the same as a WebSocket | a text message `{"mime": "video/mp4; codecs=..."}` and a binary one with the header, whenever the tracks change; then each part as a binary message. For Media Source Extensions |
//! | `/live/NAME.ts` over HTTP | one body without an end: PAT and PMT, then the packets as they are, with all that they carry |
//! | the same as a WebSocket | the same in binary messages, and nothing else; for mpegts.js |
//!
//! All begin at the newest random access point. A viewer that is overtaken goes on at the newest
//! one, so its timestamps jump; one that takes nothing for ten seconds is cut off. What waits for
//! a viewer are references to bytes that all viewers share, a few of them.
//!
//! Whoever may have the one may have the other: both are [`model::Protocol::Mp4`]. A stream that
//! is encrypted over HLS ([`crate::package::Settings::key_rotation`]) has neither; one that is to
//! be from now on ends here.

mod feed;
mod packets;
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
