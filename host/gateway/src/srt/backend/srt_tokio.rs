//! SRT by the `srt-tokio` crate, which needs no C. For comparison: not for production.
//!
//! Measured against libsrt 1.5.1, version 0.4.4 fails where the interop table marks it:
//! a caller with a passphrase or key size that the listener does not expect panics the
//! listener's task, which ends the port for everyone; handshakes are dealt with one after
//! the other, and a connection that is not read stalls the others of its port; as a caller
//! it shrinks its latency by the listener's age; the clock breaks after 35.8 minutes.
//! It tells neither side why a handshake failed, so reasons are less exact here.

use super::gate::Gate;
use super::{
    Admission, Backend, ConnectConfig, Connection, Encryption, Error, ListenConfig, Listener,
    RECV_BATCH, Refused, RejectReason, Request, Sent, Stats, Verdict, Why,
};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, SinkExt, StreamExt};
use parking_lot::Mutex;
use srt_tokio::access::{AcceptParameters, RejectReason as Rejection};
use srt_tokio::options::{ByteCount, PacketSize, SocketOptions};
use srt_tokio::{ConnectionRequest, SocketStatistics, SrtIncoming, SrtListener, SrtSocket};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// How long an admitted handshake may take; the crate has no end for failed ones.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// The crate's default holds 31 packets; this is libsrt's.
const SEND_BUFFER: ByteCount = ByteCount(8192 * 1316);

/// SRT by the `srt-tokio` crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct SrtTokio(());

impl SrtTokio {
    /// Needs nothing but a tokio runtime.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Backend for SrtTokio {
    type Connection = SrtTokioConnection;
    type Listener = SrtTokioListener;

    async fn listen(
        &self,
        config: &ListenConfig,
        admission: Arc<dyn Admission>,
    ) -> Result<SrtTokioListener, Error> {
        let listen_error = |error: io::Error| Error::Listen {
            local: config.local,
            why: error.to_string(),
        };
        let socket = UdpSocket::bind(config.local).await.map_err(listen_error)?;
        let local = socket.local_addr().map_err(listen_error)?;
        let mut builder = SrtListener::builder().socket(socket).set(|options| {
            common_options(options, config.latency_ms, config.payload_bytes);
            options.session.peer_idle_timeout = config.peer_idle_timeout;
        });
        if let Some(Encryption {
            passphrase,
            key_length,
        }) = &config.encryption
        {
            builder = builder.encryption(u16::from(key_length.bytes()), passphrase.expose());
        }
        let (listener, incoming) = builder.bind(local).await.map_err(listen_error)?;
        Ok(SrtTokioListener {
            _listener: listener,
            incoming,
            local,
            key_bytes: config
                .encryption
                .as_ref()
                .map_or(16, |encryption| encryption.key_length.bytes()),
            payload_bytes: config.payload_bytes,
            gate: Gate::new(
                config.max_connections,
                config.handshakes_per_s,
                Instant::now(),
            ),
            admission,
            handshakes: JoinSet::new(),
        })
    }

    async fn connect(&self, config: &ConnectConfig) -> Result<SrtTokioConnection, Error> {
        let remote = config.remote;
        let mut builder = SrtSocket::builder().set(|options| {
            common_options(options, config.latency_ms, config.payload_bytes);
            options.session.peer_idle_timeout = config.peer_idle_timeout;
            options.connect.timeout = config.timeout;
            if let Some(local) = config.local {
                options.connect.local = local;
            }
        });
        if let Some(Encryption {
            passphrase,
            key_length,
        }) = &config.encryption
        {
            builder = builder.encryption(u16::from(key_length.bytes()), passphrase.expose());
        }
        let stream_id = (!config.stream_id.is_empty()).then_some(config.stream_id.as_str());
        let socket = builder
            .call(remote, stream_id)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => Error::TimedOut {
                    remote,
                    after: config.timeout,
                },
                // The reason is in a type that the crate does not export.
                io::ErrorKind::ConnectionRefused => Error::Rejected {
                    remote,
                    reason: RejectReason::PEER,
                },
                _ => Error::Connect {
                    remote,
                    why: error.to_string(),
                },
            })?;
        let stream_id = config.stream_id.as_bytes().into();
        let payload_bytes = config.payload_bytes;
        Ok(SrtTokioConnection::new(
            socket,
            stream_id,
            payload_bytes,
            None,
        ))
    }
}

