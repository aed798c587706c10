//! One accepted connection, until its peer publishes, plays or leaves.

use super::write::{flush_server, write_all};
use super::{ask, ingest, serve, status_code};
use crate::context::Context;
use ::rtmp::session::{Limits, Server, ServerEvent};
use bytes::{Bytes, BytesMut};
use model::{Event, Intent, Protocol, Refusal};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Read buffers are taken in blocks of this size; media stays in them while it is held.
const BLOCK_BYTES: usize = 64 << 10;

/// Below this much room a new block is taken.
const LEAST_ROOM: usize = 8 << 10;

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Session(#[from] ::rtmp::session::Error),
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    #[error("the peer took nothing for {} s", super::write::STALL.as_secs())]
    Stalled,
}

/// A connection and its session.
pub(super) struct Connection {
    pub(super) context: Context,
    pub(super) tcp: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) session: Server,
    pub(super) shutdown: CancellationToken,
    block: BytesMut,
}

impl Connection {
    pub(super) fn new(
        context: &Context,
        tcp: TcpStream,
        peer: SocketAddr,
        limits: Limits,
        seed: u64,
    ) -> Self {
        // Without it the first frame waits 40 ms for a delayed acknowledgement.
        let _ = tcp.set_nodelay(true);
        Self {
            context: context.clone(),
            tcp,
            peer,
            session: Server::new(Instant::now(), limits, seed),
            shutdown: context.shutdown().clone(),
            block: BytesMut::new(),
        }
    }

    /// Serves the peer to its end; failures are counted and, now and then, logged.
    pub(super) async fn run(mut self) {
        let shutdown = self.shutdown.clone();
        let ended = tokio::select! {
            ended = self.converse() => ended,
            () = shutdown.cancelled() => Ok(()),
        };
        if let Err(failure) = ended {
            self.complain(&failure);
            let _ = flush_server(&self.tcp, &mut self.session).await;
        }
    }

    async fn converse(&mut self) -> Result<(), Failure> {
        while let Some(event) = self.next_event().await? {
            match event {
                ServerEvent::Connect(_) => self.session.accept(Instant::now())?,
                ServerEvent::Publish(publish) => {
                    let (name, query) = (publish.stream_name(), publish.query);
                    let asked = ask(&name, &query, Intent::Publish, self.peer);
                    match asked.and_then(|ask| self.context.registry().publish(&ask)) {
                        Ok(source) => {
                            self.session.accept(Instant::now())?;
                            ingest::run(self, source).await?;
                        }
                        Err(refusal) => self.refuse(Intent::Publish, &refusal)?,
                    }
                }
                ServerEvent::Play(play) => {
                    let (name, query) = (play.stream_name(), play.query);
                    let asked = ask(&name, &query, Intent::Read, self.peer);
                    match asked.and_then(|ask| self.context.registry().read(&ask)) {
                        Ok(viewer) => {
                            self.session.accept(Instant::now())?;
                            serve::run(self, viewer).await?;
                        }
                        Err(refusal) => self.refuse(Intent::Read, &refusal)?,
                    }
                }
                ServerEvent::Closed(_) => break,
                // Leftovers of a role that has ended.
                ServerEvent::Media(_)
                | ServerEvent::Pause(_)
                | ServerEvent::Unpublish
                | ServerEvent::Stop => {}
                // What newer versions add asks nothing of us yet.
                _ => {}
            }
        }
        flush_server(&self.tcp, &mut self.session).await
    }

    /// The session's next event; writes its replies and reads what it needs. `None`: the peer
    /// has gone.
    pub(super) async fn next_event(&mut self) -> Result<Option<ServerEvent>, Failure> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Ok(Some(event));
            }
            flush_server(&self.tcp, &mut self.session).await?;
            if self.session.is_closed() || !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for input or for the session's own deadline; false at the end of the connection.
    async fn read(&mut self) -> Result<bool, Failure> {
        let deadline = self.session.poll_timeout();
        tokio::select! {
            ready = self.tcp.readable() => {
                ready?;
                self.read_ready()
            }
            () = until(deadline) => {
                self.session.handle_timeout(Instant::now());
                Ok(true)
            }
        }
    }

    /// Reads what is there into the session; false at the end of the connection.
    pub(super) fn read_ready(&mut self) -> Result<bool, Failure> {
        if self.block.capacity() < LEAST_ROOM {
            self.block.reserve(BLOCK_BYTES);
        }
        match self.tcp.try_read_buf(&mut self.block) {
            Ok(0) => Ok(false),
            Ok(_) => {
                let input = self.block.split().freeze();
                self.session.handle_input(Instant::now(), input)?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn refuse(&mut self, intent: Intent, refusal: &Refusal) -> Result<(), Failure> {
        self.context.counters().of(Protocol::Rtmp).refused.add(1);
        if let Refusal::BadRequest(_) = refusal {
            let code = refusal.code().to_owned();
            self.context.registry().announce(Event::PeerRefused {
                protocol: Protocol::Rtmp,
                code,
            });
        }
        if let Some(held_back) = self
            .context
            .complaints()
            .admit("rtmp refused", Instant::now())
        {
            tracing::warn!(peer = %self.peer, held_back, "RTMP peer refused: {refusal}");
        }
        Ok(self
            .session
            .reject(status_code(intent, refusal), &refusal.to_string())?)
    }

    fn complain(&self, failure: &Failure) {
        // A peer that just goes away is daily life.
        if matches!(failure, Failure::Io(_)) {
            tracing::debug!(peer = %self.peer, "{failure}");
            return;
        }
        let garbage = self.session.received_bytes();
        self.context
            .counters()
            .of(Protocol::Rtmp)
            .garbage_bytes
            .add(garbage);
        if let Some(held_back) = self
            .context
            .complaints()
            .admit("rtmp failure", Instant::now())
        {
            tracing::warn!(peer = %self.peer, held_back, "RTMP connection closed: {failure}");
        }
    }

    /// Writes shared bytes to the peer.
    pub(super) async fn write(&self, messages: &[Bytes]) -> Result<(), Failure> {
        write_all(&self.tcp, messages).await
    }
}

/// Sleeps until then; for ever if there is no then.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// How long a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
