//! MPEG-DASH: the same CMAF segments as over HLS, under a live manifest.
//!
//! | path | what |
//! |---|---|
//! | `/dash/NAME/manifest.mpd` | the manifest; NAME may have slashes |
//! | `/dash/NAME/video0-NUMBER.m4s`, `-init-NUMBER.mp4` | segments and headers |
//! | `/dash/NAME/time` | this host's time, for `UTCTiming` |
//!
//! A segment that is being made is listed, and sent part by part as they are made (low-latency
//! chunks). Splices are events of the manifest. A stream that is encrypted over HLS is refused. The
//! first request begins the stream's packager, as over HLS.

mod serve;

use crate::Context;
use axum::Router;
use axum::routing::any;

/// The routes under `/dash/`. The server must give each request its peer as a
/// [`axum::extract::ConnectInfo`] of a [`std::net::SocketAddr`].
pub fn router(context: &Context) -> Router {
    Router::new()
        .route("/dash/{*path}", any(serve::serve))
        .with_state(serve::Service::new(context.clone()))
}
