//! The bytes of a connection: plain, or under TLS.

use super::write::{WriteError, within_stall, write_all};
use crate::context::Context;
use bytes::{Bytes, BytesMut};
use link::LinkError;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// Read buffers are taken in blocks of this size; media stays in them while it is held.
const BLOCK_BYTES: usize = 64 << 10;

/// Below this much room a new block is taken.
const LEAST_ROOM: usize = 8 << 10;

/// Shared messages are put together to records of at most this: a record for each costs a call
/// to the cipher and 22 bytes.
const RECORD_BYTES: usize = 16 << 10;

/// A connection that this host made or accepted.
#[derive(Debug)]
pub(crate) enum Wire {
    /// Shared with the crowd that a player sits in.
    Plain(Arc<TcpStream>),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects, and under TLS makes sure of who it is.
    pub(crate) async fn connect(
        context: &Context,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Self, LinkError> {
        let tcp = link::connect(context, host, port).await?;
        if !tls {
            return Ok(Self::Plain(tcp.into()));
        }
        let tls = link::tls::connect(host, tcp).await?;
        Ok(Self::Tls(Box::new(tls.into())))
    }

    /// The socket, if it is that alone.
    pub(crate) fn plain(&self) -> Option<Arc<TcpStream>> {
        match self {
            Self::Plain(tcp) => Some(tcp.clone()),
            Self::Tls(_) => None,
        }
    }

    /// This host's end.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().local_addr()
    }

    /// The other end.
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().peer_addr()
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Appends what has come, and waits for it if need be; 0 is the end. Cancel safe.
    pub(crate) async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => {
                make_room(into);
                return tls.read_buf(into).await;
            }
        };
        loop {
            // Not `readable()`, which would join and leave a list of waiters for each message.
            poll_fn(|cx| tcp.poll_read_ready(cx)).await?;
            // Only now: who says nothing holds no block.
            make_room(into);
            match tcp.try_read_buf(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// Writes all of `messages`; waits where the socket is full.
    pub(crate) async fn write(&mut self, messages: &[Bytes]) -> Result<(), WriteError> {
        match self {
            Self::Plain(tcp) => write_all(tcp, messages).await,
            Self::Tls(tls) => write_sealed(tls, messages).await,
        }
    }
}

/// A new block, where the one before is nearly used up.
fn make_room(block: &mut BytesMut) {
    if block.capacity() - block.len() < LEAST_ROOM {
        block.reserve(BLOCK_BYTES);
    }
}

async fn write_sealed(
    tls: &mut TlsStream<TcpStream>,
    messages: &[Bytes],
) -> Result<(), WriteError> {
    let mut record = BytesMut::new();
    for message in messages {
        if record.len() + message.len() > RECORD_BYTES && !record.is_empty() {
            within_stall(tls.write_all(&record.split())).await?;
        }
        if message.len() >= RECORD_BYTES {
            within_stall(tls.write_all(message)).await?;
        } else {
            record.extend_from_slice(message);
        }
    }
    within_stall(tls.write_all(&record)).await?;
    within_stall(tls.flush()).await
}
