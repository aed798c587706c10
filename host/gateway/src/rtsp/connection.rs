//! One accepted connection, until its peer publishes, plays or leaves.

use super::intake::Intake;
use super::ports::{Datagram, Ports, QUEUE, Registration};
use super::{ask, ingest, judge, serve, status};
use crate::context::Context;
use crate::tcp::{Wire, WriteError};
use ::rtsp::StatusCode;
use ::rtsp::auth::{Guard, Verdict};
use ::rtsp::sdp::Track;
use ::rtsp::session::{Limits, Server, ServerError, ServerEvent, Setup, Target};
use bytes::BytesMut;
use hub::{Pass, RtpSession, Start};
use model::{Event, Intent, Protocol, Refusal};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long who asks for a description waits for the stream's first picture.
const DESCRIBE_WAIT: Duration = Duration::from_secs(6);

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Session(#[from] ServerError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    #[error("the tracks are not those that were described any more; the player has to come again")]
    Changed,
    #[error(transparent)]
    CutOff(Refusal),
}

/// What all connections of a listener share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) guard: Guard,
    pub(super) limits: Limits,
    pub(super) ports: Option<Arc<Ports>>,
}

/// What the peer was let in for.
enum Role {
    Player(Pass, Arc<RtpSession>),
    Publisher(Pass, Box<Intake>),
}

/// A connection and its session.
pub(super) struct Connection {
    pub(super) context: Context,
    pub(super) wire: Wire,
    pub(super) peer: SocketAddr,
    pub(super) session: Server,
    /// How its tracks travel over UDP.
    pub(super) registrations: Vec<Registration>,
    pub(super) datagrams: mpsc::Receiver<Datagram>,
    shared: Arc<Shared>,
    sender: mpsc::Sender<Datagram>,
    role: Option<Role>,
    pub(super) block: BytesMut,
}

impl Connection {
    pub(super) fn new(
        context: &Context,
        wire: Wire,
        peer: SocketAddr,
        shared: &Arc<Shared>,
        seed: u64,
    ) -> Self {
        let udp = shared.ports.is_some();
        let (sender, datagrams) = mpsc::channel(QUEUE);
        Self {
            context: context.clone(),
            wire,
            peer,
            session: Server::new(Instant::now(), shared.limits, peer.ip(), udp, seed),
            registrations: Vec::new(),
            datagrams,
            shared: shared.clone(),
            sender,
            role: None,
            block: BytesMut::new(),
        }
    }

    /// Serves the peer to its end; failures are counted and, now and then, logged.
    pub(super) async fn run(mut self) {
        let shutdown = self.context.shutdown().clone();
        let ended = tokio::select! {
            ended = self.converse() => ended,
            () = shutdown.cancelled() => Ok(()),
        };
        match ended {
            Ok(()) => {}
            // It may have been cut off within a packet: nothing more can be said to it.
            Err(Failure::CutOff(refusal)) => self.tell("rtsp cut off", &refusal),
            Err(failure) => {
                self.complain(&failure);
                let _ = self.flush().await;
            }
        }
    }

    async fn converse(&mut self) -> Result<(), Failure> {
        while let Some(event) = self.next_event().await? {
            match event {
                ServerEvent::Describe(target) => self.describe(&target).await,
                ServerEvent::Announce(target, tracks) => self.announce(&target, &tracks).await,
                ServerEvent::Setup(setup) => self.set_up(&setup),
                ServerEvent::Play | ServerEvent::Record => {
                    if let Some(role) = self.role.take() {
                        return self.fill(role).await;
                    }
                }
                ServerEvent::Closed => break,
                ServerEvent::Packet { .. } | ServerEvent::Pause => {}
            }
        }
        self.flush().await
    }

    async fn describe(&mut self, target: &Target) {
        self.role = None;
        match self.ask_in(target, Intent::Read).await {
            Ok((pass, Some(session))) => {
                let host = self.host();
                self.session.describe(host, &session.tracks);
                self.role = Some(Role::Player(pass, session));
            }
            // There is such a stream, but nothing to describe yet.
            Ok((_, None)) => self.session.refuse(StatusCode::ServiceUnavailable, &[]),
            Err(refusal) => self.refuse(target, &refusal),
        }
    }

    async fn announce(&mut self, target: &Target, tracks: &[Track]) {
        let intake = match Intake::new(Instant::now(), tracks) {
            Ok(intake) => intake,
            Err(unsupported) => {
                tracing::warn!(peer = %self.peer, stream = target.path, "{unsupported}");
                return self.session.refuse(StatusCode::UnsupportedMediaType, &[]);
            }
        };
        match self.ask_in(target, Intent::Publish).await {
            Ok((pass, _)) => {
                self.session.accept(Instant::now());
                self.role = Some(Role::Publisher(pass, Box::new(intake)));
            }
            Err(refusal) => self.refuse(target, &refusal),
        }
    }

    /// Asks the doorman; the session looks at no further input meanwhile. For who wants to read,
    /// the tracks, if there are any.
    async fn ask_in(
        &self,
        target: &Target,
        intent: Intent,
    ) -> Result<(Pass, Option<Arc<RtpSession>>), Refusal> {
        let registry = self.context.registry();
        let verdict = judge(&self.shared.guard, target);
        if !self.shared.guard.is_content(verdict.as_ref()) {
            return Err(Refusal::Unauthorized);
        }
        let pass = registry
            .admit(ask(target, intent, self.peer, verdict)?)
            .await?;
        if intent == Intent::Publish {
            registry.may_publish(&pass)?;
            return Ok((pass, None));
        }
        registry.may_read(&pass)?;
        let Some(stream) = registry.get(pass.stream().as_str()) else {
            return Err(Refusal::UnknownStream(pass.ask().stream.clone()));
        };
        let mut reader = stream.read_rtp(Start::RandomAccess);
        let first = tokio::time::timeout(DESCRIBE_WAIT, reader.recv()).await;
        let session = first.ok().and_then(Result::ok).map(|first| first.session);
        Ok((pass, session))
    }

