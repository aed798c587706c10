//! SRT by libsrt, the protocol's reference implementation.

mod connection;
mod listener;
mod reactor;

pub use connection::LibsrtConnection;
pub use listener::LibsrtListener;

use super::{Admission, Backend, ConnectConfig, Encryption, Error, ListenConfig};
use reactor::{Reactor, Registration};
use srt_sys::{
    BoolOption, ErrorKind, IntOption, Library, RejectReason, Severity, Socket, SocketState,
    TextOption,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// SRT by libsrt. Cheap to clone: libsrt itself is one per process.
#[derive(Debug, Clone, Copy)]
pub struct Libsrt {
    library: Library,
}

impl Libsrt {
    /// Starts libsrt unless it runs.
    ///
    /// # Errors
    /// [`Error::Library`] when it cannot start its threads.
    pub fn new() -> Result<Self, Error> {
        let library = Library::start(Severity::Error, log).map_err(library_error)?;
        Ok(Self { library })
    }

    /// The version linked: major, minor, patch.
    pub fn version(self) -> (u8, u8, u8) {
        self.library.version()
    }
}

impl Backend for Libsrt {
    type Connection = LibsrtConnection;
    type Listener = LibsrtListener;

    async fn listen(
        &self,
        config: &ListenConfig,
        admission: Arc<dyn Admission>,
    ) -> Result<LibsrtListener, Error> {
        let listen_error = |error: srt_sys::Error| Error::Listen {
            local: config.local,
            why: match error.kind() {
                ErrorKind::AddressInUse => "the port is in use".to_owned(),
                _ => error.to_string(),
            },
        };
        let socket = SocketOptions::from(config)
            .open(self.library)
            .map_err(listen_error)?;
        bind(&socket, config.local).map_err(listen_error)?;
        let reactor = Reactor::shared(self.library).map_err(library_error)?;
        LibsrtListener::start(socket, reactor, config, admission).map_err(listen_error)
    }

    async fn connect(&self, config: &ConnectConfig) -> Result<LibsrtConnection, Error> {
        let remote = config.remote;
        let connect_error = |error: srt_sys::Error| Error::Connect {
            remote,
            why: error.to_string(),
        };
        let socket = SocketOptions::from(config)
            .open(self.library)
            .map_err(connect_error)?;
        prepare_call(&socket, config).map_err(connect_error)?;
        let reactor = Reactor::shared(self.library).map_err(library_error)?;
        let registration = reactor.register(&socket).map_err(connect_error)?;
        socket.connect(remote).map_err(connect_error)?;
        // libsrt ends the call by itself after the timeout, with an event; ours is a bound on it.
        let answer = answered(&socket, &registration);
        let bound = config.timeout + Duration::from_secs(1);
        if !tokio::time::timeout(bound, answer).await.unwrap_or(false) {
            return Err(call_error(&socket, config));
        }
        let stream_id = config.stream_id.as_bytes().into();
        let payload_bytes = config.payload_bytes;
        let connection =
            LibsrtConnection::new(socket, registration, remote, stream_id, payload_bytes);
        Ok(connection)
    }
}

/// What callers and listeners have in common.
struct SocketOptions<'a> {
    latency_ms: u32,
    encryption: Option<&'a Encryption>,
    payload_bytes: usize,
    peer_idle_timeout: Duration,
}

impl<'a> From<&'a ListenConfig> for SocketOptions<'a> {
    fn from(config: &'a ListenConfig) -> Self {
        Self {
            latency_ms: config.latency_ms,
            encryption: config.encryption.as_ref(),
            payload_bytes: config.payload_bytes,
            peer_idle_timeout: config.peer_idle_timeout,
        }
    }
}

impl<'a> From<&'a ConnectConfig> for SocketOptions<'a> {
    fn from(config: &'a ConnectConfig) -> Self {
        Self {
            latency_ms: config.latency_ms,
            encryption: config.encryption.as_ref(),
            payload_bytes: config.payload_bytes,
            peer_idle_timeout: config.peer_idle_timeout,
        }
    }
}

