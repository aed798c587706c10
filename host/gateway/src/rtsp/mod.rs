//! RTSP 1.0 (RFC 2326) over TCP or TLS, with RTP within the connection or over UDP.
//!
//! [`listener`] opens the ports, [`connection`] carries a session until its peer has a role:
//! [`ingest`] takes a publisher's packets in, [`serve`] plays to who comes. [`push`] publishes to
//! another server, [`pull`] plays from a camera. What is said on the wire is decided in the
//! sans-IO crate `rtsp`, what packets carry in `media::rtp`.
//!
//! **Who asks.** Auth policies judge a user and a token. Basic shows both, so it is what strangers
//! are asked for, and a token may also stand in the URL. Digest shows a hash only, which nobody can
//! judge who does not know the password: it is offered where the host itself knows one
//! ([`Config::account`]). Then everybody has to show that account, and a policy is asked besides,
//! with that user and password.

mod connection;
mod ingest;
mod intake;
mod listener;
mod ports;
pub mod pull;
pub mod push;
mod serve;
mod tracks;

pub use ::rtsp::auth::Account;
pub use ::rtsp::session::Limits;
pub use listener::{Bound, Config, ServeError, serve, serve_tls};

use ::rtsp::StatusCode;
use ::rtsp::auth::{Guard, Verdict};
use ::rtsp::session::Target;
use model::{Ask, Intent, Protocol, Refusal};
use std::net::SocketAddr;
use std::time::Instant;

/// What a peer asks for, and as whom.
fn ask(
    target: &Target,
    intent: Intent,
    peer: SocketAddr,
    verdict: Option<Verdict>,
) -> Result<Ask, Refusal> {
    let stream = target
        .path
        .parse()
        .map_err(|error| Refusal::BadRequest(format!("{error}")))?;
    let pairs = url::form_urlencoded::parse(target.query.as_bytes());
    let pairs = pairs.map(|(key, value)| (key.into_owned(), value.into_owned()));
    let mut ask = Ask::new(stream, intent, Protocol::Rtsp, peer);
    if let Some(Verdict::Known { user, token }) = verdict {
        (ask.user, ask.token) = (user, Some(token).filter(|token| !token.is_empty()));
    }
    Ok(ask.with_query(pairs).with_agent(&target.agent))
}

/// What an `Authorization` header says of who asks; an answer that is stale or wrong counts as
/// none, so that the peer is asked again.
fn judge(guard: &Guard, target: &Target) -> Option<Verdict> {
    let header = target.authorization.as_deref()?;
    guard.judge(Instant::now(), header, &target.method, &target.uri)
}

/// The status that says why somebody may not publish or play.
const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::BadRequest(_) => StatusCode::BadRequest,
        Refusal::UnknownStream(_) => StatusCode::NotFound,
        Refusal::Unauthorized => StatusCode::Unauthorized,
        Refusal::Forbidden | Refusal::CutOff(_) | Refusal::NotServed { .. } => {
            StatusCode::Forbidden
        }
        // RTSP 1.0 has no word for a conflict; MediaMTX and GStreamer say this one, too.
        Refusal::Conflict { .. } => StatusCode::MethodNotValidInThisState,
        _ => StatusCode::ServiceUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_that_peers_see_do_not_change() {
        let stream = || "a".parse().unwrap();
        for (refusal, code) in [
            (Refusal::BadRequest(String::new()), 400),
            (Refusal::Unauthorized, 401),
            (Refusal::Forbidden, 403),
            (Refusal::UnknownStream(stream()), 404),
            (
                Refusal::Conflict {
                    stream: stream(),
                    why: "",
                },
                455,
            ),
            (Refusal::Overloaded { what: "", limit: 1 }, 503),
            (Refusal::Stopping, 503),
        ] {
            assert_eq!(u16::from(status(&refusal)), code, "{refusal:?}");
        }
    }

    #[test]
    fn a_header_wins_over_the_query_and_a_name_may_have_slashes() {
        let target = Target {
            path: "live/stage/a".into(),
            query: "user=u&token=q".into(),
            ..Target::default()
        };
        let peer = ([127, 0, 0, 1], 1).into();
        let asked = |verdict| ask(&target, Intent::Read, peer, verdict).unwrap();
        assert_eq!(asked(None).token.as_deref(), Some("q"));
        let known = Verdict::Known {
            user: Some("h".into()),
            token: "t".into(),
        };
        let ask = asked(Some(known));
        assert_eq!(
            (ask.user.as_deref(), ask.token.as_deref()),
            (Some("h"), Some("t"))
        );
        assert_eq!(ask.stream.as_str(), "live/stage/a");
        assert_eq!(asked(Some(Verdict::Wrong)).token.as_deref(), Some("q"));
    }
}
