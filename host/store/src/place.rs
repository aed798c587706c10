//! Where the database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use url::Url;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// SQLite, in this file; made if missing.
    File(PathBuf),
    /// PostgreSQL. The database has to be there; its tables are made.
    Server(ServerUrl),
}

impl Place {
    /// As sqlx has it.
    pub(crate) fn url(&self) -> Result<Url, sqlx::Error> {
        match self {
            Self::Server(server) => Ok(server.0.clone()),
            Self::File(path) => file_url(path),
        }
    }

    pub(crate) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Never with a password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

/// The URL of a PostgreSQL database. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// Not the URL of a PostgreSQL database. It does not repeat the text, which has a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database is postgres://USER:PASSWORD@HOST:PORT/NAME, with %XX for special characters")]
pub struct BadServerUrl;

impl FromStr for ServerUrl {
    type Err = BadServerUrl;

    fn from_str(text: &str) -> Result<Self, BadServerUrl> {
        let url = Url::parse(text).map_err(|_| BadServerUrl)?;
        let known = matches!(url.scheme(), "postgres" | "postgresql");
        if known {
            Ok(Self(url))
        } else {
            Err(BadServerUrl)
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            // Refused only where there is no host, and then there is no password either.
            let _ = url.set_password(Some("***"));
        }
        if url.query().is_some() {
            let shown = |key: &str| matches!(key, "host" | "port" | "dbname" | "user" | "sslmode");
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            let pairs = pairs.into_iter().map(|(key, value)| match shown(&key) {
                true => (key, value),
                false => (key, "***".to_owned()),
            });
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        url.fmt(f)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

/// `sqlite:///absolute/path?mode=rwc`, every special character escaped.
fn file_url(path: &Path) -> Result<Url, sqlx::Error> {
    let path = std::path::absolute(path)?;
    let mut text = "sqlite://".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' => text.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => text.push(byte.into()),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text.push_str("?mode=rwc");
    Url::parse(&text).map_err(|error| sqlx::Error::Configuration(error.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://me:secret@db.example:5432/pointsman",
            "postgresql:///pointsman?host=/run/postgresql&user=me&password=secret",
        ] {
            let url: ServerUrl = text.parse().unwrap();
            let shown = format!("{url} {url:?} {:?}", Place::Server(url.clone()));
            assert!(!shown.contains("secret"), "{shown}");
            assert!(
                shown.contains("pointsman") && shown.contains("***"),
                "{shown}"
            );
        }
        let refused = "mysql://me:secret@db/x".parse::<ServerUrl>().unwrap_err();
        assert!(!refused.to_string().contains("secret"));
    }

    #[test]
    fn a_file_of_any_name_has_a_url() {
        let url = file_url(Path::new("/var/lib/a b?c%41#d/é.db")).unwrap();
        let text = url.as_str();
        assert_eq!(
            text,
            "sqlite:///var/lib/a%20b%3Fc%2541%23d/%C3%A9.db?mode=rwc"
        );
    }
}
