//! An owned SRT socket.

use crate::address::RawAddress;
use crate::{
    BoolOption, Error, IntOption, Library, RejectReason, Stats, TextOption, WideOption, ffi,
};
use bytes::BufMut;
use libc::{c_int, c_void};
use std::mem::{MaybeUninit, size_of};
use std::net::SocketAddr;
use std::ptr::null_mut;

/// A socket's number. libsrt does not use a number again before two thousand million others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketId(pub(crate) ffi::SRTSOCKET);

impl SocketId {
    /// Where the socket of this number stands; `Closed` when there is none.
    pub fn state(self) -> SocketState {
        // SAFETY: takes a number; an unknown one yields SRTS_NONEXIST.
        match unsafe { ffi::srt_getsockstate(self.0) } {
            ffi::SRTS_INIT | ffi::SRTS_OPENED => SocketState::Opened,
            ffi::SRTS_LISTENING => SocketState::Listening,
            ffi::SRTS_CONNECTING => SocketState::Connecting,
            ffi::SRTS_CONNECTED => SocketState::Connected,
            ffi::SRTS_BROKEN | ffi::SRTS_CLOSING => SocketState::Broken,
            _ => SocketState::Closed,
        }
    }
}

/// Where a socket stands (`SRT_SOCKSTATUS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketState {
    /// Neither listening nor connected.
    Opened,
    /// Takes callers.
    Listening,
    /// Shakes hands.
    Connecting,
    /// Carries data.
    Connected,
    /// The connection failed or ended; what has arrived can still be read.
    Broken,
    /// Gone.
    Closed,
}

/// A socket, closed when dropped. Closing a live-mode connection drops what is not yet sent.
#[derive(Debug)]
pub struct Socket {
    id: SocketId,
}

impl Socket {
    /// A new socket in live mode with its defaults.
    ///
    /// # Errors
    /// When libsrt is out of sockets or memory.
    pub fn new(_library: Library) -> Result<Self, Error> {
        // SAFETY: takes nothing; the library was started.
        let id = unsafe { ffi::srt_create_socket() };
        if id == ffi::SRT_INVALID_SOCK {
            return Err(Error::last("srt_create_socket"));
        }
        Ok(Self::from_id(id))
    }

    /// Takes over a socket that libsrt has just handed out.
    pub(crate) const fn from_id(id: ffi::SRTSOCKET) -> Self {
        Self { id: SocketId(id) }
    }

    /// Its number, for [`crate::Epoll`] events.
    pub const fn id(&self) -> SocketId {
        self.id
    }

    /// Where it stands.
    pub fn state(&self) -> SocketState {
        self.id.state()
    }

    /// Binds it to a local address.
    ///
    /// # Errors
    /// Most often [`crate::ErrorKind::AddressInUse`].
    pub fn bind(&self, address: SocketAddr) -> Result<(), Error> {
        let (raw, len) = RawAddress::new(address);
        // SAFETY: `raw` holds `len` bytes of address for the length of the call.
        let result = unsafe { ffi::srt_bind(self.id.0, raw.as_ptr(), len) };
        Error::check("srt_bind", result).map(drop)
    }

    /// Begins to call a listener. On a socket whose [`BoolOption::ReceiveBlocks`] is off it
    /// returns at once; the outcome comes as a writable or an error event.
    ///
    /// # Errors
    /// When the call cannot be placed.
    pub fn connect(&self, address: SocketAddr) -> Result<(), Error> {
        let (raw, len) = RawAddress::new(address);
        // SAFETY: as in `bind`.
        let result = unsafe { ffi::srt_connect(self.id.0, raw.as_ptr(), len) };
        Error::check("srt_connect", result).map(drop)
    }

    /// Why the handshake failed.
    pub fn reject_reason(&self) -> RejectReason {
        // SAFETY: takes a number.
        RejectReason::from_code(unsafe { ffi::srt_getrejectreason(self.id.0) })
    }

