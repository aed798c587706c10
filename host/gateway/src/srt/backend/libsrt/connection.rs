//! One libsrt connection.

use super::super::{Connection, Error, Outlet, RECV_BATCH, Stats};
use super::reactor::Registration;
use bytes::{Bytes, BytesMut};
use srt_sys::{ErrorKind, LIVE_MAX_PAYLOAD_BYTES, Socket};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Messages are received into slabs of this size and handed out as slices of them: one
/// allocation for some fifty messages, and no copy after libsrt's own.
const SLAB_BYTES: usize = 64 * 1024;

/// A connection of libsrt's.
#[derive(Debug)]
pub struct LibsrtConnection {
    // Before the socket: fields are dropped in this order.
    registration: Registration,
    line: Arc<Line>,
    stream_id: Box<[u8]>,
    slab: BytesMut,
    permit: Option<OwnedSemaphorePermit>,
}

/// The socket, of which any thread may send.
#[derive(Debug)]
struct Line {
    socket: Socket,
    peer: SocketAddr,
    payload_bytes: usize,
}

impl LibsrtConnection {
    pub(super) fn new(
        socket: Socket,
        registration: Registration,
        peer: SocketAddr,
        stream_id: Box<[u8]>,
        payload_bytes: usize,
    ) -> Self {
        Self {
            registration,
            line: Arc::new(Line {
                socket,
                peer,
                payload_bytes,
            }),
            stream_id,
            slab: BytesMut::new(),
            permit: None,
        }
    }

    /// Keeps the listener's permit as long as the connection lives.
    pub(super) fn with_permit(mut self, permit: OwnedSemaphorePermit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Takes the next message that is due, if any.
    fn receive(&mut self) -> Result<Option<Bytes>, Error> {
        if self.slab.capacity() < LIVE_MAX_PAYLOAD_BYTES {
            // The old slab lives on in the messages handed out; `reserve` on it would first
            // try to take it back, which never succeeds while a lane holds them.
            self.slab = BytesMut::with_capacity(SLAB_BYTES);
        }
        match self.line.socket.receive(&mut self.slab) {
            Ok(_) => Ok(Some(self.slab.split().freeze())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(self.line.error(error)),
        }
    }

    /// Throws the next message that is due away; says whether there was one.
    fn discard(&self) -> Result<bool, Error> {
        let mut scratch = [0; LIVE_MAX_PAYLOAD_BYTES];
        match self.line.socket.receive(&mut scratch.as_mut_slice()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.line.error(error)),
        }
    }
}

impl Line {
    fn error(&self, error: srt_sys::Error) -> Error {
        match error.kind() {
            ErrorKind::ConnectionLost => Error::Closed { peer: self.peer },
            _ => Error::Library(error.to_string()),
        }
    }
}

impl Outlet for Line {
    fn offer(&self, message: &Bytes) -> Result<bool, Error> {
        if message.len() > self.payload_bytes {
            return Err(Error::TooLarge {
                len: message.len(),
                limit: self.payload_bytes,
            });
        }
        match self.socket.send(message) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.error(error)),
        }
    }
}

impl Connection for LibsrtConnection {
    fn peer(&self) -> SocketAddr {
        self.line.peer
    }

    fn stream_id(&self) -> &[u8] {
        &self.stream_id
    }

    async fn recv(&mut self, into: &mut Vec<Bytes>) -> Result<(), Error> {
        // libsrt's sockets are none of tokio's, so a busy one must yield by itself.
        tokio::task::coop::consume_budget().await;
        let full = into.len() + RECV_BATCH;
        let before = into.len();
        loop {
            while into.len() < full {
                match self.receive() {
                    Ok(Some(message)) => into.push(message),
                    Ok(None) => break,
                    // What came before the end is handed out first; the end comes again.
                    Err(_) if into.len() > before => break,
                    Err(error) => return Err(error),
                }
            }
            if into.len() > before {
                return Ok(());
            }
            self.registration.readable().await;
        }
    }

    async fn send(&mut self, message: &Bytes) -> Result<(), Error> {
        tokio::task::coop::consume_budget().await;
        while !self.line.offer(message)? {
            self.registration.writable().await;
        }
        Ok(())
    }

    fn outlet(&self) -> Option<Arc<dyn Outlet>> {
        Some(self.line.clone())
    }

    async fn closed(&mut self) -> Error {
        loop {
            tokio::task::coop::consume_budget().await;
            match self.discard() {
                Ok(true) => {}
                Ok(false) => self.registration.readable().await,
                Err(error) => return error,
            }
        }
    }

    fn stats(&self) -> Result<Stats, Error> {
        let stats = self.line.socket.stats();
        stats.map_err(|error| self.line.error(error))
    }
}
