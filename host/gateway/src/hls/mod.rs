//! HLS (RFC 8216): live streams over plain HTTP.
//!
//! | path | what |
//! |---|---|
//! | `/hls/NAME/index.m3u8` | the live media playlist; NAME may have slashes |
//! | `/hls/NAME/NUMBER.ts` | the segment of that media sequence number |
//!
//! The first request for a stream begins its window, and with it the stream's segmenter; it
//! waits for the first segment. Segments are made once and are one piece of memory, which
//! all viewers' sockets write from. A window that nobody watches is dropped.
//!
//! User and token come from the `Authorization` header (Basic or Bearer) or from the query; a
//! playlist hands the query on to its segments, since players do not.
//!
//! [`push`] puts the same segments and playlist to another web server.
//!
//! There is one rendition, so `index.m3u8` is the media playlist itself, which saves players
//! a round trip. With several it becomes a multivariant playlist; its address stays.

mod answer;
mod door;
mod live;
pub mod push;
mod serve;
mod sessions;
mod writer;

use crate::Context;
use axum::Router;
use axum::routing::any;

/// The routes under `/hls/`. The server must give each request its peer as a
/// [`axum::extract::ConnectInfo`] of a [`std::net::SocketAddr`].
pub fn router(context: &Context) -> Router {
    Router::new()
        .route("/hls/{*path}", any(serve::serve))
        .with_state(serve::Service::new(context.clone()))
}
