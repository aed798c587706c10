//! Who asks: Basic (RFC 7617) and Digest (RFC 7616), as server and as client.
//!
//! Of Basic a server sees the password, and can ask anybody about it. Of Digest it sees a hash,
//! and has to know the password itself.

mod challenge;
mod digest;
mod server;

pub use challenge::Challenge;
pub use digest::{Algorithm, Answer};
pub use server::{Guard, Verdict};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fmt;

/// A user and the password that goes with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name, without a colon.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// Without what is secret.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What an `Authorization` header shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A user and its password.
    Basic(Account),
    /// A token, without a user.
    Bearer(String),
    /// Knowledge of a password.
    Digest(Answer),
}

impl Shown {
    /// Reads an `Authorization` header; `None` if it says nothing that is understood here.
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => {
                let decoded = BASE64_STANDARD.decode(rest.trim()).ok()?;
                let text = String::from_utf8(decoded).ok()?;
                let (user, password) = text.split_once(':')?;
                Some(Self::Basic(Account {
                    user: user.to_owned(),
                    password: password.to_owned(),
                }))
            }
            "bearer" => Some(Self::Bearer(rest.trim().to_owned())),
            "digest" => Answer::parse(rest).map(Self::Digest),
            _ => None,
        }
    }
}

/// The `Authorization` header of Basic.
fn basic(account: &Account) -> String {
    let text = format!("{}:{}", account.user, account.password);
    format!("Basic {}", BASE64_STANDARD.encode(text))
}

/// Splits a list of `key=value` at its commas, but not within quotes.
fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

/// `key="value"` or `key=value`.
fn pair(item: &str) -> Option<(String, String)> {
    let (key, value) = item.split_once('=')?;
    let value = value.trim().trim_matches('"');
    Some((key.trim().to_ascii_lowercase(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_and_bearer_are_read_and_garbage_shows_nothing() {
        let account = Account {
            user: "joe".into(),
            password: "p:w".into(),
        };
        assert_eq!(Shown::parse(&basic(&account)), Some(Shown::Basic(account)));
        let bearer = Shown::Bearer("t.o.k".into());
        assert_eq!(Shown::parse("bearer  t.o.k "), Some(bearer));
        for garbage in [
            "",
            "Basic",
            "Basic ???",
            "Basic am9l",
            "Digest x",
            "Foo bar",
        ] {
            assert_eq!(Shown::parse(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn lists_are_split_outside_of_quotes() {
        let items: Vec<_> = split_list(r#"a="1, 2" , b=3,,"#).collect();
        assert_eq!(items, [r#"a="1, 2""#, "b=3"]);
    }
}
