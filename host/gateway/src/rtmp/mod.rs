//! RTMP over TCP (Adobe RTMP 1.0; enhanced RTMP v1 for HEVC).
//!
//! [`listener`] accepts and bounds, [`connection`] carries a session until its peer has a role:
//! [`ingest`] takes a publisher's media in, [`serve`] plays to who comes. [`push`] publishes to
//! another server. What is said on the wire is decided in the sans-IO crate `rtmp`.

mod connection;
mod ingest;
mod listener;
pub mod push;
mod serve;
mod write;

pub use listener::{Config, ServeError, serve};

use model::{Ask, Intent, Protocol, Refusal};
use std::net::SocketAddr;

/// What a peer asks for, from a name and a query it chose.
fn ask(name: &str, query: &str, intent: Intent, peer: SocketAddr) -> Result<Ask, Refusal> {
    let stream = name
        .parse()
        .map_err(|error| Refusal::BadRequest(format!("{error}")))?;
    let parameter = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let (user, token) = (parameter("user"), parameter("token"));
    Ok(Ask {
        stream,
        intent,
        protocol: Protocol::Rtmp,
        peer,
        user,
        token,
    })
}

/// The `onStatus` code that says why somebody may not publish or play.
const fn status_code(intent: Intent, refusal: &Refusal) -> &'static str {
    match (intent, refusal) {
        (Intent::Publish, Refusal::BadRequest(_) | Refusal::Conflict { .. }) => {
            "NetStream.Publish.BadName"
        }
        (Intent::Publish, _) => "NetStream.Publish.Denied",
        (Intent::Read, Refusal::BadRequest(_) | Refusal::UnknownStream(_)) => {
            "NetStream.Play.StreamNotFound"
        }
        (Intent::Read, _) => "NetStream.Play.Failed",
    }
}
