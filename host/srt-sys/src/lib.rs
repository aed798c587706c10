//! The thirty functions of libsrt that Pointsman calls, and a safe face for them.
//!
//! All `unsafe` of the SRT gateway is in this crate. [`ffi`] declares the C functions by
//! hand (`srt.h` of libsrt 1.5); the other modules own sockets and epoll sets, turn error
//! codes into [`Error`], and let no panic cross into C.
//!
//! libsrt's functions may be called from any thread and look their socket up by number
//! under the library's own lock, so a closed or foreign number is an error, not a fault.

#![allow(
    unsafe_code,
    reason = "this crate is the FFI layer; each block says why it is sound"
)]

mod address;
mod epoll;
mod error;
pub mod ffi;
mod library;
mod listener;
mod option;
mod reject;
mod socket;
mod stats;

pub use epoll::{Epoll, Event, Events};
pub use error::{Error, ErrorKind};
pub use library::{Library, LogHandler, Severity};
pub use listener::{Decision, Handshake, Listener};
pub use option::{BoolOption, IntOption, TextOption, WideOption};
pub use reject::RejectReason;
pub use socket::{Socket, SocketId, SocketState};
pub use stats::Stats;

/// Payload of a live-mode message unless set otherwise: seven TS packets (`SRT_LIVE_DEF_PLSIZE`).
pub const LIVE_DEFAULT_PAYLOAD_BYTES: usize = 1316;
/// Largest payload of a live-mode message (`SRT_LIVE_MAX_PLSIZE`).
pub const LIVE_MAX_PAYLOAD_BYTES: usize = 1456;
/// Largest stream id that a handshake carries (`CSrtConfig::MAX_SID_LENGTH`).
pub const MAX_STREAM_ID_BYTES: usize = 512;
