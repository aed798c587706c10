//! RTMP over TCP or TLS (Adobe RTMP 1.0; enhanced RTMP v2 for HEVC, AV1, VP9, Opus and several
//! tracks).
//!
//! [`listener`] opens the ports, [`connection`] carries a session until its peer has a role:
//! [`ingest`] takes a publisher's media in, [`serve`] plays to who comes, all of a stream's players
//! through one [`crowd`], or [`sealed`] under TLS. [`push`] publishes to
//! another server, [`pull`] plays from one, each through a [`caller`]. What is said on the wire is decided in the sans-IO crate `rtmp`.

mod batch;
mod caller;
mod connection;
mod crowd;
mod ingest;
mod listener;
mod place;
mod player;
pub mod pull;
pub mod push;
mod sealed;
mod seat;
mod serve;
mod write;

pub use crowd::Merge;
pub use listener::{Config, ServeError, serve, serve_tls};
pub(crate) use seat::Seat;

use ::rtmp::session::Enhanced;
use media::flv::{Abilities, FourCc, Need};
use model::{Ask, Intent, Protocol, Refusal};
use std::net::SocketAddr;

/// What a peer understands of what `media::flv` writes.
fn abilities(enhanced: &Enhanced) -> Abilities {
    let takes = |fourcc: FourCc| enhanced.takes(fourcc.text());
    Abilities::new(takes, enhanced.takes_multitrack())
}

/// Says once that a peer does not get all of the stream.
fn tell_left_out(peer: &dyn std::fmt::Display, stream: &model::StreamName, need: Need) {
    let what = match need {
        Need::FourCc(fourcc) => format!("{} tracks", fourcc.text()),
        Need::Track(_) => "all tracks but the first of a kind".to_owned(),
        Need::Nothing => return,
    };
    tracing::warn!(
        %peer, %stream,
        "the RTMP peer did not announce enhanced RTMP for them: {what} are left out"
    );
}

/// What a peer asks for, from a name and a query it chose.
fn ask(name: &str, query: &str, intent: Intent, peer: SocketAddr) -> Result<Ask, Refusal> {
    let stream = name
        .parse()
        .map_err(|error| Refusal::BadRequest(format!("{error}")))?;
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let pairs = pairs.map(|(key, value)| (key.into_owned(), value.into_owned()));
    Ok(Ask::new(stream, intent, Protocol::Rtmp, peer).with_query(pairs))
}

/// The `onStatus` code that says why somebody may not publish or play.
const fn status_code(intent: Intent, refusal: &Refusal) -> &'static str {
    match (intent, refusal) {
        (Intent::Publish, Refusal::BadRequest(_) | Refusal::Conflict { .. }) => {
            "NetStream.Publish.BadName"
        }
        (Intent::Publish, Refusal::Unauthorized | Refusal::Forbidden) => {
            "NetStream.Publish.Unauthorized"
        }
        (Intent::Publish, _) => "NetStream.Publish.Denied",
        (Intent::Read, Refusal::BadRequest(_) | Refusal::UnknownStream(_)) => {
            "NetStream.Play.StreamNotFound"
        }
        (Intent::Read, _) => "NetStream.Play.Failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_that_peers_see_do_not_change() {
        let stream = || "a".parse().unwrap();
        let cases = [
            (Refusal::BadRequest(String::new()), "Publish.BadName"),
            (Refusal::Unauthorized, "Publish.Unauthorized"),
            (Refusal::Forbidden, "Publish.Unauthorized"),
            (Refusal::Overloaded { what: "", limit: 1 }, "Publish.Denied"),
        ];
        for (refusal, code) in cases {
            let told = status_code(Intent::Publish, &refusal);
            assert_eq!(told, format!("NetStream.{code}"), "{refusal:?}");
        }
        let cases = [
            (Refusal::UnknownStream(stream()), "Play.StreamNotFound"),
            (Refusal::Unauthorized, "Play.Failed"),
            (Refusal::Forbidden, "Play.Failed"),
        ];
        for (refusal, code) in cases {
            let told = status_code(Intent::Read, &refusal);
            assert_eq!(told, format!("NetStream.{code}"), "{refusal:?}");
        }
    }
}
