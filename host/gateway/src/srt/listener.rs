//! The port: who calls is judged within the handshake, before any media, and then gets a task.

use super::backend::{
    Admission, Backend, Connection, Encryption, Error, KeyLength, Libsrt, ListenConfig, Listener,
    Passphrase, Refused, Request, Verdict,
};
use super::desk::Desk;
use super::{Failure, ingest, serve as viewer, stream_id};
use crate::context::Context;
use model::endpoint::DEFAULT_SRT_LATENCY_MS;
use model::{Intent, Protocol};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the SRT port is run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to bind; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Receive delay wanted in both directions; the larger of both sides' holds. 0-30000.
    pub latency_ms: u32,
    /// Demanded of every caller; none: not encrypted.
    pub passphrase: Option<Passphrase>,
    /// AES key length of what is sent from here.
    pub pbkeylen: KeyLength,
    /// Connections at once, those in their handshake included.
    pub max_connections: usize,
}

impl Config {
    /// On that address, in the clear, with the usual limits.
    pub const fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            latency_ms: DEFAULT_SRT_LATENCY_MS,
            passphrase: None,
            pbkeylen: KeyLength::Aes128,
            max_connections: 1000,
        }
    }
}

/// Why the port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}; is another server on it?")]
pub struct ServeError(#[from] Error);

/// How long to wait after a failure of the library, which may be a passing lack of something.
const FAILED_PAUSE: Duration = Duration::from_millis(100);

/// Opens the port and serves it until the context shuts down; returns the address bound.
///
/// # Errors
/// When the port cannot be had.
pub async fn serve(context: &Context, config: Config) -> Result<SocketAddr, ServeError> {
    let encryption = config.passphrase.map(|passphrase| Encryption {
        passphrase,
        key_length: config.pbkeylen,
    });
    let listen = ListenConfig {
        latency_ms: config.latency_ms,
        encryption,
        max_connections: config.max_connections,
        ..ListenConfig::new(config.listen)
    };
    let desk = Arc::new(Desk::new(context));
    let at_door = desk.clone();
    let door = Arc::new(Door::new(context, move |request: &Request<'_>| {
        at_door.judge(request)
    }));
    let listener = Libsrt::new()?.listen(&listen, door).await?;
    let bound = listener.local_addr();
    context
        .tasks()
        .spawn(accept(context.clone(), desk, listener));
    Ok(bound)
}

/// Decides by a function, and counts and logs who is turned away.
pub(super) struct Door<F> {
    context: Context,
    judge: F,
}

impl<F> Door<F>
where
    F: Fn(&Request<'_>) -> Verdict + Send + Sync + 'static,
{
    pub(super) fn new(context: &Context, judge: F) -> Self {
        Self {
            context: context.clone(),
            judge,
        }
    }
}

impl<F> Admission for Door<F>
where
    F: Fn(&Request<'_>) -> Verdict + Send + Sync + 'static,
{
    fn admit(&self, request: &Request<'_>) -> Verdict {
        (self.judge)(request)
    }

    fn refused(&self, refused: &Refused<'_>) {
        let (peer, why) = (refused.request.peer, refused.why);
        self.context.counters().of(Protocol::Srt).refused.add(1);
        let Some(held_back) = self
            .context
            .complaints()
            .admit("srt refused", Instant::now())
        else {
            return;
        };
        // Of the stream id only the name: the rest may be secret.
        match stream_id::parse(refused.request.stream_id) {
            Ok(id) => {
                tracing::warn!(%peer, stream = %id.stream, held_back, "SRT caller refused: {why}");
            }
            Err(error) => tracing::warn!(%peer, held_back, "SRT caller refused: {why} ({error})"),
        }
    }
}

async fn accept(context: Context, desk: Arc<Desk>, mut listener: impl Listener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = context.shutdown().cancelled() => return,
        };
        match accepted {
            Ok(connection) => {
                context.counters().of(Protocol::Srt).connections.add(1);
                let task = attend(context.clone(), desk.clone(), connection);
                context.tasks().spawn(task);
            }
            Err(error) => {
                if let Some(held_back) = context.complaints().admit("srt accept", Instant::now()) {
                    tracing::warn!(%error, held_back, "cannot accept SRT connections");
                }
                tokio::time::sleep(FAILED_PAUSE).await;
            }
        }
    }
}

/// Serves one caller to its end.
async fn attend(context: Context, desk: Arc<Desk>, connection: impl Connection) {
    let peer = connection.peer();
    let ended = tokio::select! {
        ended = converse(&context, &desk, connection) => ended,
        () = context.shutdown().cancelled() => Ok(()),
    };
    match ended {
        Ok(()) => {}
        // A peer that just goes away is daily life.
        Err(Failure::Connection(Error::Closed { .. })) => tracing::debug!(%peer, "SRT peer left"),
        Err(failure) => {
            if matches!(failure, Failure::Refused(_)) {
                context.counters().of(Protocol::Srt).refused.add(1);
            }
            if let Some(held_back) = context.complaints().admit("srt failure", Instant::now()) {
                tracing::warn!(%peer, held_back, "SRT connection closed: {failure}");
            }
        }
    }
}

async fn converse(
    context: &Context,
    desk: &Desk,
    connection: impl Connection,
) -> Result<(), Failure> {
    let judged = desk.collect(connection.peer(), connection.stream_id());
    let (pass, registry) = (judged.await?, context.registry());
    match pass.ask().intent {
        Intent::Publish => {
            let source = registry.publish(&pass)?;
            let traffic = source.traffic();
            tokio::select! {
                ended = ingest::run(context, connection, source) => ended?,
                refusal = registry.watch(pass, traffic) => return Err(refusal.into()),
            }
        }
        Intent::Read => {
            let watching = registry.read(&pass)?;
            let traffic = watching.traffic();
            tokio::select! {
                ended = viewer::run(context, connection, watching) => ended?,
                refusal = registry.watch(pass, traffic) => return Err(refusal.into()),
            }
        }
    }
    Ok(())
}
