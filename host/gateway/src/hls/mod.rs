//! HLS (RFC 8216): live streams over plain HTTP.
//!
//! | path | what |
//! |---|---|
//! | `/hls/NAME/index.m3u8` | the multivariant playlist of CMAF renditions; NAME may have slashes |
//! | `/hls/NAME/video0.m3u8`, `audio1.m3u8` | media playlists with parts, which wait if asked to |
//! | `/hls/NAME/video0-NUMBER.m4s`, `-NUMBER.PART.m4s`, `-init-NUMBER.mp4` | segments, parts, headers |
//! | `/hls/NAME/keys/video0-NUMBER.key`, `keys/NUMBER.key` | keys of either, 16 bytes, if they are encrypted |
//! | `/hls/NAME/ts.m3u8`, `/hls/NAME/NUMBER.ts` | the transport stream itself, in segments |
//!
//! A stream may be set to have its transport stream as `index.m3u8`
//! ([`crate::package::Settings::form`]).
//!
//! The first request for a stream begins its window, and with it the stream's packager or
//! segmenter; it waits for the first segment. Segments and parts are made once and are one piece
//! of memory, which all viewers' sockets write from. A window that nobody watches is dropped.
//!
//! Low latency (draft-pantos-hls-rfc8216bis): a playlist that is asked for with `_HLS_msn` is
//! answered once it has that segment or part; so is the part that is made next. Both wait for at
//! most three target durations. CMAF has one track a file, so sounds are renditions of their own.
//!
//! With [`crate::package::Settings::key_rotation`] segments are encrypted with AES-128 (RFC 8216
//! §4.3.2.4) and a new key every so many. They are whole then: there are no parts, so latency is
//! that of plain HLS. Keys are given to whoever is let in to the playlist, and only those of
//! segments that are held. What [`push`] puts elsewhere is not encrypted.
//!
//! User and token come from the `Authorization` header (Basic or Bearer) or from the query; a
//! playlist hands the query on to what it names, since players do not.
//!
//! [`push`] puts transport stream segments and their playlist to another web server.

mod directive;
mod live;
mod low;
pub mod push;
mod serve;
mod writer;

pub(crate) use writer::first_sequence;

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
