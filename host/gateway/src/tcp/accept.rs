//! The accept loop of a port: a place, a handshake if there is TLS, and a task for each connection.

use super::Wire;
use crate::context::Context;
use link::context::Complaints;
use model::Protocol;
use socket2::{SockRef, TcpKeepalive};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How long to wait when the system has no descriptor for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A peer that has not shaken hands within this is let go.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Handshakes at once; each is work for the processor that a stranger can ask for. Connections
/// beyond are closed.
const HANDSHAKES: usize = 256;

/// A player whose stream is silent is sent nothing, and would keep its place for good if it
/// vanished without a word: the system asks for a sign of life after so long, and so often.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TRIES: u32 = 3;

/// Who may come in at a port, and how.
pub(crate) struct Door {
    /// What is spoken behind it, for counters and the log.
    pub(crate) protocol: Protocol,
    /// Connections at once, whatever they do; those beyond are closed.
    pub(crate) max_connections: usize,
    /// TLS, with this certificate.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// Accepts until the context shuts down. Each connection that has a place is given to `serve`, with
/// a number that peers cannot guess, and keeps the place until `serve` is done with it.
pub(crate) async fn accept<S, F>(context: Context, listener: TcpListener, door: Door, serve: S)
where
    S: Fn(Wire, SocketAddr, u64) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let port = Port::new(context, door);
    let seeds = RandomState::new();
    let mut number = 0_u64;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = port.context.shutdown().cancelled() => return,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let Some(place) = port.place() else { continue };
                prepare(&tcp);
                number += 1;
                let (serve, seed) = (serve.clone(), seeds.hash_one(number));
                let greeted = port.greet(tcp);
                port.context.tasks().spawn(async move {
                    if let Some(wire) = greeted.await {
                        serve(wire, peer, seed).await;
                    }
                    drop(place);
                });
            }
            Err(error) => port.recover(&error).await,
        }
    }
}

/// All of it only betters the service; a kernel that refuses it serves all the same.
fn prepare(tcp: &TcpStream) {
    // Without it the first frame waits 40 ms for a delayed acknowledgement.
    let _ = tcp.set_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE)
        .with_retries(KEEPALIVE_TRIES);
    let _ = SockRef::from(tcp).set_tcp_keepalive(&keepalive);
}

/// An open port.
struct Port {
    context: Context,
    protocol: Protocol,
    limit: usize,
    places: Arc<Semaphore>,
    tls: Option<Tls>,
    complaints: Complaints,
}

impl Port {
    fn new(context: Context, door: Door) -> Self {
        Self {
            context,
            protocol: door.protocol,
            limit: door.max_connections,
            places: Arc::new(Semaphore::new(door.max_connections)),
            tls: door.tls.map(Tls::new),
            complaints: Complaints::new(Complaints::PERIOD),
        }
    }

    /// A place for one more; without one it is counted and, now and then, logged.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        let edge = self.context.counters().of(self.protocol);
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            edge.connections.add(1);
            return Some(place);
        }
        edge.refused.add(1);
        if let Some(held_back) = self.complaints.admit("full", Instant::now()) {
            tracing::warn!(
                protocol = %self.protocol,
                limit = self.limit,
                held_back,
                "connections turned away: all places are taken"
            );
        }
        None
    }

    /// Shakes hands, if there is TLS. `None` if the peer does not in time, or too many are at it.
    fn greet(&self, tcp: TcpStream) -> impl Future<Output = Option<Wire>> + Send + 'static {
        let (context, protocol, tls) = (self.context.clone(), self.protocol, self.tls.clone());
        async move {
            let Some(tls) = tls else {
                return Some(Wire::Plain(tcp.into()));
            };
            let shaken = tokio::select! {
                shaken = tls.shake_hands(tcp) => shaken,
                () = context.shutdown().cancelled() => None,
            };
            if shaken.is_none() {
                context.counters().of(protocol).refused.add(1);
            }
            shaken
        }
    }

    async fn recover(&self, error: &io::Error) {
        // It left before it was accepted: the next one may not have.
        if let io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset = error.kind() {
            return;
        }
        if let Some(held_back) = self.complaints.admit("accept", Instant::now()) {
            let protocol = self.protocol;
            tracing::warn!(%protocol, %error, held_back, "cannot accept connections; raise the limit of open files");
        }
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
}

/// Shakes hands, a bounded number at a time.
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

    async fn shake_hands(&self, tcp: TcpStream) -> Option<Wire> {
        let _turn = self.turns.try_acquire().ok()?;
        let shaken = tokio::time::timeout(HANDSHAKE, self.acceptor.accept(tcp)).await;
        Some(Wire::Tls(Box::new(shaken.ok()?.ok()?.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_vanished_without_a_word_is_asked_for_within_two_minutes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        assert!(!SockRef::from(&tcp).keepalive().unwrap());
        prepare(&tcp);
        let asked = SockRef::from(&tcp);
        assert!(asked.keepalive().unwrap());
        let (time, interval) = (asked.tcp_keepalive_time(), asked.tcp_keepalive_interval());
        let tries = asked.tcp_keepalive_retries().unwrap();
        let most = time.unwrap() + interval.unwrap() * tries;
        assert_eq!(most, Duration::from_secs(120));
    }
}
