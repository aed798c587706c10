//! The bytes of a connection that this host makes: plain, or under TLS.

use super::connection::Failure;
use super::write::{STALL, write_all};
use crate::context::Context;
use crate::link::{self, LinkError};
use bytes::{Bytes, BytesMut};
use model::endpoint;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to another server.
pub(super) enum Wire {
    Plain(TcpStream),
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
            return Ok(Self::Plain(tcp));
        }
        let tls = link::tls::connect(&endpoint.host, tcp).await?;
        Ok(Self::Tls(Box::new(tls)))
    }

    /// Appends what has come, and waits for it if need be. Cancel safe.
    pub(super) async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read_buf(into).await,
            Self::Tls(tls) => tls.read_buf(into).await,
        }
    }

    /// Writes all of `messages`; waits where the socket is full.
    pub(super) async fn write(&mut self, messages: &[Bytes]) -> Result<(), Failure> {
        match self {
            Self::Plain(tcp) => write_all(tcp, messages).await,
            Self::Tls(tls) => {
                for message in messages {
                    let written = tokio::time::timeout(STALL, tls.write_all(message)).await;
                    written.map_err(|_| Failure::Stalled)??;
                }
                let flushed = tokio::time::timeout(STALL, tls.flush()).await;
                Ok(flushed.map_err(|_| Failure::Stalled)??)
            }
        }
    }
}
