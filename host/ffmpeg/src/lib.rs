//! FFmpeg as supervised child processes: arguments without a shell, media through pipes, an end
//! for certain.

mod error;
mod process;
mod run;
mod sys;

pub use error::Error;
pub use process::{Ffmpeg, QUIET, check_ffmpeg, words};
pub use run::{Bounds, FORMATS, Tool, run};
