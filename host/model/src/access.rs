//! Who asks, and what they may do.

use crate::{Label, StreamName, StreamPattern};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What somebody may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Change inputs and outputs.
    Operator,
    /// Change everything: policies, plugins, who else may do what.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The name used in the API, the config and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this role is not known; there are viewer, operator and admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or(UnknownRole)
    }
}

/// Somebody who asks for something, as the doors of this host know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// `local`, `key NAME`, `user NAME`; for the log of changes.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The tenant they belong to; none: the whole host is theirs.
    pub tenant: Option<Label>,
    /// The only streams they have to do with; none: all of their tenant's.
    pub streams: Option<StreamPattern>,
    /// Where they call from, if they do.
    pub peer: Option<IpAddr>,
}

impl Who {
    /// Whoever works on this machine itself: an admin named `local`.
    pub fn local() -> Self {
        Self::admin("local")
    }

    /// The host itself, which does what it was told earlier: an admin named `host`.
    pub fn host() -> Self {
        Self::admin("host")
    }

    fn admin(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: Role::Admin,
            tenant: None,
            streams: None,
            peer: None,
        }
    }

    /// Whether a stream or input of this name exists for them: those of a tenant are below
    /// `TENANT/`.
    pub fn sees(&self, stream: &StreamName) -> bool {
        let below = |tenant: &Label| {
            let rest = stream.as_str().strip_prefix(tenant.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let fits = |pattern: &StreamPattern| pattern.matches(stream.as_str());
        self.tenant.as_ref().is_none_or(below) && self.streams.as_ref().is_none_or(fits)
    }

    /// Whether they see everything, what belongs to no stream included.
    pub const fn sees_the_host(&self) -> bool {
        self.tenant.is_none() && self.streams.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_sees_what_is_below_its_name_and_no_more() {
        let mut who = Who::local();
        let sees = |who: &Who, name: &str| who.sees(&name.parse().unwrap());
        assert!(sees(&who, "acme/cam1") && who.sees_the_host());
        who.tenant = Some("acme".parse().unwrap());
        assert!(sees(&who, "acme/cam1") && sees(&who, "acme/a/b"));
        for foreign in ["acme", "acmeX/cam1", "other/acme/cam1"] {
            assert!(!sees(&who, foreign), "{foreign}");
        }
        assert!(!who.sees_the_host());
        who.streams = Some("acme/cam*".parse().unwrap());
        assert!(sees(&who, "acme/cam1") && !sees(&who, "acme/mic1"));
        who.streams = Some("*".parse().unwrap());
        assert!(!sees(&who, "other/cam1"));
    }

    #[test]
    fn roles_go_up_and_have_the_names_they_are_read_by() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }
}
