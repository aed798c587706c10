//! libsrt's error codes.

use crate::ffi;
use libc::c_int;
use std::ffi::CStr;
use std::fmt;

/// What a failed call means for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing to read, or no room to write, for now.
    WouldBlock,
    /// The connection was up and is no more.
    ConnectionLost,
    /// The peer answered the handshake with a no; see the socket's reject reason.
    Rejected,
    /// No answer within the time allowed.
    TimedOut,
    /// Another socket has the address.
    AddressInUse,
    /// A message beyond the payload size.
    TooLarge,
    /// An argument outside its range.
    InvalidArgument,
    /// Anything else.
    Other,
}

/// A libsrt call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {}", Self::text(*.code, *.errno))]
pub struct Error {
    call: &'static str,
    code: c_int,
    errno: c_int,
}

impl Error {
    /// The system has no thread left for the caller's own use of the library.
    pub const OUT_OF_THREADS: Self = Self {
        call: "thread",
        code: ffi::SRT_ETHREAD,
        errno: libc::EAGAIN,
    };

    /// Takes the calling thread's last libsrt error.
    pub(crate) fn last(call: &'static str) -> Self {
        let mut errno = 0;
        // SAFETY: `errno` outlives the call, which only writes one int to it.
        let code = unsafe { ffi::srt_getlasterror(&raw mut errno) };
        Self { call, code, errno }
    }

    /// An argument refused before libsrt saw it.
    pub(crate) const fn invalid_argument(call: &'static str) -> Self {
        Self {
            call,
            code: ffi::SRT_EINVPARAM,
            errno: 0,
        }
    }

    /// Turns a C result into a Rust one.
    pub(crate) fn check(call: &'static str, result: c_int) -> Result<c_int, Self> {
        if result == ffi::SRT_ERROR {
            Err(Self::last(call))
        } else {
            Ok(result)
        }
    }

    /// `SRT_ERRNO`.
    pub const fn code(&self) -> i32 {
        self.code
    }

    /// What it means for the caller.
    pub const fn kind(&self) -> ErrorKind {
        match self.code {
            ffi::SRT_EASYNCFAIL
            | ffi::SRT_EASYNCSND
            | ffi::SRT_EASYNCRCV
            | ffi::SRT_ETIMEOUT
            | ffi::SRT_ECONGEST => ErrorKind::WouldBlock,
            ffi::SRT_ECONNLOST
            | ffi::SRT_ENOCONN
            | ffi::SRT_EINVSOCK
            | ffi::SRT_ESCLOSED
            | ffi::SRT_ECONNFAIL => ErrorKind::ConnectionLost,
            ffi::SRT_ECONNREJ | ffi::SRT_ESECFAIL => ErrorKind::Rejected,
            ffi::SRT_ENOSERVER => ErrorKind::TimedOut,
            ffi::SRT_EDUPLISTEN | ffi::SRT_EBINDCONFLICT => ErrorKind::AddressInUse,
            // Live mode calls an overlong message a misuse of the message API (core.cpp, sendmsg2).
            ffi::SRT_ELARGEMSG | ffi::SRT_EINVALMSGAPI => ErrorKind::TooLarge,
            ffi::SRT_EINVPARAM => ErrorKind::InvalidArgument,
            _ if self.errno == libc::EADDRINUSE => ErrorKind::AddressInUse,
            _ => ErrorKind::Other,
        }
    }

    fn text(code: c_int, errno: c_int) -> impl fmt::Display {
        // SAFETY: srt_strerror returns a NUL-terminated string in thread-local storage
        // (or null), which is copied before this thread can call it again.
        let text = unsafe {
            let pointer = ffi::srt_strerror(code, errno);
            if pointer.is_null() {
                return format!("error {code}");
            }
            CStr::from_ptr(pointer).to_string_lossy().into_owned()
        };
        // libsrt ends its messages with a full stop and sometimes a line break.
        text.trim_end_matches(['.', '\n', ' ']).to_owned()
    }
}
