//! The port: accepts, bounds, and starts a task for each connection.

use super::connection::Connection;
use super::crowd::Merge;
use super::wire::Wire;
use crate::context::Context;
use ::rtmp::session::Limits;
use model::Protocol;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How the RTMP port is run.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Address to bind.
    pub listen: SocketAddr,
    /// Connections at once, whatever they do. Those that neither publish nor play are closed
    /// after [`Limits::setup_timeout`].
    pub max_connections: usize,
    /// What each may cost.
    pub limits: Limits,
    /// How long messages are gathered for many players.
    pub merge: Merge,
}

impl Config {
    /// On that address, with the usual limits.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            max_connections: 8192,
            limits: Limits::default(),
            merge: Merge::default(),
        }
    }
}

/// Why the port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for RTMP on {address}: {source}; is another server on it?")]
pub struct ServeError {
    address: SocketAddr,
    source: io::Error,
}

/// How long to wait when the system has no descriptor for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A peer that has not shaken hands within this is let go.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Handshakes at once; each is work for the processor that a stranger can ask for. Connections
/// beyond are closed.
const HANDSHAKES: usize = 256;

/// Opens the port and serves it until the context shuts down; returns the address bound.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(context: &Context, config: Config) -> Result<SocketAddr, ServeError> {
    open(context, config, None).await
}

/// As [`serve`], under TLS (RTMPS): whoever connects shakes hands first. The certificate is
/// what `tls` shows; a resolver in it may show another one later.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_tls(
    context: &Context,
    config: Config,
    tls: Arc<ServerConfig>,
) -> Result<SocketAddr, ServeError> {
    open(context, config, Some(Tls::new(tls))).await
}

async fn open(
    context: &Context,
    config: Config,
    tls: Option<Tls>,
) -> Result<SocketAddr, ServeError> {
    let address = config.listen;
    let named = |source| ServeError { address, source };
    let listener = TcpListener::bind(address).await.map_err(named)?;
    let bound = listener.local_addr().map_err(named)?;
    context
        .tasks()
        .spawn(accept(context.clone(), config, listener, tls));
    Ok(bound)
}

async fn accept(context: Context, config: Config, listener: TcpListener, tls: Option<Tls>) {
    let places = Arc::new(Semaphore::new(config.max_connections));
    let seeds = RandomState::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = context.shutdown().cancelled() => return,
        };
        match accepted {
            Ok((tcp, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    context.counters().of(Protocol::Rtmp).connections.add(1);
                    // Without it the first frame waits 40 ms for a delayed acknowledgement.
                    let _ = tcp.set_nodelay(true);
                    let (tls, of, seed) = (tls.clone(), context.clone(), seeds.hash_one(peer));
                    context.tasks().spawn(async move {
                        let wire = match tls {
                            None => Some(Wire::Plain(tcp.into())),
                            Some(tls) => tls.greet(&of, tcp).await,
                        };
                        if let Some(wire) = wire {
                            Connection::new(&of, wire, peer, &config, seed).run().await;
                        }
                        drop(place);
                    });
                }
                Err(_) => turn_away(&context, tcp, config.max_connections),
            },
            Err(error) => {
                if let Some(held_back) = context.complaints().admit("rtmp accept", Instant::now()) {
                    tracing::warn!(%error, held_back, "cannot accept RTMP connections; raise the limit of open files");
                }
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// Shakes hands for RTMPS.
#[derive(Clone)]
struct Tls {
    acceptor: TlsAcceptor,
    turns: Arc<Semaphore>,
}

impl Tls {
    fn new(config: Arc<ServerConfig>) -> Self {
        Self {
            acceptor: TlsAcceptor::from(config),
            turns: Arc::new(Semaphore::new(HANDSHAKES)),
        }
    }

    /// `None` if the peer does not shake hands in time, or too many are at it.
    async fn greet(&self, context: &Context, tcp: TcpStream) -> Option<Wire> {
        let shaken = async {
            let _turn = self.turns.try_acquire().ok()?;
            let handshake = self.acceptor.accept(tcp);
            tokio::select! {
                shaken = tokio::time::timeout(HANDSHAKE, handshake) => shaken.ok()?.ok(),
                () = context.shutdown().cancelled() => None,
            }
        };
        let tls = shaken.await;
        if tls.is_none() {
            context.counters().of(Protocol::Rtmp).refused.add(1);
        }
        Some(Wire::Tls(Box::new(tls?.into())))
    }
}

fn turn_away(context: &Context, tcp: TcpStream, limit: usize) {
    drop(tcp);
    context.counters().of(Protocol::Rtmp).refused.add(1);
    if let Some(held_back) = context.complaints().admit("rtmp full", Instant::now()) {
        tracing::warn!(
            limit,
            held_back,
            "RTMP connections turned away: all places are taken"
        );
    }
}
