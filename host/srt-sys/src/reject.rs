//! Why a handshake ended in a no.

use std::fmt;

/// A reject reason: libsrt's own (0-16, `SRT_REJECT_REASON`), one of the access-control
/// codes (1000-1999, `access_control.h`, modelled on HTTP), or an application's (2000 up).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RejectReason(i32);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl RejectReason {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// The name libsrt's headers give it, without `SRT_REJ_` or `SRT_REJX_`.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($code => Some(stringify!($name)),)* _ => None }
            }

            const fn text(self) -> &'static str {
                match self.0 { $($code => $text,)* _ => "an unlisted reason" }
            }
        }
    };
}

reasons! {
    /// No reason was given.
    UNKNOWN = 0, "no reason given";
    /// A system call failed at the peer.
    SYSTEM = 1, "a system call failed";
    /// The peer's application said no without a code.
    PEER = 2, "the peer rejected the connection";
    /// The peer could not allocate what it needs, or refused without a code.
    RESOURCE = 3, "out of resources";
    /// The handshake was malformed.
    ROGUE = 4, "malformed handshake";
    /// Too many connections wait to be accepted.
    BACKLOG = 5, "the listener's backlog is full";
    /// Internal error of libsrt.
    IPE = 6, "internal error of libsrt";
    /// The socket is being closed.
    CLOSE = 7, "the listener is closing";
    /// The peer's SRT version is too old.
    VERSION = 8, "SRT version too old";
    /// Rendezvous cookies collided.
    RDVCOOKIE = 9, "rendezvous cookie collision";
    /// The passphrases differ.
    BADSECRET = 10, "wrong passphrase";
    /// One side encrypts and the other does not.
    UNSECURE = 11, "a passphrase is required, or none is expected";
    /// One side wants messages, the other a byte stream.
    MESSAGEAPI = 12, "message and stream mode do not match";
    /// The congestion controllers differ.
    CONGESTION = 13, "congestion controllers do not match";
    /// The packet filters differ.
    FILTER = 14, "packet filters do not match";
    /// The socket groups do not match.
    GROUP = 15, "socket groups do not match";
    /// No answer within the time allowed.
    TIMEOUT = 16, "no answer in time";
    /// Something prevents the connection that has no better code.
    FALLBACK = 1000, "refused";
    /// The stream id has a key that is not known.
    KEY_NOTSUP = 1001, "the stream id has an unsupported key";
    /// The stream id cannot be understood.
    BAD_REQUEST = 1400, "the stream id cannot be understood";
    /// The credentials do not suffice.
    UNAUTHORIZED = 1401, "authentication failed";
    /// The host is at a limit.
    OVERLOAD = 1402, "the server is at its limit";
    /// The policy forbids it.
    FORBIDDEN = 1403, "access denied";
    /// There is no such stream.
    NOTFOUND = 1404, "no such stream";
    /// The mode is not supported for this stream.
    BAD_MODE = 1405, "the mode is not supported for this stream";
    /// The parameters cannot be satisfied.
    UNACCEPTABLE = 1406, "the parameters cannot be satisfied";
    /// Someone else publishes the stream.
    CONFLICT = 1409, "the stream has a publisher already";
    /// The media type is not supported.
    NOTSUP_MEDIA = 1415, "the media type is not supported";
    /// The stream is locked.
    LOCKED = 1423, "the stream is locked";
    /// Internal error of the server.
    ISE = 1500, "internal server error";
    /// Understood, but not supported.
    UNIMPLEMENTED = 1501, "not supported by this version";
    /// The service is down.
    DOWN = 1503, "the service is down";
}

impl RejectReason {
    /// A reason by its number.
    pub const fn from_code(code: i32) -> Self {
        Self(code)
    }

    /// Its number, as sent in the handshake (less 1000).
    pub const fn code(self) -> i32 {
        self.0
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({} {name})", self.text(), self.0),
            None => write!(f, "{} ({})", self.text(), self.0),
        }
    }
}

impl fmt::Debug for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RejectReason({} {})", self.0, self.name().unwrap_or("?"))
    }
}
