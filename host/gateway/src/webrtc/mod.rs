//! WebRTC: publishers by WHIP (RFC 9725), viewers by WHEP (draft-ietf-wish-whep), below half a
//! second.
//!
//! | request | what |
//! |---|---|
//! | `POST /whip/NAME` | publish: an SDP offer, answered 201 with the answer; NAME may have slashes |
//! | `POST /whep/NAME` | watch, in the same way |
//! | `DELETE /whip/session:ID` | ends that session; its address is the `Location` of the 201 |
//! | `PATCH /whip/session:ID` | candidates of the peer (trickle ICE), which are not needed |
//!
//! No stream's name has a colon, so a session is never taken for a stream. Its id is 128 random
//! bits: who knows it may end it.
//!
//! H.264 and Opus go through as they are, AAC becomes Opus in one FFmpeg a stream ([`opus`]).
//! Nothing else is carried. What viewers get is made once for all of them ([`feed`]); packets are
//! cut and encrypted for each, which is what DTLS-SRTP asks for. One task is one session.
//!
//! This host is ICE-lite: it waits for its peer's checks on the one UDP port that all sessions
//! share ([`port`]), and calls nobody, so the peer's candidates are never used. str0m is the
//! connection ([`peer`]); DTLS, SRTP, NACK and reports are its own.
//!
//! A viewer that needs a key frame gets one from a publisher that can make it, which is one that
//! came by WHIP; otherwise it waits for the next.
//!
//! User and token come as Bearer, Basic or in the query.

mod answer;
mod clock;
mod feed;
mod http;
mod ingest;
mod negotiate;
mod opus;
mod peer;
mod picture;
mod port;
mod publishers;
mod serve;
mod session;
mod sessions;
mod settings;
pub mod stun;
pub mod trickle;

pub use settings::{IceServer, ServeError, Settings};

use crate::Context;
use axum::Router;
use axum::routing::any;
use negotiate::Role;
use std::net::SocketAddr;
use std::sync::Arc;

/// Opens the UDP port; returns the routes under `/whip/` and `/whep/`, and the address that was
/// bound. The server must give each request its peer as a [`axum::extract::ConnectInfo`] of a
/// [`SocketAddr`].
///
/// # Errors
/// When the port is taken, or there is no address that peers could be told.
pub fn serve(context: &Context, settings: Settings) -> Result<(Router, SocketAddr), ServeError> {
    let service = Arc::new(http::Service::open(context, settings)?);
    let address = service.address();
    let at =
        |role| any(move |state, peer, path, request| http::serve(role, state, peer, path, request));
    let router = Router::new()
        .route("/whip/{*path}", at(Role::Publisher))
        .route("/whep/{*path}", at(Role::Viewer))
        .with_state(service);
    Ok((router, address))
}
