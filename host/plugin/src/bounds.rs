//! Bounds on what a guest answers, named in the WIT files. An answer that goes beyond is refused whole.

use crate::call::CallError;
use crate::{auth, layout, routing, selection};
use model::Answer;
use model::routing::Attributes;
use std::collections::BTreeSet;

/// Parameters, labels or attributes in one list.
pub const MAX_PAIRS: usize = 64;
/// Bytes of a name.
pub const MAX_NAME_BYTES: usize = 128;
/// Bytes of a URL.
pub const MAX_URL_BYTES: usize = 2_048;
/// Bytes of other texts.
pub const MAX_TEXT_BYTES: usize = 1_024;

/// Whether something keeps within its bounds.
pub(crate) type Checked = Result<(), CallError>;

/// Whether an answer keeps within the bounds of its kind.
pub(crate) fn check(answer: &Answer) -> Checked {
    match answer {
        Answer::Routing(plan) => routing::check(plan),
        Answer::Selection(clip) => selection::check(clip),
        Answer::Layout(arrangement) => layout::check(arrangement),
        Answer::Auth(verdict) => auth::check(verdict),
    }
}

pub(crate) fn refuse(why: impl Into<String>) -> Checked {
    Err(CallError::BadResult(why.into()))
}

pub(crate) fn most(what: &str, count: usize, limit: usize) -> Checked {
    if count <= limit {
        return Ok(());
    }
    refuse(format!("{count} {what}, at most {limit} are taken"))
}

pub(crate) fn text(what: &str, text: &str, limit: usize) -> Checked {
    let len = text.len();
    if len <= limit {
        return Ok(());
    }
    refuse(format!("{what} has {len} bytes, at most {limit} are taken"))
}

pub(crate) fn optional(what: &str, value: Option<&str>, limit: usize) -> Checked {
    value.map_or(Ok(()), |value| text(what, value, limit))
}

pub(crate) fn each(what: &str, texts: &[String], count: usize, limit: usize) -> Checked {
    most(what, texts.len(), count)?;
    texts.iter().try_for_each(|it| text(what, it, limit))
}

pub(crate) fn pairs(what: &str, pairs: &Attributes) -> Checked {
    most(what, pairs.len(), MAX_PAIRS)?;
    for (key, value) in pairs {
        text(what, key, MAX_TEXT_BYTES)?;
        text(what, value, MAX_TEXT_BYTES)?;
    }
    Ok(())
}

/// Names that tell things apart.
pub(crate) fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return refuse(format!(
                "{what} {name:?} is empty or there twice: each must be unique"
            ));
        }
    }
    Ok(())
}
