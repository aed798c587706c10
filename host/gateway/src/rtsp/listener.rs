//! The ports: accepts, bounds, and starts a task for each connection.

use super::connection::{Connection, Shared};
use super::ports::Ports;
use crate::context::Context;
use ::rtsp::auth::{Account, Guard};
use ::rtsp::session::Limits;
use model::Protocol;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How RTSP is served.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to bind.
    pub listen: SocketAddr,
    /// The port for RTP over UDP, on the same address; RTCP has the next one. 0: any two. `None`:
    /// all packets travel within the connections.
    pub udp_port: Option<u16>,
    /// Connections at once, whatever they do.
    pub max_connections: usize,
    /// How long each may take and be silent.
    pub limits: Limits,
    /// Whose password the host knows, for Digest; see [`crate::rtsp`].
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

/// How long to wait when the system has no descriptor for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Opens the ports and serves them until the context shuts down.
pub async fn serve(context: &Context, config: Config) -> Result<Bound, ServeError> {
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
    let seeds = RandomState::new();
    let shared = Arc::new(Shared {
        guard: Guard::new(Instant::now(), config.account.clone(), secret(&seeds)),
        limits: config.limits,
        ports,
    });
    context
        .tasks()
        .spawn(accept(context.clone(), config, listener, shared));
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

async fn accept(context: Context, config: Config, listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(config.max_connections));
    let seeds = RandomState::new();
    let mut number = 0_u64;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = context.shutdown().cancelled() => return,
        };
        match accepted {
            Ok((tcp, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    context.counters().of(Protocol::Rtsp).connections.add(1);
                    number += 1;
                    let seed = seeds.hash_one(number);
                    let connection = Connection::new(&context, tcp, peer, &shared, seed);
                    context.tasks().spawn(async move {
                        connection.run().await;
                        drop(place);
                    });
                }
                Err(_) => turn_away(&context, tcp, config.max_connections),
            },
            Err(error) => {
                if let Some(held_back) = context.complaints().admit("rtsp accept", Instant::now()) {
                    tracing::warn!(%error, held_back, "cannot accept RTSP connections; raise the limit of open files");
                }
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

fn turn_away(context: &Context, tcp: TcpStream, limit: usize) {
    drop(tcp);
    context.counters().of(Protocol::Rtsp).refused.add(1);
    if let Some(held_back) = context.complaints().admit("rtsp full", Instant::now()) {
        tracing::warn!(
            limit,
            held_back,
            "RTSP connections turned away: all places are taken"
        );
    }
}
