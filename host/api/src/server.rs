//! The HTTP/1.1 server: bounded in connections, in header size and time, and in how long a
//! peer may refuse to read.

use crate::paths;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Connections at once; those beyond are answered 503 and closed.
pub(crate) const MAX_CONNECTIONS: usize = 4096;

/// A peer that sends no whole request header for this long is let go; so is one that keeps a
/// connection open between requests. Viewers ask every few seconds.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// A peer that takes nothing of what was sent for this long is let go, and with it what it
/// keeps in memory.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);

/// What a request line and headers may take.
const HEADER_BYTES: usize = 32 << 10;

/// How long answers under way may take at shutdown.
const DRAIN: Duration = Duration::from_millis(800);

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
retry-after: 5\r\ncontent-length: 140\r\nconnection: close\r\n\r\n\
{\"type\":\"/problems/overloaded\",\"title\":\"A limit of this host is reached\",\"status\":503,\
\"detail\":\"all connections of this server are in use\"} ";

/// How the server fares, for the metrics.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Connections accepted so far.
    pub(crate) accepted: AtomicU64,
    /// Connections turned away at the limit.
    pub(crate) turned_away: AtomicU64,
    /// Connections open now.
    pub(crate) open: AtomicU64,
}

/// Serves at most `limit` connections at once until `shutdown`; then answers under way get
/// [`DRAIN`].
pub(crate) async fn run(
    listener: TcpListener,
    app: Router,
    figures: Arc<Figures>,
    limit: usize,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limit));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = shutdown.cancelled() => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tokio::select! {
                    () = pause_after(&error) => continue,
                    () = shutdown.cancelled() => break,
                }
            }
        };
        figures.accepted.fetch_add(1, Ordering::Relaxed);
        match places.clone().try_acquire_owned() {
            Ok(place) => {
                let stop = shutdown.clone();
                connections.spawn(serve(
                    socket,
                    peer,
                    app.clone(),
                    figures.clone(),
                    place,
                    stop,
                ));
            }
            Err(_) => turn_away(&socket, &figures, limit),
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    app: Router,
    figures: Arc<Figures>,
    _place: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) {
    let _open = Open::new(figures);
    let options = socket2::SockRef::from(&socket);
    // Both only better the service; a kernel that refuses them serves all the same.
    let _ = options.set_tcp_user_timeout(Some(STALL_TIMEOUT));
    let _ = socket.set_nodelay(true);
    let service = app.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(uri) = paths::in_one_segment(request.uri()) {
            *request.uri_mut() = uri;
        }
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is the peer's affair: nothing here is worth a log line.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

fn turn_away(socket: &TcpStream, figures: &Figures, limit: usize) {
    if figures.turned_away.fetch_add(1, Ordering::Relaxed) == 0 {
        tracing::warn!(
            limit,
            "HTTP connections are at their limit; further ones are answered 503 and counted"
        );
    }
    // Best effort: the socket's buffer is empty, so this takes it whole or the peer is gone.
    let _ = socket.try_write(FULL);
}

/// Out of file descriptors, most likely: give connections time to end.
async fn pause_after(error: &io::Error) {
    let of_the_peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !of_the_peer {
        tracing::warn!(%error, "cannot accept HTTP connections; trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Counts a connection while it lives.
struct Open(Arc<Figures>);

impl Open {
    fn new(figures: Arc<Figures>) -> Self {
        figures.open.fetch_add(1, Ordering::Relaxed);
        Self(figures)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn a_connection_beyond_the_limit_is_answered_503_and_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (figures, stop) = (Arc::new(Figures::default()), CancellationToken::new());
        let server = tokio::spawn(run(
            listener,
            Router::new(),
            figures.clone(),
            1,
            stop.clone(),
        ));
        let idle = TcpStream::connect(address).await.unwrap();
        let mut answer = String::new();
        let mut beyond = TcpStream::connect(address).await.unwrap();
        beyond.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert_eq!(figures.turned_away.load(Ordering::Relaxed), 1);
        drop(idle);
        let freed = async {
            while figures.open.load(Ordering::Relaxed) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), freed)
            .await
            .expect("its place is free again");
        stop.cancel();
        server.await.unwrap();
    }

    #[test]
    fn the_canned_answer_has_the_length_it_names() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["type"], crate::problem::Kind::Overloaded.type_uri());
    }
}
