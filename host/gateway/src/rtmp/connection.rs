//! One accepted connection, until its peer publishes, plays or leaves.

use super::crowd::Merge;
use super::listener::Config;
use super::write::flush_server;
use super::{abilities, ask, ingest, serve, status_code};
use crate::context::Context;
use crate::tcp::{Wire, WriteError};
use ::rtmp::session::{Server, ServerEvent};
use bytes::BytesMut;
use hub::Pass;
use media::flv::Abilities;
use model::{Event, Intent, Protocol, Refusal};
use std::io;
use std::net::SocketAddr;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Session(#[from] ::rtmp::session::Error),
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    #[error("the peer took nothing for {} s", crate::tcp::STALL.as_secs())]
    Stalled,
    #[error(transparent)]
    CutOff(Refusal),
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(error) => Self::Io(error),
            WriteError::Stalled => Self::Stalled,
        }
    }
}

/// A connection and its session.
pub(super) struct Connection {
    pub(super) context: Context,
    pub(super) wire: Wire,
    pub(super) merge: Merge,
    pub(super) peer: SocketAddr,
    pub(super) session: Server,
    pub(super) shutdown: CancellationToken,
    /// What the peer understands beside FLV as Adobe left it.
    pub(super) abilities: Abilities,
    /// What program the peer says it is.
    agent: String,
    pub(super) block: BytesMut,
}

impl Connection {
    pub(super) fn new(
        context: &Context,
        wire: Wire,
        peer: SocketAddr,
        config: &Config,
        seed: u64,
    ) -> Self {
        Self {
            context: context.clone(),
            wire,
            merge: config.merge,
            peer,
            session: Server::new(Instant::now(), config.limits, seed),
            shutdown: context.shutdown().clone(),
            abilities: Abilities::NONE,
            agent: String::new(),
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
        match ended {
            Ok(()) => {}
            // It may have been cut off within a message: nothing more can be said to it.
            Err(Failure::CutOff(refusal)) => self.tell("rtmp cut off", &refusal),
            Err(failure) => {
                self.complain(&failure);
                let _ = flush_server(&mut self.wire, &mut self.session).await;
            }
        }
    }

    async fn converse(&mut self) -> Result<(), Failure> {
        while let Some(event) = self.next_event().await? {
            match event {
                ServerEvent::Connect(connect) => {
                    self.abilities = abilities(&connect.enhanced);
                    self.agent = connect.flash_ver;
                    self.session.accept(Instant::now())?;
                }
                ServerEvent::Publish(publish) => {
                    self.publish(&publish.stream_name(), &publish.query).await?;
                }
                ServerEvent::Play(play) => self.play(&play.stream_name(), &play.query).await?,
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
        flush_server(&mut self.wire, &mut self.session).await
    }

    async fn publish(&mut self, name: &str, query: &str) -> Result<(), Failure> {
        let registry = self.context.registry().clone();
        let asked = self.ask_in(name, query, Intent::Publish).await;
        match asked.and_then(|pass| Ok((registry.publish(&pass)?, pass))) {
            Ok((source, pass)) => {
                self.session.accept(Instant::now())?;
                let traffic = source.traffic();
                tokio::select! {
                    ended = ingest::run(self, source) => ended,
                    refusal = registry.watch(pass, traffic) => Err(Failure::CutOff(refusal)),
                }
            }
            Err(refusal) => self.refuse(Intent::Publish, &refusal),
        }
    }

    async fn play(&mut self, name: &str, query: &str) -> Result<(), Failure> {
        let registry = self.context.registry().clone();
        let asked = self.ask_in(name, query, Intent::Read).await;
        match asked.and_then(|pass| Ok((registry.read(&pass)?, pass))) {
            Ok((viewer, pass)) => {
                self.session.accept(Instant::now())?;
                let traffic = viewer.traffic();
                tokio::select! {
                    ended = serve::run(self, viewer) => ended,
                    refusal = registry.watch(pass, traffic) => Err(Failure::CutOff(refusal)),
                }
            }
            Err(refusal) => self.refuse(Intent::Read, &refusal),
        }
    }

    /// Asks the doorman; the session looks at no further input meanwhile.
    async fn ask_in(&self, name: &str, query: &str, intent: Intent) -> Result<Pass, Refusal> {
        let ask = ask(name, query, intent, self.peer)?.with_agent(&self.agent);
        self.context.registry().admit(ask).await
    }

    /// The session's next event; writes its replies and reads what it needs. `None`: the peer
    /// has gone.
    pub(super) async fn next_event(&mut self) -> Result<Option<ServerEvent>, Failure> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Ok(Some(event));
            }
            flush_server(&mut self.wire, &mut self.session).await?;
            if self.session.is_closed() || !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for input or for the session's own deadline; false at the end of the connection.
    async fn read(&mut self) -> Result<bool, Failure> {
        let deadline = self.session.poll_timeout();
        tokio::select! {
            read = self.wire.read(&mut self.block) => self.take_in(read?),
            () = until(deadline) => {
                self.session.handle_timeout(Instant::now());
                Ok(true)
            }
        }
    }

    /// Passes what was read to the session; false at the end of the connection.
    pub(super) fn take_in(&mut self, read: usize) -> Result<bool, Failure> {
        if read > 0 {
            let input = self.block.split().freeze();
            self.session.handle_input(Instant::now(), input)?;
        }
        Ok(read > 0)
    }

    fn refuse(&mut self, intent: Intent, refusal: &Refusal) -> Result<(), Failure> {
        if let Refusal::BadRequest(_) = refusal {
            let code = refusal.code().to_owned();
            self.context.registry().announce(Event::PeerRefused {
                protocol: Protocol::Rtmp,
                code,
            });
        }
        self.tell("rtmp refused", refusal);
        Ok(self
            .session
            .reject(status_code(intent, refusal), &refusal.to_string())?)
    }

    /// Counts a peer that was turned away and, now and then, logs it.
    fn tell(&self, kind: &'static str, refusal: &Refusal) {
        self.context.counters().of(Protocol::Rtmp).refused.add(1);
        if let Some(held_back) = self.context.complaints().admit(kind, Instant::now()) {
            tracing::warn!(peer = %self.peer, held_back, "RTMP peer refused: {refusal}");
        }
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
}

/// Sleeps until then; for ever if there is no then.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
