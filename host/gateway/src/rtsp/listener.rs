//! The ports: what is bound, and what each connection may cost.

use super::connection::{Connection, Shared};
use super::ports::Ports;
use crate::context::Context;
use crate::tcp::{Door, accept};
use ::rtsp::auth::{Account, Guard};
use ::rtsp::session::Limits;
use model::Protocol;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;

/// How RTSP is served.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to bind.
    pub listen: SocketAddr,
    /// The port for RTP over UDP, on the same address; RTCP has the next one. 0: any two. `None`:
    /// all packets travel within the connections.
    pub udp_port: Option<u16>,
    /// Connections at once, whatever they do; each has at most one session. Those that neither
    /// publish nor play are closed after [`Limits::setup_timeout`].
    pub max_connections: usize,
    /// How long each may take and be silent.
    pub limits: Limits,
    /// What everybody has to show, by Digest or Basic; see [`crate::rtsp`]. Without it only auth
    /// policies judge.
    pub account: Option<Account>,
}

impl Config {
    /// On that address, with the usual limits; UDP on port 8000 and 8001.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            udp_port: Some(8000),
            max_connections: 8192,
            limits: Limits::default(),
            account: None,
        }
    }
}

/// What is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Where RTSP is spoken.
    pub address: SocketAddr,
    /// The ports for RTP and RTCP over UDP.
    pub udp: Option<(u16, u16)>,
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for RTSP on {address}: {source}; is another server on it?")]
pub struct ServeError {
    address: SocketAddr,
    source: io::Error,
}

/// Opens the ports and serves them until the context shuts down.
///
/// # Errors
/// An address cannot be bound.
pub async fn serve(context: &Context, config: Config) -> Result<Bound, ServeError> {
    open(context, config, None).await
}

/// As [`serve`], under TLS (RTSPS): whoever connects shakes hands first. Packets travel within the
/// connections only, since over UDP they would be in the clear. The certificate is what `tls`
/// shows; a resolver in it may show another one later.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_tls(
    context: &Context,
    config: Config,
    tls: Arc<ServerConfig>,
) -> Result<SocketAddr, ServeError> {
    let udp_port = None;
    let bound = open(context, Config { udp_port, ..config }, Some(tls)).await?;
    Ok(bound.address)
}

async fn open(
    context: &Context,
    config: Config,
    tls: Option<Arc<ServerConfig>>,
) -> Result<Bound, ServeError> {
    let failed = |address| move |source| ServeError { address, source };
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(failed(config.listen))?;
    let address = listener.local_addr().map_err(failed(config.listen))?;
    let ports = match config.udp_port {
        Some(port) => {
            let wanted = SocketAddr::new(address.ip(), port);
            Some(Ports::open(context, wanted).await.map_err(failed(wanted))?)
        }
        None => None,
    };
    let udp = ports.as_ref().map(|ports| ports.pair());
    let shared = Arc::new(Shared {
        guard: Guard::new(Instant::now(), config.account, secret(&RandomState::new())),
        limits: config.limits,
        ports,
    });
    let door = Door {
        protocol: Protocol::Rtsp,
        max_connections: config.max_connections,
        tls,
    };
    let of = context.clone();
    let serve = move |wire, peer, seed| Connection::new(&of, wire, peer, &shared, seed).run();
    let accepting = accept(context.clone(), listener, door, serve);
    context.tasks().spawn(accepting);
    Ok(Bound { address, udp })
}

/// 256 bits that nobody outside can guess: the keys of the standard library's hashing are random.
fn secret(seeds: &RandomState) -> [u8; 32] {
    let mut secret = [0; 32];
    for (n, chunk) in secret.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&seeds.hash_one(n).to_be_bytes());
    }
    secret
}
