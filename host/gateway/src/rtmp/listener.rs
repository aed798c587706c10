//! The ports: what is bound, and what each connection may cost.

use super::connection::Connection;
use super::crowd::Merge;
use crate::context::Context;
use crate::tcp::{Door, accept};
use ::rtmp::session::Limits;
use model::Protocol;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
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
    open(context, config, Some(tls)).await
}

async fn open(
    context: &Context,
    config: Config,
    tls: Option<Arc<ServerConfig>>,
) -> Result<SocketAddr, ServeError> {
    let address = config.listen;
    let named = |source| ServeError { address, source };
    let listener = TcpListener::bind(address).await.map_err(named)?;
    let bound = listener.local_addr().map_err(named)?;
    let door = Door {
        protocol: Protocol::Rtmp,
        max_connections: config.max_connections,
        tls,
    };
    let of = context.clone();
    let serve = move |wire, peer, seed| Connection::new(&of, wire, peer, &config, seed).run();
    let accepting = accept(context.clone(), listener, door, serve);
    context.tasks().spawn(accepting);
    Ok(bound)
}
