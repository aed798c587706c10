//! Why somebody is not let in, or what is known of them not changed.

use super::secret::NoRandomness;
use crate::desired::Faults;
use model::Label;
use std::time::Duration;

/// Every way a call of [`super::Access`] can fail. [`AccessError::code`] is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Fields are at fault; nothing is changed.
    #[error("nothing is changed: {0}")]
    Invalid(Faults),
    /// No such key.
    #[error("no key has the id or name {0}")]
    UnknownKey(String),
    /// No such user.
    #[error("no user is called {0}")]
    UnknownUser(Label),
    /// Two of a kind cannot have the same name.
    #[error("there is a {what} {name} already; choose another name")]
    NameTaken {
        /// `key` or `user`.
        what: &'static str,
        /// The name.
        name: Label,
    },
    /// More than is kept.
    #[error("there are {limit} {what} already; remove one first")]
    TooMany {
        /// `keys` or `users`.
        what: &'static str,
        /// How many there can be.
        limit: usize,
    },
    /// Nobody could change anything any more.
    #[error(
        "there would be no admin of the whole host any more, but others; once there is a key or \
         a user, whoever shows nothing is refused: add an admin without tenant and streams first"
    )]
    NoAdminLeft,
    /// Name or password do not fit; which of them is not told.
    #[error("the name or the password is wrong")]
    WrongLogin,
    /// Too many attempts failed.
    #[error("too many attempts failed; try again in {} s", .0.as_secs().max(1))]
    TooSoon(Duration),
    /// Too many passwords are being checked.
    #[error("too many log in at this moment; try again in a few seconds")]
    Busy,
    /// The change cannot be kept over a restart, so it is not made.
    #[error("the change is not made, because it cannot be kept: {0}")]
    NotKept(String),
    /// The database could not be read since the start.
    #[error("who may do what has not been read from the database yet; the log says why")]
    NotRead,
    /// The system has no randomness to give.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// A fault of this host.
    #[error("{0}")]
    Broken(String),
}

impl AccessError {
    /// Stable short name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-document",
            Self::UnknownKey(_) => "unknown-key",
            Self::UnknownUser(_) => "unknown-user",
            Self::NameTaken { .. } => "name-taken",
            Self::TooMany { .. } => "too-many",
            Self::NoAdminLeft => "no-admin-left",
            Self::WrongLogin => "wrong-login",
            Self::TooSoon(_) => "too-soon",
            Self::Busy => "busy",
            Self::NotKept(_) => "not-kept",
            Self::NotRead => "not-read",
            Self::NoRandomness(_) | Self::Broken(_) => "internal",
        }
    }
}
