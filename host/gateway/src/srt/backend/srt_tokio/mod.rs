//! SRT by the `srt-tokio` crate, which needs no C. For comparison: not for production.
//!
//! Measured against libsrt 1.5.1, version 0.4.4 fails where the interop table marks it:
//! a caller with a passphrase or key size that the listener does not expect panics the
//! listener's task, which ends the port for everyone; handshakes are dealt with one after
//! the other, and a connection that is not read stalls the others of its port; as a caller
//! it shrinks its latency by the listener's age; the clock breaks after 35.8 minutes.
//! It tells neither side why a handshake failed, so reasons are less exact here.

mod connection;

pub use connection::SrtTokioConnection;

use super::gate::Gate;
use super::{
    Admission, Backend, ConnectConfig, Encryption, Error, ListenConfig, Listener, Refused,
    RejectReason, Request, Verdict, Why,
};
use futures_util::StreamExt;
use srt_tokio::access::{AcceptParameters, RejectReason as Rejection};
use srt_tokio::options::{ByteCount, PacketSize, SocketOptions};
use srt_tokio::{ConnectionRequest, SrtIncoming, SrtListener, SrtSocket};
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
