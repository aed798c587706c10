//! The way of a change: checked against the document in force, kept, and only then made true.
//!
//! One at a time. The actor checks and makes true, without waiting for a disk in between: while
//! a change is being kept it goes on with its streams. A change that cannot be kept is not made.

use crate::desired::Touched;
use crate::error::ControlError;
use crate::health::Lack;
use model::Site;
use model::audit::Entry;
use serde::Serialize;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use tokio::sync::Mutex;

/// What keeps the document over restarts.
pub trait Archive: Send + Sync {
    /// Replaces what is kept, and writes the lines of the log: both, or neither. Answers once it
    /// would outlive this process. On failure what was kept before is kept still, and the error
    /// says what to do.
    fn keep<'a>(
        &'a self,
        site: &'a Site,
        log: &'a [Entry],
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

    /// What is known against it now; none: it works. Does not wait.
    fn lack(&self) -> Option<Lack> {
        None
    }
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The document with the change, allotted ports filled in.
    pub site: Site,
    /// Every item that differs.
    pub touched: Vec<Touched>,
}

/// Changes waiting for their turn, and where they are kept.
pub(crate) struct Changes {
    pub(crate) archive: Option<Arc<dyn Archive>>,
    /// Held from the check until a change is true, or refused.
    pub(crate) turn: Mutex<()>,
}

impl Changes {
    pub(crate) fn new(archive: Option<Arc<dyn Archive>>) -> Self {
        Self {
            archive,
            turn: Mutex::new(()),
        }
    }

    pub(crate) async fn keep(&self, site: &Site, log: &[Entry]) -> Result<(), ControlError> {
        match &self.archive {
            Some(archive) => archive.keep(site, log).await.map_err(ControlError::NotKept),
            None => Ok(()),
        }
    }
}

/// Tells two states of a resource apart (the strong entity tag of RFC 9110 §8.8.3). Good for the
/// life of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(u64);

impl Tag {
    /// The tag of what has this JSON form. The hash has a secret key, so that a tag tells nothing
    /// of the passphrases in what it was made of.
    pub fn of(resource: &impl Serialize) -> Self {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        let mut hasher = Hashing(KEY.get_or_init(RandomState::new).build_hasher());
        match serde_json::to_writer(&mut hasher, resource) {
            Ok(()) => Self(hasher.0.finish()),
            // The nouns of the model always have a JSON form.
            Err(_) => Self(0),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{:016x}\"", self.0)
    }
}

struct Hashing<H>(H);

impl<H: Hasher> io::Write for Hashing<H> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Under which condition a change is made (`If-Match`, RFC 9110 §13.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    #[default]
    Anything,
    /// Only while the resource still has one of these tags.
    OneOf(Vec<Tag>),
}

impl Expect {
    /// Compares with the resource as it is now.
    ///
    /// # Errors
    /// Somebody else changed it.
    pub(crate) fn holds_for(
        &self,
        what: impl FnOnce() -> String,
        resource: &impl Serialize,
    ) -> Result<(), ControlError> {
        match self {
            Self::OneOf(tags) if !tags.contains(&Tag::of(resource)) => {
                Err(ControlError::ChangedMeanwhile(what()))
            }
            _ => Ok(()),
        }
    }
}

/// The value of an `If-Match` header is no list of entity tags of this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("If-Match takes * or the ETag of an earlier answer, quotes included")]
pub struct BadTag;

impl FromStr for Expect {
    type Err = BadTag;

    /// A tag that this host never gave is one that matches nothing.
    fn from_str(text: &str) -> Result<Self, BadTag> {
        if text.trim() == "*" {
            return Ok(Self::Anything);
        }
        let mut tags = Vec::new();
        for tag in text.split(',') {
            let quoted = tag.trim();
            let inner = quoted
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            let inner = inner.ok_or(BadTag)?;
            tags.extend(u64::from_str_radix(inner, 16).ok().map(Tag));
        }
        Ok(Self::OneOf(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_goes_through_a_header_and_back() {
        let tag = Tag::of(&["live/cam1"]);
        assert_ne!(tag, Tag::of(&["live/cam2"]));
        let list = format!("\"0\", {tag}");
        assert_eq!(list.parse(), Ok(Expect::OneOf(vec![Tag(0), tag])));
        assert_eq!("*".parse(), Ok(Expect::Anything));
        assert_eq!("\"foreign\"".parse(), Ok(Expect::OneOf(vec![])));
        for bad in ["", "unquoted", "\"half"] {
            assert_eq!(bad.parse::<Expect>(), Err(BadTag), "{bad}");
        }
    }

    #[test]
    fn an_expectation_holds_for_what_it_was_made_of() {
        let expect = Expect::OneOf(vec![Tag::of(&"was")]);
        assert!(expect.holds_for(String::new, &"was").is_ok());
        assert!(expect.holds_for(String::new, &"is").is_err());
        assert!(Expect::Anything.holds_for(String::new, &"is").is_ok());
    }
}
