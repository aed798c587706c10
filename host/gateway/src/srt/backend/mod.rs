//! Connections, whoever implements the protocol.
//!
//! [`Libsrt`] is the default. `SrtTokio`, behind the cargo feature `srt-tokio`, needs no C;
//! it has known failures (see its module) and is there to be compared. The set is closed,
//! so users are generic over [`Backend`] and nothing is boxed.

mod admission;
mod config;
mod error;
mod gate;
mod libsrt;
#[cfg(feature = "srt-tokio")]
mod srt_tokio;

pub use admission::{Admission, Refused, Request, Verdict, Why};
pub use config::{ConnectConfig, Encryption, KeyLength, ListenConfig, Passphrase};
pub use error::Error;
pub use libsrt::{Libsrt, LibsrtConnection, LibsrtListener};
pub use srt_sys::{RejectReason, Stats};

#[cfg(feature = "srt-tokio")]
pub use self::srt_tokio::{SrtTokio, SrtTokioConnection, SrtTokioListener};

use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;

/// Most messages that one [`Connection::recv`] appends, so that one connection does not
/// hold its task for ever.
pub const RECV_BATCH: usize = 64;

/// An implementation of SRT.
pub trait Backend: Send + Sync + 'static {
    /// Its connections.
    type Connection: Connection;
    /// Its listeners.
    type Listener: Listener<Connection = Self::Connection>;

    /// Listens on a port; `admission` decides about each caller.
    fn listen(
        &self,
        config: &ListenConfig,
        admission: Arc<dyn Admission>,
    ) -> impl Future<Output = Result<Self::Listener, Error>> + Send;

    /// Calls a listener, and returns once the handshake is done.
    fn connect(
        &self,
        config: &ConnectConfig,
    ) -> impl Future<Output = Result<Self::Connection, Error>> + Send;
}

/// A port that takes callers. Dropped, it stops; accepted connections go on.
pub trait Listener: Send + 'static {
    /// What it accepts.
    type Connection: Connection;

    /// The address bound, with the port that 0 became.
    fn local_addr(&self) -> SocketAddr;

    /// The next admitted caller whose handshake is done. Must be polled all the time: it
    /// also watches for handshakes that fail. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = Result<Self::Connection, Error>> + Send;
}

/// Where messages for one peer are handed over by a task other than its own.
pub trait Outlet: std::fmt::Debug + Send + Sync {
    /// Sends one message if there is room in the send buffer; says whether there was.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or [`Error::Closed`] when the peer is gone.
    fn offer(&self, message: &Bytes) -> Result<bool, Error>;
}

/// One connection, a two-way path for messages. Dropped, it is closed at once and what was
/// not yet sent is lost.
pub trait Connection: Send + 'static {
    /// The peer's address.
    fn peer(&self) -> SocketAddr;

    /// The stream id of the handshake, at most 512 bytes; empty when there was none.
    fn stream_id(&self) -> &[u8];

    /// Waits until messages are due and appends them, at most [`RECV_BATCH`]. Cancel safe.
    ///
    /// # Errors
    /// [`Error::Closed`] when the peer is gone and all was read.
    fn recv(&mut self, into: &mut Vec<Bytes>) -> impl Future<Output = Result<(), Error>> + Send;

    /// Sends one message (at most the payload size), waiting while the send buffer is full.
    /// Cancel safe: cancelled, the message is not sent.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or [`Error::Closed`] when the peer is gone.
    fn send(&mut self, message: &Bytes) -> impl Future<Output = Result<(), Error>> + Send;

    /// For a task that sends to many peers; none if the backend has no such thing. The
    /// connection closes once all that came of it is dropped.
    fn outlet(&self) -> Option<Arc<dyn Outlet>>;

    /// Waits until the peer is gone, discarding what it sends. For readers, of which nothing
    /// is expected: it notices their end while there is nothing to send. Cancel safe.
    fn closed(&mut self) -> impl Future<Output = Error> + Send;

    /// The figures so far.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection is gone.
    fn stats(&self) -> Result<Stats, Error>;
}
