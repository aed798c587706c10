//! A listening socket that decides about callers before their handshake ends.

use crate::address::{RawAddress, to_socket_addr};
use crate::socket::set_option;
use crate::{Error, RejectReason, Socket, SocketId, TextOption, ffi};
use libc::{c_char, c_int, c_void, sockaddr};
use std::ffi::CStr;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// A caller's handshake, seen while libsrt waits for the decision.
#[derive(Debug)]
pub struct Handshake<'a> {
    /// The socket that will be accepted if the handshake goes well.
    pub id: SocketId,
    /// The caller's address.
    pub peer: SocketAddr,
    /// As sent, at most 512 bytes up to the first NUL; empty when none was sent.
    pub stream_id: &'a [u8],
}

impl Handshake<'_> {
    /// Demands this passphrase of this caller; libsrt then checks it.
    ///
    /// # Errors
    /// When it is not 10 to 79 bytes.
    pub fn require_passphrase(&self, passphrase: &[u8]) -> Result<(), Error> {
        set_option(self.id, TextOption::Passphrase.code(), passphrase)
    }
}

/// What becomes of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The handshake goes on.
    Accept,
    /// The caller is told why not. Codes below 1000 are libsrt's own: it is then told
    /// [`RejectReason::UNKNOWN`].
    Reject(RejectReason),
}

type Hook = Box<dyn Fn(&Handshake<'_>) -> Decision + Send + Sync>;

/// A listening socket. Non-blocking options set on it before are inherited by the accepted.
pub struct Listener {
    socket: Socket,
    hook: NonNull<Hook>,
}

// SAFETY: the hook is Send + Sync, owned by this value and only ever shared by reference;
// libsrt's functions may be called from any thread.
unsafe impl Send for Listener {}
// SAFETY: as above.
unsafe impl Sync for Listener {}

impl Listener {
    /// Listens on a bound socket, at most `backlog` callers waiting to be accepted.
    ///
    /// `decide` runs in libsrt's receiving thread, which every connection of the port
    /// shares: it must not block. A panic in it rejects the caller (`ISE`).
    ///
    /// # Errors
    /// Most often [`crate::ErrorKind::AddressInUse`].
    pub fn new(
        socket: Socket,
        backlog: u16,
        decide: impl Fn(&Handshake<'_>) -> Decision + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let hook: Hook = Box::new(decide);
        let listener = Self {
            socket,
            hook: NonNull::from(Box::leak(Box::new(hook))),
        };
        let id = listener.socket.id().0;
        // SAFETY: `on_handshake` matches the type libsrt expects, and the hook lives until
        // Drop below, after which libsrt calls it no more.
        unsafe {
            let opaque = listener.hook.as_ptr().cast::<c_void>();
            let installed = ffi::srt_listen_callback(id, Some(on_handshake), opaque);
            Error::check("srt_listen_callback", installed)?;
            Error::check("srt_listen", ffi::srt_listen(id, c_int::from(backlog)))?;
        }
        Ok(listener)
    }

    /// The listening socket, for epoll and its address.
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Takes the next caller whose handshake is done.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WouldBlock`] when none waits.
    pub fn accept(&self) -> Result<(Socket, Option<SocketAddr>), Error> {
        let mut accepted = ffi::SRT_INVALID_SOCK;
        let peer = RawAddress::read_from(|name, len| {
            // SAFETY: `name` has `len` writable bytes; libsrt writes no more.
            accepted = unsafe { ffi::srt_accept(self.socket.id().0, name, len) };
            accepted != ffi::SRT_INVALID_SOCK
        });
        if accepted == ffi::SRT_INVALID_SOCK {
            return Err(Error::last("srt_accept"));
        }
        Ok((Socket::from_id(accepted), peer))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // SAFETY: takes a number. Closing takes the listener off its queue under the lock
        // that libsrt holds while it runs the hook (CRcvQueue::removeListener and
        // worker_ProcessConnectionRequest, queue.cpp): on return the hook neither runs nor
        // will. The later close by `socket` is then only an error.
        let _ = unsafe { ffi::srt_close(self.socket.id().0) };
        // SAFETY: made by Box::leak in `new`, freed once, and no longer used by libsrt.
        drop(unsafe { Box::from_raw(self.hook.as_ptr()) });
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

unsafe extern "C" fn on_handshake(
    opaque: *mut c_void,
    ns: ffi::SRTSOCKET,
    _hs_version: c_int,
    peer: *const sockaddr,
    stream_id: *const c_char,
) -> c_int {
    // SAFETY: `opaque` is the hook given to srt_listen_callback; Drop keeps it until libsrt
    // calls it no more.
    let hook = unsafe { &*opaque.cast::<Hook>() };
    // SAFETY: libsrt passes the caller's address in full.
    let Some(peer) = (unsafe { to_socket_addr(peer) }) else {
        return ffi::SRT_ERROR;
    };
    let stream_id = if stream_id.is_null() {
        &[]
    } else {
        // SAFETY: libsrt passes a buffer of 513 bytes that ends in NUL
        // (CUDT::runAcceptHook, core.cpp) and outlives this call.
        unsafe { CStr::from_ptr(stream_id) }.to_bytes()
    };
    let handshake = Handshake {
        id: SocketId(ns),
        peer,
        stream_id,
    };
    let decision = catch_unwind(AssertUnwindSafe(|| hook(&handshake)))
        .unwrap_or(Decision::Reject(RejectReason::ISE));
    match decision {
        Decision::Accept => 0,
        Decision::Reject(reason) => {
            // SAFETY: takes numbers. libsrt refuses codes below 1000 and keeps its own.
            unsafe { ffi::srt_setrejectreason(ns, reason.code()) };
            ffi::SRT_ERROR
        }
    }
}
