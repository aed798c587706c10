//! FFmpeg as a child: fed through its standard input and read from its standard output, and ended
//! for certain.

use crate::census::Place;
use crate::progress::Parser;
use crate::vitals::Vitals;
use crate::watch::{self, Rules};
use crate::{Error, Input, Output, Progress, Trouble, sys};
use bytes::BytesMut;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio_util::task::AbortOnDropHandle;

/// How long it may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);
/// Output is taken in blocks of at most this size.
const BLOCK_BYTES: usize = 64 << 10;

/// What every FFmpeg of this host is told first: to ask nothing, and to speak of trouble only.
pub const QUIET: &str = "-hide_banner -nostdin -nostats -loglevel warning";

/// A running FFmpeg. Killed when dropped.
pub struct Ffmpeg {
    child: Child,
    stdin: Option<Input>,
    stdout: ChildStdout,
    vitals: Arc<Vitals>,
    words: AbortOnDropHandle<()>,
    _progress: AbortOnDropHandle<()>,
    _watch: AbortOnDropHandle<()>,
    _place: Place,
}

impl Ffmpeg {
    pub(crate) fn spawn(mut command: Command, inherited: Vec<RawFd>) -> Result<Child, Error> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        sys::tie_to_parent(&mut command, inherited);
        command.spawn().map_err(Error::Start)
    }

    /// Looks after a child from now on.
    pub(crate) fn adopt(
        mut child: Child,
        progress: Output,
        vitals: Arc<Vitals>,
        rules: Rules,
        enter: impl FnOnce(u32) -> Place,
    ) -> Result<Self, Error> {
        let pipes = (child.stdout.take(), child.stderr.take(), child.id());
        let (Some(stdout), Some(stderr), Some(pid)) = pipes else {
            return Err(Error::NoPipe("output"));
        };
        let stdin = child.stdin.take().map(|stdin| {
            vitals.inputs.fetch_add(1, Ordering::Relaxed);
            Input::stdin(stdin, vitals.clone())
        });
        let words = tokio::spawn(listen(stderr, vitals.clone()));
        let progress = tokio::spawn(follow(progress, vitals.clone()));
        let watch = tokio::spawn(watch::run(pid, vitals.clone(), rules));
        Ok(Self {
            child,
            stdin,
            stdout,
            words: AbortOnDropHandle::new(words),
            _progress: AbortOnDropHandle::new(progress),
            _watch: AbortOnDropHandle::new(watch),
            _place: enter(pid),
            vitals,
        })
    }

    /// Its standard input, where it was started with one; closed when dropped, which is an end.
    ///
    /// # Errors
    /// When there is none, or it was taken already.
    pub fn stdin(&mut self) -> Result<Input, Error> {
        self.stdin.take().ok_or(Error::NoPipe("input"))
    }

    /// Appends what it has made; 0 once it has ended.
    pub async fn read(&mut self, to: &mut BytesMut) -> io::Result<usize> {
        to.reserve(BLOCK_BYTES);
        let read = self.stdout.read_buf(to).await?;
        Vitals::add(&self.vitals.made, read);
        Ok(read)
    }

    /// How far it is; none before its first report.
    pub fn progress(&self) -> Option<Progress> {
        self.vitals.progress()
    }

    /// Waits for its end, once it makes nothing more.
    ///
    /// # Errors
    /// Its last words, if it was not content.
    pub async fn finish(mut self) -> Result<(), Error> {
        match self.child.wait().await {
            Ok(status) if status.success() => Ok(()),
            _ => Err(self.explain().await),
        }
    }

    /// Why it ended.
    pub async fn explain(mut self) -> Error {
        // It is about to end by itself: told to, it would not say why.
        let ended = tokio::time::timeout(GRACE, self.child.wait()).await;
        let signal = ended.ok().and_then(Result::ok).and_then(|it| it.signal());
        self.end().await;
        let _ = tokio::time::timeout(GRACE, &mut self.words).await;
        let words = self.vitals.last_lines().join(" | ");
        let judged = self.vitals.verdict();
        Error::Ended {
            trouble: judged.unwrap_or_else(|| Trouble::of(signal, &words)),
            words,
        }
    }

    /// Asks the group to end, then makes it.
    pub async fn end(&mut self) {
        let Some(leader) = self.child.id() else {
            return;
        };
        // A group that is gone already is what is wanted.
        let _ = sys::signal_group(leader, libc::SIGTERM);
        if tokio::time::timeout(GRACE, self.child.wait())
            .await
            .is_err()
        {
            let _ = sys::signal_group(leader, libc::SIGKILL);
            let _ = self.child.wait().await;
        }
    }
}

/// Whether FFmpeg is there at all.
///
/// # Errors
/// Why not, with what to do.
pub async fn check_ffmpeg() -> Result<(), Error> {
    let mut command = Command::new("ffmpeg");
    command.arg("-version").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.status().await.map_err(Error::Start)?;
    match ended.success() {
        true => Ok(()),
        false => Err(Error::Ended {
            trouble: Trouble::of(ended.signal(), ""),
            words: format!("ffmpeg -version: {ended}"),
        }),
    }
}

/// Words of a constant line.
pub fn words(line: &'static str) -> impl Iterator<Item = String> {
    line.split_whitespace().map(str::to_owned)
}

/// Keeps the last of what it complains of, until its end.
pub(crate) async fn listen(mut stderr: ChildStderr, vitals: Arc<Vitals>) {
    let mut block = BytesMut::new();
    while matches!(stderr.read_buf(&mut block).await, Ok(1..)) {
        vitals.hear(&block);
        block.clear();
    }
}

/// Keeps its last report, until its end.
async fn follow(mut reports: Output, vitals: Arc<Vitals>) {
    let (mut parser, mut block) = (Parser::default(), BytesMut::new());
    while matches!(reports.read(&mut block).await, Ok(1..)) {
        if let Some(progress) = parser.push(&block) {
            vitals.show_progress(progress);
        }
        block.clear();
    }
}