    fn set_up(&mut self, setup: &Setup) {
        let ssrc = match &self.role {
            Some(Role::Player(_, session)) => session.ssrcs.get(setup.track).copied(),
            _ => None,
        };
        let Some(client) = setup.transport.client_port else {
            return self.session.set_up(None, ssrc);
        };
        let registered =
            self.shared.ports.as_ref().and_then(|ports| {
                ports.register(self.peer.ip(), client, setup.track, &self.sender)
            });
        match (registered, &self.shared.ports) {
            (Some(registration), Some(ports)) => {
                self.session.set_up(Some(ports.pair()), ssrc);
                self.registrations.push(registration);
            }
            _ => self.session.refuse(StatusCode::UnsupportedTransport, &[]),
        }
    }

    /// Publishes or plays, to the end.
    async fn fill(&mut self, role: Role) -> Result<(), Failure> {
        let registry = self.context.registry().clone();
        match role {
            Role::Player(pass, session) => match registry.read(&pass) {
                Ok(viewer) => {
                    self.session.accept(Instant::now());
                    let traffic = viewer.traffic();
                    tokio::select! {
                        ended = serve::run(self, viewer, session) => ended,
                        refusal = registry.watch(pass, traffic) => Err(Failure::CutOff(refusal)),
                    }
                }
                Err(refusal) => self.refuse_role(&refusal).await,
            },
            Role::Publisher(pass, intake) => match registry.publish(&pass) {
                Ok(source) => {
                    self.session.accept(Instant::now());
                    let traffic = source.traffic();
                    tokio::select! {
                        ended = ingest::run(self, source, *intake) => ended,
                        refusal = registry.watch(pass, traffic) => Err(Failure::CutOff(refusal)),
                    }
                }
                Err(refusal) => self.refuse_role(&refusal).await,
            },
        }
    }

    /// The session's next event; writes its replies and reads what it needs. `None`: the peer
    /// has gone.
    async fn next_event(&mut self) -> Result<Option<ServerEvent>, Failure> {
        loop {
            if let Some(event) = self.session.poll_event(Instant::now())? {
                return Ok(Some(event));
            }
            self.flush().await?;
            tokio::select! {
                read = self.wire.read(&mut self.block) => {
                    if !self.take_in(read?) {
                        return Ok(None);
                    }
                }
                () = until(self.session.poll_timeout()) => {
                    self.session.handle_timeout(Instant::now())?;
                }
            }
        }
    }

    /// Passes what was read to the session; false at the end of the connection.
    pub(super) fn take_in(&mut self, read: usize) -> bool {
        if read > 0 {
            let input = self.block.split();
            self.session.handle_input(Instant::now(), input);
        }
        read > 0
    }

    /// Writes what the session has to say.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        while let Some(output) = self.session.poll_output() {
            self.wire.write(&[output]).await?;
        }
        Ok(())
    }

    /// The address that the peer called.
    fn host(&self) -> std::net::IpAddr {
        let local = self
            .wire
            .local_addr()
            .map(|local| local.ip().to_canonical());
        local.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into())
    }

    fn refuse(&mut self, target: &Target, refusal: &Refusal) {
        if let Refusal::BadRequest(_) = refusal {
            self.context.registry().announce(Event::PeerRefused {
                protocol: Protocol::Rtsp,
                code: refusal.code().to_owned(),
            });
        }
        let guard = &self.shared.guard;
        let judged = judge(guard, target);
        let status = match (refusal, &judged) {
            // Wrong answers are asked for again, as HTTP has it.
            (Refusal::Forbidden, Some(Verdict::Stale | Verdict::Wrong)) => StatusCode::Unauthorized,
            _ => status(refusal),
        };
        let challenges = match status {
            StatusCode::Unauthorized => {
                guard.challenges(Instant::now(), judged == Some(Verdict::Stale))
            }
            _ => Vec::new(),
        };
        // Clients show who they are only when asked: that is no refusal yet.
        if status != StatusCode::Unauthorized || target.authorization.is_some() {
            self.tell("rtsp refused", refusal);
        }
        self.session.refuse(status, &challenges);
    }

    /// Somebody else came between the description and now.
    async fn refuse_role(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        self.tell("rtsp refused", refusal);
        self.session.refuse(status(refusal), &[]);
        self.flush().await
    }

    /// Counts a peer that was turned away and, now and then, logs it.
    fn tell(&self, kind: &'static str, refusal: &Refusal) {
        self.context.counters().of(Protocol::Rtsp).refused.add(1);
        if let Some(held_back) = self.context.complaints().admit(kind, Instant::now()) {
            tracing::warn!(peer = %self.peer, held_back, "RTSP peer refused: {refusal}");
        }
    }

    fn complain(&self, failure: &Failure) {
        // A peer that just goes away is daily life.
        if matches!(failure, Failure::Io(_) | Failure::Write(WriteError::Io(_))) {
            tracing::debug!(peer = %self.peer, "{failure}");
            return;
        }
        let complaints = self.context.complaints();
        if let Some(held_back) = complaints.admit("rtsp failure", Instant::now()) {
            tracing::warn!(peer = %self.peer, held_back, "RTSP connection closed: {failure}");
        }
    }
}

/// Resolves at a deadline; never without one.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
