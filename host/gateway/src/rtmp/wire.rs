//! The bytes of a connection: plain, or under TLS.

use super::connection::Failure;
use crate::context::Context;
use crate::link::{self, LinkError};
use crate::tcp::{STALL, write_all};
use bytes::{Bytes, BytesMut};
use model::endpoint;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// Shared messages are put together to records of at most this: a record for each costs a call
/// to the cipher and 22 bytes.
const RECORD_BYTES: usize = 16 << 10;

/// A connection that this host made or accepted.
pub(super) enum Wire {
    /// Shared with the crowd that a player sits in.
    Plain(Arc<TcpStream>),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects, and under TLS makes sure of who it is.
    pub(super) async fn connect(
        context: &Context,
        endpoint: &endpoint::Rtmp,
    ) -> Result<Self, LinkError> {
        let tcp = link::connect(context, &endpoint.host, endpoint.port).await?;
        if !endpoint.tls {
            return Ok(Self::Plain(tcp.into()));
        }
        let tls = link::tls::connect(&endpoint.host, tcp).await?;
        Ok(Self::Tls(Box::new(tls.into())))
    }

    /// The socket, if it is that alone.
    pub(super) fn plain(&self) -> Option<Arc<TcpStream>> {
        match self {
            Self::Plain(tcp) => Some(tcp.clone()),
            Self::Tls(_) => None,
        }
    }

    /// Appends what has come, and waits for it if need be; 0 is the end. Cancel safe.
    pub(super) async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => return tls.read_buf(into).await,
        };
        loop {
            // Not `readable()`, which would join and leave a list of waiters for each message.
            poll_fn(|cx| tcp.poll_read_ready(cx)).await?;
            match tcp.try_read_buf(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// Writes all of `messages`; waits where the socket is full.
    pub(super) async fn write(&mut self, messages: &[Bytes]) -> Result<(), Failure> {
        match self {
            Self::Plain(tcp) => Ok(write_all(tcp, messages).await?),
            Self::Tls(tls) => write_sealed(tls, messages).await,
        }
    }
}

async fn write_sealed(tls: &mut TlsStream<TcpStream>, messages: &[Bytes]) -> Result<(), Failure> {
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

async fn within_stall(step: impl Future<Output = io::Result<()>>) -> Result<(), Failure> {
    let done = tokio::time::timeout(STALL, step).await;
    Ok(done.map_err(|_| Failure::Stalled)??)
}
