//! A socket whose descriptor is at hand.
//!
//! Who writes to hundreds of sockets in a row finds each stream's and its registration's memory
//! cold, which costs as much as a third of the write. This is what the write itself needs.

#![allow(unsafe_code)]

use rustix::net::{SendFlags, send};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use tokio::net::TcpStream;

/// A connection that is written to without asking the runtime first.
#[derive(Debug)]
pub(crate) struct Kept {
    descriptor: BorrowedFd<'static>,
    _open: Arc<TcpStream>,
}

impl Kept {
    pub(crate) fn new(tcp: Arc<TcpStream>) -> Self {
        // SAFETY: a `TcpStream` keeps the same descriptor open until it is dropped, and cannot be
        // taken apart while it is shared; it is held beside what is borrowed, for as long.
        let descriptor = unsafe { BorrowedFd::borrow_raw(tcp.as_raw_fd()) };
        Self {
            descriptor,
            _open: tcp,
        }
    }

    /// Bytes that the socket took, at once; it never waits. The runtime does not learn from this
    /// that a socket is full: who then waits for room tries once more through the stream.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.descriptor, bytes, SendFlags::NOSIGNAL)?)
    }
}
