//! SRT: MPEG-TS over UDP with retransmission within a fixed delay (libsrt 1.5).
//!
//! [`listener`](serve()) runs the port that publishers and viewers call; `ingest` takes a
//! publisher's media in, `serve` sends a stream to who watches, [`push`] to a peer of an
//! output. Whoever calls that port is asked in by the `desk`, within its handshake if that is
//! possible in time. Sources and outputs may call or, with `mode=listener`, be called on a port of their
//! own, or with `mode=rendezvous` both. [`Connections`] shows the figures of every connection there is.
//!
//! Beneath, [`backend`] makes and keeps connections, [`stream_id`] reads what a caller asks
//! for, and [`reject`] says no in SRT's words; they know no streams.

pub mod backend;
mod connections;
mod crowd;
mod desk;
mod history;
pub mod ingest;
mod listener;
mod message;
pub mod push;
pub mod reject;
mod serve;
pub mod stream_id;

pub use connections::{ConnectionFigures, Connections, Role};
pub(crate) use crowd::Arrival;
pub use history::{History, Sample};
pub use listener::{Config, ServeError, serve};

use crate::context::Context;
use backend::{Backend, ConnectConfig, Connection, Error, Libsrt, ListenConfig};
use link::LinkError;
use model::{Ask, Protocol, Refusal, endpoint};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use stream_id::StreamIdError;

/// What a caller asks for, from the stream id it chose.
fn ask(stream_id: &[u8], peer: SocketAddr) -> Result<Ask, StreamIdError> {
    let id = stream_id::parse(stream_id)?;
    let ask = Ask {
        user: id.user,
        token: id.token,
        ..Ask::new(id.stream, id.intent, Protocol::Srt, peer)
    };
    Ok(ask.with_query(id.query))
}

/// Why a caller's connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The doorman's word came after the handshake, another caller was faster, or the terms on
    /// which it was let in ran out.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    StreamId(#[from] StreamIdError),
    #[error(transparent)]
    Connection(#[from] Error),
}

/// Calls the peer of a link.
///
/// A refusal is no end of the link: a peer whose stream id, passphrase or publisher is put
/// right later is served then, without anybody touching this side. The waits of the link's
/// policy grow meanwhile.
async fn call(
    context: &Context,
    endpoint: &endpoint::Srt,
) -> Result<impl Connection + use<>, LinkError> {
    let remote = link::one_to_call(context, &endpoint.host, endpoint.port).await?;
    let mut config = ConnectConfig::from_endpoint(endpoint, remote).map_err(link_error)?;
    if let Some(local) = config.local.as_mut().filter(|_| config.rendezvous) {
        local.set_ip(way_to(remote).map_err(LinkError::io("no way to the SRT peer"))?);
    }
    let backend = Libsrt::new().map_err(link_error)?;
    backend.connect(&config).await.map_err(link_error)
}

/// The address of this host that packets to `remote` leave from: in rendezvous it is where the
/// peer calls. Sends nothing.
fn way_to(remote: SocketAddr) -> std::io::Result<IpAddr> {
    let any = match remote {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

/// How the port of a link is run.
async fn port(endpoint: &endpoint::Srt) -> Result<ListenConfig, LinkError> {
    let local = link::resolve(&endpoint.host, endpoint.port).await?;
    ListenConfig::from_endpoint(endpoint, local).map_err(link_error)
}

fn link_error(error: Error) -> LinkError {
    match error {
        Error::Passphrase { .. } | Error::KeyLength { .. } => LinkError::Misconfigured {
            what: error.to_string(),
            remedy: "correct the URL",
        },
        passing => LinkError::Passing(passing.to_string()),
    }
}

/// The version of the library that speaks SRT; none if it does not start.
pub fn library_version() -> Option<String> {
    let (major, minor, patch) = Libsrt::new().ok()?.version();
    Some(format!("{major}.{minor}.{patch}"))
}