    /// The peer's address; `None` unless connected.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        RawAddress::read_from(|name, len| {
            // SAFETY: `name` has `len` writable bytes; libsrt writes no more.
            unsafe { ffi::srt_getpeername(self.id.0, name, len) != ffi::SRT_ERROR }
        })
    }

    /// The local address; `None` unless bound.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        RawAddress::read_from(|name, len| {
            // SAFETY: as in `peer_addr`.
            unsafe { ffi::srt_getsockname(self.id.0, name, len) != ffi::SRT_ERROR }
        })
    }

    /// Queues one message of at most the payload size; it is copied.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WouldBlock`] when the send buffer is full, `TooLarge`,
    /// `ConnectionLost`.
    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        let len =
            c_int::try_from(message.len()).map_err(|_| Error::invalid_argument("srt_sendmsg2"))?;
        // SAFETY: `message` is readable for `len` bytes; a null control means defaults.
        let result =
            unsafe { ffi::srt_sendmsg2(self.id.0, message.as_ptr().cast(), len, null_mut()) };
        Error::check("srt_sendmsg2", result).map(drop)
    }

    /// Appends the next message to `buffer`, whose contiguous spare room must hold a whole
    /// one ([`crate::LIVE_MAX_PAYLOAD_BYTES`]): libsrt cuts off the rest. Returns its length.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WouldBlock`] when nothing is due, `ConnectionLost` once the peer
    /// is gone and all was read.
    pub fn receive(&self, buffer: &mut impl BufMut) -> Result<usize, Error> {
        let room = buffer.chunk_mut();
        let len = c_int::try_from(room.len()).unwrap_or(c_int::MAX);
        // SAFETY: `room` is writable for `len` bytes and libsrt writes no more.
        let result =
            unsafe { ffi::srt_recvmsg2(self.id.0, room.as_mut_ptr().cast(), len, null_mut()) };
        let received = Error::check("srt_recvmsg2", result)?.clamp(0, len) as usize;
        // SAFETY: libsrt has written `received` bytes, at most the room there was.
        unsafe { buffer.advance_mut(received) };
        Ok(received)
    }

    /// Bytes queued and not yet acknowledged.
    pub fn unsent_bytes(&self) -> usize {
        let (mut blocks, mut bytes) = (0, 0);
        // SAFETY: both places are writable for the length of the call.
        let result = unsafe { ffi::srt_getsndbuffer(self.id.0, &raw mut blocks, &raw mut bytes) };
        if result == ffi::SRT_ERROR { 0 } else { bytes }
    }

    /// The connection's figures.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn stats(&self) -> Result<Stats, Error> {
        let mut raw = MaybeUninit::<ffi::SRT_TRACEBSTATS>::zeroed();
        // SAFETY: `raw` is writable and has the layout of CBytePerfMon (1.5.0 and later,
        // which build.rs asks for; libsrt only ever adds at its end).
        let result = unsafe { ffi::srt_bistats(self.id.0, raw.as_mut_ptr(), 0, 1) };
        Error::check("srt_bistats", result)?;
        // SAFETY: all-zero is a valid value, and libsrt has overwritten it.
        Ok(Stats::from(unsafe { raw.assume_init_ref() }))
    }

    /// Sets a flag.
    ///
    /// # Errors
    /// When libsrt refuses the value or the moment.
    pub fn set_bool(&self, option: BoolOption, value: bool) -> Result<(), Error> {
        self.set(option.code(), &[u8::from(value)])
    }

    /// Sets a number.
    ///
    /// # Errors
    /// When libsrt refuses the value or the moment.
    pub fn set_int(&self, option: IntOption, value: i32) -> Result<(), Error> {
        self.set(option.code(), &value.to_ne_bytes())
    }

    /// Sets a 64-bit number.
    ///
    /// # Errors
    /// When libsrt refuses the value or the moment.
    pub fn set_wide(&self, option: WideOption, value: i64) -> Result<(), Error> {
        self.set(option.code(), &value.to_ne_bytes())
    }

    /// Sets a text.
    ///
    /// # Errors
    /// When libsrt refuses the value (most often its length) or the moment.
    pub fn set_text(&self, option: TextOption, value: &[u8]) -> Result<(), Error> {
        self.set(option.code(), value)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn int(&self, option: IntOption) -> Result<i32, Error> {
        let mut value = 0_i32;
        let mut len = size_of::<i32>() as c_int;
        // SAFETY: `value` is writable for `len` bytes.
        let result = unsafe {
            let place = (&raw mut value).cast::<c_void>();
            ffi::srt_getsockflag(self.id.0, option.code(), place, &raw mut len)
        };
        Error::check("srt_getsockflag", result).map(|_| value)
    }

    fn set(&self, option: c_int, value: &[u8]) -> Result<(), Error> {
        set_option(self.id, option, value)
    }
}

/// Sets an option of a socket that libsrt owns or that is owned elsewhere.
pub(crate) fn set_option(id: SocketId, option: c_int, value: &[u8]) -> Result<(), Error> {
    let len =
        c_int::try_from(value.len()).map_err(|_| Error::invalid_argument("srt_setsockflag"))?;
    // SAFETY: `value` is readable for `len` bytes; libsrt checks `len` against the option's
    // type, and copies.
    let result = unsafe { ffi::srt_setsockflag(id.0, option, value.as_ptr().cast(), len) };
    Error::check("srt_setsockflag", result).map(drop)
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: takes a number; one that libsrt has closed by itself is only an error.
        let _ = unsafe { ffi::srt_close(self.id.0) };
    }
}
