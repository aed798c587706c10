//! What can go wrong with a connection.

use super::RejectReason;
use std::net::SocketAddr;
use std::time::Duration;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port cannot be listened on.
    #[error("cannot listen for SRT on {local}: {why}")]
    Listen {
        /// The address wanted.
        local: SocketAddr,
        /// The library's words.
        why: String,
    },
    /// The call could not be placed.
    #[error("cannot call SRT {remote}: {why}")]
    Connect {
        /// The address called.
        remote: SocketAddr,
        /// The library's words.
        why: String,
    },
    /// The listener said no.
    #[error("SRT {remote} refused the call: {reason}")]
    Rejected {
        /// The address called.
        remote: SocketAddr,
        /// Its reason.
        reason: RejectReason,
    },
    /// Nobody answered.
    #[error("SRT {remote} did not answer within {after:?}; is a listener there, on UDP?")]
    TimedOut {
        /// The address called.
        remote: SocketAddr,
        /// The time allowed.
        after: Duration,
    },
    /// The connection has ended.
    #[error("the SRT connection with {peer} has ended")]
    Closed {
        /// Who it was with.
        peer: SocketAddr,
    },
    /// A message beyond the payload size.
    #[error("an SRT message of {len} bytes; the connection takes at most {limit}")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The connection's payload size.
        limit: usize,
    },
    /// A passphrase outside libsrt's range.
    #[error("an SRT passphrase needs 10 to 79 bytes, not {len}")]
    Passphrase {
        /// Bytes given.
        len: usize,
    },
    /// A key length that AES does not have.
    #[error("an SRT key has 16, 24 or 32 bytes, not {bytes}")]
    KeyLength {
        /// Bytes given.
        bytes: u8,
    },
    /// The library failed in a way that is nobody's doing.
    #[error("SRT: {0}")]
    Library(String),
}