fn common_options(options: &mut SocketOptions, latency_ms: u32, payload_bytes: usize) {
    let latency = Duration::from_millis(u64::from(latency_ms));
    options.sender.peer_latency = latency;
    options.receiver.latency = latency;
    options.sender.buffer_size = SEND_BUFFER;
    options.sender.max_payload_size = PacketSize(payload_bytes as u64);
}

/// A port of `srt-tokio`'s.
pub struct SrtTokioListener {
    _listener: SrtListener,
    incoming: SrtIncoming,
    local: SocketAddr,
    key_bytes: u8,
    payload_bytes: usize,
    gate: Gate,
    admission: Arc<dyn Admission>,
    /// Admitted; bounded by the gate's permits.
    handshakes: JoinSet<Outcome>,
}

/// How an admitted handshake ended.
enum Outcome {
    Connected(Box<SrtTokioConnection>),
    Failed {
        peer: SocketAddr,
        stream_id: Box<[u8]>,
    },
    Told,
}

impl Listener for SrtTokioListener {
    type Connection = SrtTokioConnection;

    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    async fn accept(&mut self) -> Result<SrtTokioConnection, Error> {
        loop {
            tokio::select! {
                request = self.incoming.incoming().next() => {
                    let request = request.ok_or_else(|| {
                        Error::Library("srt-tokio's listener has ended".to_owned())
                    })?;
                    self.decide(request);
                }
                Some(Ok(outcome)) = self.handshakes.join_next() => match outcome {
                    Outcome::Connected(connection) => return Ok(*connection),
                    Outcome::Told => {}
                    Outcome::Failed { peer, stream_id } => {
                        let request = Request { peer, stream_id: &stream_id };
                        let why = Why::Handshake;
                        self.admission.refused(&Refused { request, why });
                    }
                },
            }
        }
    }
}

impl SrtTokioListener {
    fn decide(&mut self, handshake: ConnectionRequest) {
        let peer = handshake.remote();
        let stream_id: Box<[u8]> = handshake
            .stream_id()
            .map_or(&[][..], |id| id.as_str().as_bytes())
            .into();
        let request = Request {
            peer,
            stream_id: &stream_id,
        };
        let admitted = match self.gate.enter(Instant::now()) {
            Err(why) => Err((why, RejectReason::OVERLOAD)),
            Ok(permit) => match self.admission.admit(&request) {
                Verdict::Accept { passphrase } => Ok((permit, passphrase)),
                Verdict::Reject(reason) => Err((Why::Denied(reason), reason)),
            },
        };
        match admitted {
            Ok((permit, passphrase)) => {
                let mut parameters = AcceptParameters::new();
                if let Some(passphrase) = passphrase {
                    let key_bytes = u16::from(self.key_bytes);
                    parameters.set_key_settings(passphrase.expose(), key_bytes);
                }
                let payload_bytes = self.payload_bytes;
                self.handshakes.spawn(finish(
                    handshake,
                    parameters,
                    permit,
                    stream_id,
                    payload_bytes,
                ));
            }
            Err((why, reason)) => {
                self.admission.refused(&Refused { request, why });
                // The crate counts libsrt's codes from 1000.
                if let Ok(reason) = Rejection::try_from(reason.code() + 1000) {
                    self.handshakes.spawn(async move {
                        // The listener may have ended; then nobody is left to be told.
                        let _ = handshake.reject(reason).await;
                        Outcome::Told
                    });
                }
            }
        }
    }
}

async fn finish(
    handshake: ConnectionRequest,
    mut parameters: AcceptParameters,
    permit: OwnedSemaphorePermit,
    stream_id: Box<[u8]>,
    payload_bytes: usize,
) -> Outcome {
    let peer = handshake.remote();
    let accepting = handshake.accept(parameters.take_key_settings());
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, accepting).await {
        Ok(Ok(socket)) => Outcome::Connected(Box::new(SrtTokioConnection::new(
            socket,
            stream_id,
            payload_bytes,
            Some(permit),
        ))),
        _ => Outcome::Failed { peer, stream_id },
    }
}

/// A connection of `srt-tokio`'s.
pub struct SrtTokioConnection {
    socket: SrtSocket,
    peer: SocketAddr,
    stream_id: Box<[u8]>,
    payload_bytes: usize,
    dropped_messages: u64,
    figures: Mutex<Figures>,
    _permit: Option<OwnedSemaphorePermit>,
}

