//! Who may connect.

use super::{Passphrase, RejectReason};
use std::net::SocketAddr;

/// A caller in its handshake.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its address.
    pub peer: SocketAddr,
    /// As sent, at most 512 bytes; empty when there was none.
    pub stream_id: &'a [u8],
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may connect; with a passphrase, only if it has the same. Without, the listener's
    /// own holds.
    Accept {
        /// This caller's passphrase.
        passphrase: Option<Passphrase>,
    },
    /// It is told why not (codes from 1000 up).
    Reject(RejectReason),
}

/// A caller that was turned away.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// Who asked for what.
    pub request: Request<'a>,
    /// Why not.
    pub why: Why,
}

/// Why a caller was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// [`Admission::admit`] said so.
    #[error("not admitted: {0}")]
    Denied(RejectReason),
    /// More handshakes a second than [`super::ListenConfig::handshakes_per_s`].
    #[error("too many handshakes a second")]
    Flood,
    /// As many connections as [`super::ListenConfig::max_connections`].
    #[error("all connections are in use")]
    Full,
    /// Admitted, but the handshake failed: nearly always a wrong or missing passphrase.
    /// The protocol library tells the caller, and only the caller, which.
    #[error("the handshake failed after admission: wrong or missing passphrase")]
    Handshake,
}

/// Decides about callers and hears of those turned away.
///
/// Called while the handshake waits, in the thread that serves every connection of the
/// port: no method may block.
pub trait Admission: Send + Sync + 'static {
    /// Whether this caller may connect.
    fn admit(&self, request: &Request<'_>) -> Verdict;

    /// A caller was turned away, for whatever reason. May be called very often: limit logs.
    fn refused(&self, _refused: &Refused<'_>) {}
}

impl<F> Admission for F
where
    F: Fn(&Request<'_>) -> Verdict + Send + Sync + 'static,
{
    fn admit(&self, request: &Request<'_>) -> Verdict {
        self(request)
    }
}
