//! Who is known to this host: keys of programs, users with passwords, and their sessions.
//!
//! None of this is part of the document that is wanted, since all of it is secret. Nothing here
//! holds a secret in the clear: of keys and sessions the SHA-256 is kept, of passwords an Argon2
//! hash.

use crate::{Label, Role, StreamPattern, Who};
use serde::{Deserialize, Serialize};

/// What somebody may do, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// What they may do.
    pub role: Role,
    /// The tenant they belong to; none: the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Label>,
    /// The only streams they have to do with; none: all of the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<StreamPattern>,
}

impl Rights {
    /// Somebody of this name who has them.
    pub fn of(&self, name: String) -> Who {
        Who {
            name,
            role: self.role,
            tenant: self.tenant.clone(),
            streams: self.streams.clone(),
            peer: None,
        }
    }
}

/// A key, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Names it in paths, and is a part of the key itself.
    pub id: String,
    /// For people; no two keys have the same.
    pub name: Label,
    /// What whoever shows it may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// When it was made, Unix milliseconds.
    pub created_unix_ms: u64,
    /// From when on it is refused, Unix milliseconds; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_unix_ms: Option<u64>,
    /// Refused until it is enabled again.
    #[serde(default)]
    pub disabled: bool,
    /// SHA-256 of the whole key, hexadecimal.
    pub sha256: String,
}

/// A person, who logs in with a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What they log in with.
    pub name: Label,
    /// What they may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// When they were added, Unix milliseconds.
    pub created_unix_ms: u64,
    /// Cannot log in, and has no sessions.
    #[serde(default)]
    pub disabled: bool,
    /// Argon2 hash of the password, as a PHC string.
    pub password: String,
}

/// Without the hash, which is worth guessing at.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("rights", &self.rights)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// A user who is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// SHA-256 of what the cookie holds, hexadecimal.
    pub sha256: String,
    /// Whose it is.
    pub user: Label,
    /// When they logged in, Unix milliseconds.
    pub created_unix_ms: u64,
}

/// An account, and when it was used last, Unix milliseconds, as far as that was written.
pub type Kept = (Account, Option<u64>);

/// What an [`Account`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A [`Key`].
    Key,
    /// A [`User`].
    User,
    /// A [`Session`].
    Session,
}

impl Kind {
    /// The name it is kept under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Session => "session",
        }
    }
}

/// Something that is kept of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A key.
    Key(Key),
    /// A user.
    User(User),
    /// A session.
    Session(Session),
}

impl Account {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Key(_) => Kind::Key,
            Self::User(_) => Kind::User,
            Self::Session(_) => Kind::Session,
        }
    }

    /// Unique among those of its kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Key(key) => &key.id,
            Self::User(user) => user.name.as_str(),
            Self::Session(session) => &session.sha256,
        }
    }

    /// As it is kept.
    ///
    /// # Errors
    /// None that can happen: these nouns always have a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Key(key) => serde_json::to_string(key),
            Self::User(user) => serde_json::to_string(user),
            Self::Session(session) => serde_json::to_string(session),
        }
    }

    /// As it was kept; none for a kind that this version does not know.
    ///
    /// # Errors
    /// It was written by another version.
    pub fn from_json(kind: &str, json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match kind {
            "key" => Self::Key(serde_json::from_str(json)?),
            "user" => Self::User(serde_json::from_str(json)?),
            "session" => Self::Session(serde_json::from_str(json)?),
            _ => return Ok(None),
        }))
    }
}

/// One change of what is kept; several are made together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new, or differs.
    Put(Account),
    /// It is gone; one that is not there is no failure.
    Remove(Kind, String),
    /// It was used at this time, Unix milliseconds.
    Used(Kind, String, u64),
}