struct Figures {
    updates: BoxStream<'static, SocketStatistics>,
    latest: SocketStatistics,
}

impl SrtTokioConnection {
    fn new(
        mut socket: SrtSocket,
        stream_id: Box<[u8]>,
        payload_bytes: usize,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let updates = socket.statistics().clone().boxed();
        Self {
            peer: socket.settings().remote,
            socket,
            stream_id,
            payload_bytes,
            dropped_messages: 0,
            figures: Mutex::new(Figures {
                updates,
                latest: SocketStatistics::default(),
            }),
            _permit: permit,
        }
    }

    fn check(&self, message: &Bytes) -> Result<(), Error> {
        if message.len() > self.payload_bytes {
            return Err(Error::TooLarge {
                len: message.len(),
                limit: self.payload_bytes,
            });
        }
        Ok(())
    }
}

impl Connection for SrtTokioConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn stream_id(&self) -> &[u8] {
        &self.stream_id
    }

    async fn recv(&mut self, into: &mut Vec<Bytes>) -> Result<(), Error> {
        let peer = self.peer;
        let mut next = self.socket.next().await;
        for _ in 1..RECV_BATCH {
            match next {
                Some(Ok((_, message))) => into.push(message),
                Some(Err(_)) | None => return Err(Error::Closed { peer }),
            }
            // What ends the connection is found by the next call.
            match self.socket.next().now_or_never() {
                Some(Some(Ok(more))) => next = Some(Ok(more)),
                _ => return Ok(()),
            }
        }
        if let Some(Ok((_, message))) = next {
            into.push(message);
        }
        Ok(())
    }

    async fn send(&mut self, message: &Bytes) -> Result<(), Error> {
        self.check(message)?;
        let peer = self.peer;
        let item = (Instant::now(), message.clone());
        let sent = self.socket.send(item).await;
        sent.map_err(|_| Error::Closed { peer })
    }

    /// The crate does not tell a full queue from a closed one: a closed connection shows
    /// in [`Connection::closed`] and [`Connection::recv`].
    fn try_send(&mut self, message: &Bytes) -> Result<Sent, Error> {
        self.check(message)?;
        match self.socket.try_send(Instant::now(), message.clone()) {
            Ok(()) => Ok(Sent::Queued),
            Err(_) => {
                self.dropped_messages += 1;
                Ok(Sent::Dropped)
            }
        }
    }

    fn dropped_messages(&self) -> u64 {
        self.dropped_messages
    }

    async fn closed(&mut self) -> Error {
        while let Some(Ok(_)) = self.socket.next().await {}
        Error::Closed { peer: self.peer }
    }

    fn stats(&self) -> Result<Stats, Error> {
        let mut figures = self.figures.lock();
        while let Some(Some(latest)) = figures.updates.next().now_or_never() {
            figures.latest = latest;
        }
        let settings = self.socket.settings();
        let mut stats = stats_from(&figures.latest);
        stats.latency_ms = millis(settings.recv_tsbpd_latency);
        stats.peer_latency_ms = millis(settings.send_tsbpd_latency);
        Ok(stats)
    }
}

fn stats_from(raw: &SocketStatistics) -> Stats {
    let mut stats = Stats::default();
    stats.age_ms = u64::from(millis(raw.elapsed_time));
    stats.rtt_ms = raw.tx_average_rtt.max(raw.rx_average_rtt).as_secs_f64() * 1e3;
    stats.sent_packets = raw.tx_data;
    stats.sent_bytes = raw.tx_bytes;
    stats.sent_unique_packets = raw.tx_unique_data;
    stats.send_lost_packets = raw.tx_loss_data;
    stats.retransmitted_packets = raw.tx_retransmit_data;
    stats.send_dropped_packets = raw.tx_dropped_data;
    stats.received_packets = raw.rx_data;
    stats.received_bytes = raw.rx_bytes;
    stats.received_unique_packets = raw.rx_unique_data;
    stats.receive_lost_packets = raw.rx_loss_data;
    stats.receive_retransmitted_packets = raw.rx_retransmit_data;
    stats.receive_dropped_packets = raw.rx_dropped_data;
    stats.undecrypted_packets = raw.rx_decrypt_errors;
    stats.send_buffer_ms = millis(raw.tx_buffered_time);
    stats.receive_buffer_ms = millis(raw.rx_acknowledged_time);
    stats
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
