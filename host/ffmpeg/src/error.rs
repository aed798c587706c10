//! Why there is no FFmpeg, or none any more.

use crate::Trouble;
use std::io;

/// Why there is no FFmpeg, or none any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not there, or the system starts no more processes.
    #[error("cannot start ffmpeg (is it installed? apt-get install ffmpeg): {0}")]
    Start(#[source] io::Error),
    /// The system gives no more pipes.
    #[error("cannot make a pipe for ffmpeg: {0}; raise the limit of open files")]
    Pipe(#[source] io::Error),
    /// As many run as may.
    #[error("{limit} ffmpeg run already; stop some of what they are for")]
    TooMany {
        /// How many may.
        limit: usize,
    },
    /// It was started without a pipe that is asked for, or the pipe was taken already.
    #[error("ffmpeg has no pipe for its {0}")]
    NoPipe(&'static str),
    /// It ended, and said this last.
    #[error("{trouble}{}", said(words))]
    Ended {
        /// What kind of end it was.
        trouble: Trouble,
        /// Its last lines, in one.
        words: String,
    },
    /// It was given so long, and ended.
    #[error("{program} was not done within {seconds} s")]
    TooLong {
        /// Which of the two.
        program: &'static str,
        /// What it was given.
        seconds: u64,
    },
    /// It says more than anybody wants to hear, and was ended.
    #[error("{program} made more than {bytes} bytes")]
    TooMuch {
        /// Which of the two.
        program: &'static str,
        /// What it was given.
        bytes: usize,
    },
}

impl Error {
    /// What kind of end it was, if it ever ran.
    pub const fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Ended { trouble, .. } => Some(*trouble),
            _ => None,
        }
    }
}

fn said(words: &str) -> String {
    match words.is_empty() {
        true => " without a word".to_owned(),
        false => format!(": {words}"),
    }
}
