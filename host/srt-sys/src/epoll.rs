//! Waiting for many sockets in one thread.

use crate::{Error, Library, Socket, SocketId, ffi};
use libc::c_int;
use std::time::Duration;

/// A set of sockets to wait for. Events come once for each change (edge-triggered): after
/// one, use the socket until it would block.
///
/// Only one thread of a process should wait at a time: libsrt wakes one waiter of all its
/// epoll sets for each event, and the others only look every 10 ms (`CGlobEvent`).
#[derive(Debug)]
pub struct Epoll {
    id: c_int,
}

/// What happened to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The socket.
    pub id: SocketId,
    /// Data is due, or a caller waits to be accepted.
    pub readable: bool,
    /// There is room to send, or a call has been answered.
    pub writable: bool,
    /// The connection failed or ended.
    pub failed: bool,
}

/// Room for the events of one wait.
#[derive(Debug)]
pub struct Events {
    raw: Vec<ffi::SRT_EPOLL_EVENT>,
    ready: usize,
}

impl Events {
    /// Room for this many; those beyond come with the next wait.
    pub fn with_capacity(capacity: u16) -> Self {
        let empty = ffi::SRT_EPOLL_EVENT {
            fd: ffi::SRT_INVALID_SOCK,
            events: 0,
        };
        Self {
            raw: vec![empty; usize::from(capacity.max(1))],
            ready: 0,
        }
    }

    /// The events of the last wait.
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.raw.iter().take(self.ready).map(|raw| Event {
            id: SocketId(raw.fd),
            readable: raw.events & ffi::SRT_EPOLL_IN != 0,
            writable: raw.events & ffi::SRT_EPOLL_OUT != 0,
            failed: raw.events & ffi::SRT_EPOLL_ERR != 0,
        })
    }
}

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    /// When the system is out of descriptors.
    pub fn new(_library: Library) -> Result<Self, Error> {
        // SAFETY: take numbers only; the library was started.
        unsafe {
            let id = Error::check("srt_epoll_create", ffi::srt_epoll_create())?;
            let epoll = Self { id };
            let flags = ffi::srt_epoll_set(id, ffi::SRT_EPOLL_ENABLE_EMPTY);
            Error::check("srt_epoll_set", flags)?;
            Ok(epoll)
        }
    }

    /// Adds a socket, for everything that can happen to it. What holds already is reported.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn add(&self, socket: &Socket) -> Result<(), Error> {
        let interest =
            ffi::SRT_EPOLL_IN | ffi::SRT_EPOLL_OUT | ffi::SRT_EPOLL_ERR | ffi::SRT_EPOLL_ET;
        // SAFETY: `interest` is readable for the length of the call.
        let result =
            unsafe { ffi::srt_epoll_add_usock(self.id, socket.id().0, &raw const interest) };
        Error::check("srt_epoll_add_usock", result).map(drop)
    }

    /// Takes a socket out; one that is closed or was never in is no error.
    pub fn remove(&self, id: SocketId) {
        // SAFETY: takes numbers.
        let _ = unsafe { ffi::srt_epoll_remove_usock(self.id, id.0) };
    }

    /// Waits for events, at most `timeout` (and up to 10 ms more). None is no error.
    ///
    /// # Errors
    /// When the set is gone.
    pub fn wait(&self, events: &mut Events, timeout: Duration) -> Result<(), Error> {
        events.ready = 0;
        let size = c_int::try_from(events.raw.len()).unwrap_or(c_int::MAX);
        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        // SAFETY: `raw` is writable for `size` entries; libsrt writes no more.
        let result =
            unsafe { ffi::srt_epoll_uwait(self.id, events.raw.as_mut_ptr(), size, timeout_ms) };
        let ready = Error::check("srt_epoll_uwait", result)?;
        // libsrt returns one more than the room there was when there are more.
        events.ready = usize::try_from(ready).unwrap_or(0).min(events.raw.len());
        Ok(())
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // SAFETY: takes a number, of a set made by `new` and released once.
        let _ = unsafe { ffi::srt_epoll_release(self.id) };
    }
}
