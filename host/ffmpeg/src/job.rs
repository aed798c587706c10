//! A child that is to be started.

use crate::vitals::Vitals;
use crate::watch::Rules;
use crate::{Census, Error, Ffmpeg, Input, Output};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::unix::pipe;

/// What a child is for, how it is watched, and its pipes beside the usual three.
#[derive(Debug)]
pub struct Job {
    census: Census,
    what: &'static str,
    of: String,
    rules: Rules,
    /// The child's ends of its pipes.
    ends: Vec<OwnedFd>,
    vitals: Arc<Vitals>,
}

impl Job {
    /// One of `census`; `what` it is for in a word or two, and for which stream.
    pub fn new(census: &Census, what: &'static str, of: impl Into<String>) -> Self {
        Self {
            census: census.clone(),
            what,
            of: of.into(),
            rules: Rules::default(),
            ends: Vec::new(),
            vitals: Arc::default(),
        }
    }

    /// It is killed ([`crate::Trouble::Stalled`]) when it makes nothing for so long of what it is
    /// given.
    pub fn watched(mut self, stall: Duration) -> Self {
        self.rules.stall = Some(stall);
        self
    }

    /// It is killed ([`crate::Trouble::TooSlow`]) when it is slower than real time over such a
    /// window, all of which it was waited for.
    pub fn paced(mut self, window: Duration) -> Self {
        self.rules.pace = Some(window);
        self
    }

    /// One more pipe that it reads; its name is for the arguments.
    ///
    /// # Errors
    /// The system gives no more pipes.
    pub fn input(&mut self) -> Result<Input, Error> {
        let (theirs, ours) = io::pipe().map_err(Error::Pipe)?;
        let number = theirs.as_raw_fd();
        let ours = pipe::Sender::from_owned_fd(ours.into()).map_err(Error::Pipe)?;
        self.ends.push(theirs.into());
        self.vitals.inputs.fetch_add(1, Ordering::Relaxed);
        Ok(Input::pipe(ours, number, self.vitals.clone()))
    }

    /// One more pipe that it writes; its name is for the arguments.
    ///
    /// # Errors
    /// The system gives no more pipes.
    pub fn output(&mut self) -> Result<Output, Error> {
        let vitals = self.vitals.clone();
        self.output_seen_by(vitals)
    }

    /// Starts it with these arguments. What it makes goes to its further pipes, or to `pipe:1`.
    ///
    /// # Errors
    /// FFmpeg is not there, or cannot be started; too many run.
    pub fn start<S: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
        stdin: Stdio,
    ) -> Result<Ffmpeg, Error> {
        self.census.check()?;
        // What comes through this one is no media, and no sign of life.
        let progress = self.output_seen_by(Arc::default())?;
        let told = ["-progress".to_owned(), progress.name()];
        let told = told.into_iter().chain(crate::words("-stats_period 0.5"));
        let mut command = tokio::process::Command::new("ffmpeg");
        command.args(told).args(arguments).stdin(stdin);
        let inherited = self.ends.iter().map(AsRawFd::as_raw_fd).collect();
        let (child, vitals) = (Ffmpeg::spawn(command, inherited)?, self.vitals);
        // Only the child has its ends from here on, so that they close with it.
        drop(self.ends);
        let enter = |pid| self.census.enter(self.what, self.of, pid, vitals.clone());
        Ffmpeg::adopt(child, progress, vitals.clone(), self.rules, enter)
    }

    fn output_seen_by(&mut self, vitals: Arc<Vitals>) -> Result<Output, Error> {
        let (ours, theirs) = io::pipe().map_err(Error::Pipe)?;
        let number = theirs.as_raw_fd();
        let ours = pipe::Receiver::from_owned_fd(ours.into()).map_err(Error::Pipe)?;
        self.ends.push(theirs.into());
        Ok(Output::new(ours, number, vitals))
    }
}
