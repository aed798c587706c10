//! FFmpeg as supervised child processes: arguments without a shell, media through pipes, an end
//! for certain.
//!
//! A [`Job`] says what a child is for and makes its pipes; started, it is an [`Ffmpeg`], which is
//! watched until it ends and listed in the [`Census`] meanwhile. Why it ended is a [`Trouble`].
//! Whether it is started again is for whoever wants what it makes to say.

mod census;
mod error;
mod job;
mod pipe;
mod process;
mod progress;
mod run;
mod stat;
mod sys;
mod trouble;
mod vitals;
mod watch;

pub use census::{Census, Running};
pub use error::Error;
pub use job::Job;
pub use pipe::{Input, Output};
pub use process::{Ffmpeg, QUIET, check_ffmpeg, words};
pub use progress::Progress;
pub use run::{Bounds, FORMATS, Tool, run};
pub use trouble::Trouble;
