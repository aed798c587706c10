//! Writing shared bytes to a socket, many buffers a call, without a copy.

use super::connection::Failure;
use super::wire::Wire;
use ::rtmp::session::Server;
use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use std::time::Duration;
use tokio::net::TcpStream;

/// A peer that takes not one byte for this long is given up.
pub(super) const STALL: Duration = Duration::from_secs(15);

/// Buffers a call; far below the system's limit of 1024 (`IOV_MAX`).
const BUFFERS: usize = 64;

/// Writes all of `messages`; waits where the socket is full.
pub(super) async fn write_all(tcp: &TcpStream, messages: &[Bytes]) -> Result<(), Failure> {
    let (mut first, mut skip) = (0, 0);
    while let Some(rest) = messages.get(first..).filter(|rest| !rest.is_empty()) {
        let mut buffers = [IoSlice::new(&[]); BUFFERS];
        let count = rest.len().min(BUFFERS);
        for (buffer, message) in buffers.iter_mut().zip(rest) {
            *buffer = IoSlice::new(message);
        }
        if let (Some(buffer), Some(message)) = (buffers.first_mut(), rest.first()) {
            *buffer = IoSlice::new(message.get(skip..).unwrap_or_default());
        }
        match tcp.try_write_vectored(buffers.get(..count).unwrap_or_default()) {
            Ok(mut written) => {
                // Empty messages are done as soon as they are first.
                while let Some(left) = messages.get(first).map(|message| message.len() - skip) {
                    if written < left {
                        skip += written;
                        break;
                    }
                    written -= left;
                    (first, skip) = (first + 1, 0);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let writable = tokio::time::timeout(STALL, tcp.writable()).await;
                writable.map_err(|_| Failure::Stalled)??;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes what a server session has to say.
pub(super) async fn flush_server(wire: &mut Wire, session: &mut Server) -> Result<(), Failure> {
    while let Some(output) = session.poll_output() {
        if output.has_remaining() {
            wire.write(std::slice::from_ref(&output)).await?;
        }
    }
    Ok(())
}
