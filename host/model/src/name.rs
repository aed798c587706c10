//! Names that come from outside, checked once at the border.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest stream name, in bytes. SRT carries at most 512 bytes of stream id
/// (libsrt `SRTO_STREAMID`), which must hold a name and its keys.
pub const MAX_NAME_BYTES: usize = 200;

/// Why a name was refused. Never repeats more than the start of what was given, since
/// names arrive from strangers and end up in logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing was given.
    #[error("the name is empty; give 1 to {MAX_NAME_BYTES} characters, for example live/cam1")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("the name has {len} bytes; at most {MAX_NAME_BYTES} are allowed")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// A character that would need escaping in some URL, playlist or file name.
    #[error(
        "the name has {found:?} at byte {at}; use letters, digits and _ - . @ with / between parts"
    )]
    BadCharacter {
        /// The character.
        found: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// A part between slashes is empty, `.` or `..`.
    #[error("the name has an empty, '.' or '..' part; parts between slashes need a name each")]
    BadPart,
}

/// A stream's name, such as `live/cam1`: parts of `[A-Za-z0-9_.@-]` joined by `/`.
///
/// Safe to put into any URL path, playlist, log line and SRT stream id as it is.
/// Cloning is a reference count.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(Arc<str>);

/// The name of an output, source or screen within its parent: one part of a [`StreamName`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(Arc<str>);

fn check_part_characters(text: &str, slash: bool) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong { len: text.len() });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c) || (slash && c == '/');
    match text.char_indices().find(|&(_, c)| !allowed(c)) {
        Some((at, found)) => Err(NameError::BadCharacter { found, at }),
        None if text.split('/').any(|part| matches!(part, "" | "." | "..")) => {
            Err(NameError::BadPart)
        }
        None => Ok(()),
    }
}

macro_rules! checked_text {
    ($name:ident, slash: $slash:literal) => {
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check_part_characters(text, $slash)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

checked_text!(StreamName, slash: true);
checked_text!(Label, slash: false);

/// A pattern over stream names: a name in which `*` stands for any run of characters,
/// slashes included.
///
/// Where several patterns match, the one with the most literal characters wins
/// ([`StreamPattern::specificity`]); of equals, the first in the list.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamPattern(String);

impl StreamPattern {
    /// The pattern that matches every name.
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many characters are literal; an exact name beats any pattern of its length.
    pub fn specificity(&self) -> usize {
        let stars = self.0.matches('*').count();
        (self.0.len() - stars) * 2 + usize::from(stars == 0)
    }

    /// Whether the whole name fits the pattern.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        true
    }
}

impl FromStr for StreamPattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_part_characters(&text.replace('*', "x"), true)?;
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for StreamPattern {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<StreamPattern> for String {
    fn from(pattern: StreamPattern) -> Self {
        pattern.0
    }
}

impl fmt::Debug for StreamPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Display for StreamPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_characters_that_need_no_escaping() {
        for good in ["demo", "live/cam1", "a.b@720p", "x_y-z/1"] {
            assert!(good.parse::<StreamName>().is_ok(), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "../x", "a/./b", "a b", "é", "a?b", "a\nb",
        ] {
            assert!(bad.parse::<StreamName>().is_err(), "{bad:?}");
        }
        assert!("a/b".parse::<Label>().is_err());
        let long = "a".repeat(10_000_000);
        assert_eq!(
            long.parse::<StreamName>(),
            Err(NameError::TooLong { len: 10_000_000 })
        );
    }

    #[test]
    fn a_pattern_matches_whole_names_only() {
        let cases = [
            ("*", "live/cam1", true),
            ("live/*", "live/cam1", true),
            ("live/*", "live", false),
            ("live/cam1", "live/cam12", false),
            ("*/cam*", "live/cam12", true),
            ("*cam", "live/cam12", false),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
        ];
        for (pattern, name, expected) in cases {
            let pattern: StreamPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn the_more_literal_pattern_is_more_specific() {
        let order = ["*", "live/*", "live/cam*", "live/cam1"];
        let of = |p: &str| p.parse::<StreamPattern>().unwrap().specificity();
        assert!(order.windows(2).all(|pair| of(pair[0]) < of(pair[1])));
    }
}
