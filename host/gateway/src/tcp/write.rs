//! Writing shared bytes to a connection, many buffers a call, without a copy.

use bytes::Bytes;
use link::LinkError;
use std::io::{self, IoSlice};
use std::time::Duration;
use tokio::net::TcpStream;

/// A peer that takes not one byte for this long is given up.
pub(crate) const STALL: Duration = Duration::from_secs(15);

/// Buffers a call; far below the system's limit of 1024 (`IOV_MAX`).
const BUFFERS: usize = 64;

/// Why not everything could be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    #[error("the peer took nothing for {} s", STALL.as_secs())]
    Stalled,
}

impl WriteError {
    /// As the failure of a link, on `what` it writes to.
    pub(crate) fn on(self, what: &'static str) -> LinkError {
        match self {
            Self::Stalled => LinkError::Stalled {
                seconds: STALL.as_secs(),
            },
            Self::Io(error) => LinkError::io(what)(error),
        }
    }
}

/// A step of writing that is a stall if it takes too long.
pub(super) async fn within_stall(
    step: impl Future<Output = io::Result<()>>,
) -> Result<(), WriteError> {
    let done = tokio::time::timeout(STALL, step).await;
    Ok(done.map_err(|_| WriteError::Stalled)??)
}

/// Writes all of `messages`; waits where the socket is full.
pub(super) async fn write_all(tcp: &TcpStream, messages: &[Bytes]) -> Result<(), WriteError> {
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
                writable.map_err(|_| WriteError::Stalled)??;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
