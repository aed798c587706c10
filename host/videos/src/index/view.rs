//! How videos are shown.

use super::Entry;
use crate::http::path_of;
use crate::probe::About;
use serde::Serialize;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// What is known of a file.
#[derive(Debug, Clone)]
pub enum State {
    /// It is being written.
    Changing,
    /// FFmpeg has not looked at it yet.
    Waiting,
    /// It can be played.
    Ready(Arc<About>),
    /// It cannot, and why.
    Unfit(String),
}

/// One video.
#[derive(Debug, Clone, Serialize)]
pub struct Video {
    /// Its path below the media folder, as a file input names it.
    pub name: String,
    /// What it was called where it came from; of uploads only.
    pub title: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// When it was last written to, milliseconds since 1970.
    pub modified_unix_ms: u64,
    /// `ready`; `changing` while it is written to, `waiting` until FFmpeg has looked at it, `unfit`
    /// if it cannot be played.
    pub state: &'static str,
    /// Why it cannot be played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What it is, once it is ready.
    #[serde(flatten)]
    pub about: Option<Arc<About>>,
    /// Where its picture is, once it is ready.
    pub thumbnail: Option<String>,
}

/// Some videos, by name.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    /// By name.
    pub videos: Vec<Video>,
    /// Ask with `after` for those that follow; none: these are the last.
    pub next: Option<String>,
    /// How many there are.
    pub total: usize,
    /// How many are in the folder beside these: beyond the most that are listed, or under names
    /// that no input could say.
    pub left_out: usize,
    /// False until the folder was looked through for the first time.
    pub complete: bool,
}

impl Video {
    pub(crate) fn of(name: &str, entry: &Entry) -> Self {
        let modified = entry.stamp.modified.duration_since(UNIX_EPOCH);
        let modified = modified.unwrap_or_default().as_millis();
        let (state, about, problem) = match &entry.state {
            State::Changing => ("changing", None, None),
            State::Waiting => ("waiting", None, None),
            State::Ready(about) => ("ready", Some(about.clone()), None),
            State::Unfit(why) => ("unfit", None, Some(why.clone())),
        };
        Self {
            name: name.to_owned(),
            title: entry.title.clone(),
            bytes: entry.stamp.bytes,
            modified_unix_ms: u64::try_from(modified).unwrap_or(u64::MAX),
            state,
            problem,
            thumbnail: about
                .as_ref()
                .map(|_| format!("{}/thumbnail.jpg", path_of(name))),
            about,
        }
    }
}
