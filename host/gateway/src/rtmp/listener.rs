//! The port: accepts, bounds, and starts a task for each connection.

use super::connection::Connection;
use super::crowd::Merge;
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

/// Opens the port and serves it until the context shuts down; returns the address bound.
pub async fn serve(context: &Context, config: Config) -> Result<SocketAddr, ServeError> {
    let address = config.listen;
    let named = |source| ServeError { address, source };
    let listener = TcpListener::bind(address).await.map_err(named)?;
    let bound = listener.local_addr().map_err(named)?;
    context
        .tasks()
        .spawn(accept(context.clone(), config, listener));
    Ok(bound)
}

async fn accept(context: Context, config: Config, listener: TcpListener) {
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
                    let connection =
                        Connection::new(&context, tcp, peer, &config, seeds.hash_one(peer));
                    context.tasks().spawn(async move {
                        connection.run().await;
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