impl SocketOptions<'_> {
    /// A socket with these options, non-blocking.
    fn open(&self, library: Library) -> Result<Socket, srt_sys::Error> {
        let socket = Socket::new(library)?;
        socket.set_bool(BoolOption::SendBlocks, false)?;
        socket.set_bool(BoolOption::ReceiveBlocks, false)?;
        socket.set_bool(BoolOption::EnforceEncryption, true)?;
        let latency_ms = to_int(self.latency_ms);
        socket.set_int(IntOption::ReceiveLatencyMs, latency_ms)?;
        socket.set_int(IntOption::PeerLatencyMs, latency_ms)?;
        socket.set_int(IntOption::PayloadBytes, to_int(self.payload_bytes))?;
        let idle_ms = to_int(self.peer_idle_timeout.as_millis());
        socket.set_int(IntOption::PeerIdleTimeoutMs, idle_ms)?;
        self.size_buffers(&socket)?;
        if let Some(encryption) = self.encryption {
            let passphrase = encryption.passphrase.expose().as_bytes();
            socket.set_text(TextOption::Passphrase, passphrase)?;
            let key_length = i32::from(encryption.key_length.bytes());
            socket.set_int(IntOption::KeyLengthBytes, key_length)?;
        }
        Ok(socket)
    }

    /// A receiver holds packets for the whole latency. libsrt's default buffers (8192
    /// packets, 12 MB) suffice for 100 Mb/s and a second; beyond that they grow with the
    /// latency, up to four times.
    fn size_buffers(&self, socket: &Socket) -> Result<(), srt_sys::Error> {
        const DEFAULT_PACKETS: u32 = 8192;
        const PACKETS_PER_MS_AT_100_MBPS: u32 = 9;
        const PACKET_BYTES: u32 = 1472; // an MTU without IP and UDP headers, as libsrt counts
        let wanted = self.latency_ms.saturating_mul(PACKETS_PER_MS_AT_100_MBPS);
        let packets = wanted.clamp(DEFAULT_PACKETS, 4 * DEFAULT_PACKETS);
        if packets > DEFAULT_PACKETS {
            // The receive buffer may not exceed the flight window, which must come first.
            socket.set_int(IntOption::FlightPackets, to_int(packets))?;
            let bytes = to_int(packets * PACKET_BYTES);
            socket.set_int(IntOption::ReceiveBufferBytes, bytes)?;
            socket.set_int(IntOption::SendBufferBytes, bytes)?;
        }
        Ok(())
    }
}

fn prepare_call(socket: &Socket, config: &ConnectConfig) -> Result<(), srt_sys::Error> {
    let timeout_ms = to_int(config.timeout.as_millis());
    socket.set_int(IntOption::ConnectTimeoutMs, timeout_ms)?;
    if !config.stream_id.is_empty() {
        socket.set_text(TextOption::StreamId, config.stream_id.as_bytes())?;
    }
    socket.set_bool(BoolOption::Rendezvous, config.rendezvous)?;
    match config.local {
        Some(local) => bind(socket, local),
        None => Ok(()),
    }
}

fn bind(socket: &Socket, local: SocketAddr) -> Result<(), srt_sys::Error> {
    if local.is_ipv6() && local.ip().is_unspecified() {
        // libsrt insists on being told; "::" takes IPv4 callers too, as elsewhere.
        socket.set_int(IntOption::Ipv6Only, 0)?;
    }
    socket.bind(local)
}

/// Waits for the end of a call's handshake; says whether it went well.
async fn answered(socket: &Socket, registration: &Registration) -> bool {
    loop {
        match socket.state() {
            SocketState::Connected => return true,
            SocketState::Broken | SocketState::Closed => return false,
            SocketState::Opened | SocketState::Connecting | SocketState::Listening => {
                registration.writable().await;
            }
        }
    }
}

fn call_error(socket: &Socket, config: &ConnectConfig) -> Error {
    let remote = config.remote;
    match socket.reject_reason() {
        RejectReason::TIMEOUT => Error::TimedOut {
            remote,
            after: config.timeout,
        },
        reason => Error::Rejected { remote, reason },
    }
}

fn library_error(error: srt_sys::Error) -> Error {
    Error::Library(error.to_string())
}

fn to_int(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

/// libsrt complains of every malformed packet it gets, so its errors are only for those who
/// look for them.
fn log(severity: Severity, message: &str) {
    match severity {
        Severity::Fatal => tracing::error!(target: "libsrt", "{message}"),
        _ => tracing::debug!(target: "libsrt", "{message}"),
    }
}
