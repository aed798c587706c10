//! FFmpeg as a child: started without a shell, fed through its standard input and read from its
//! standard output, and ended for certain.

use crate::{Error, sys};
use bytes::BytesMut;
use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

/// How long it may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);
/// Lines of its own kept to explain its end.
const LAST_LINES: usize = 5;
/// Bytes of those lines.
const LAST_BYTES: usize = 2 << 10;
/// Output is taken in blocks of at most this size.
const BLOCK_BYTES: usize = 64 << 10;

/// What every FFmpeg of this host is told first: to ask nothing, and to speak of trouble only.
pub const QUIET: &str = "-hide_banner -nostdin -nostats -loglevel warning";

/// A running FFmpeg. Killed when dropped.
pub struct Ffmpeg {
    child: Child,
    stdout: ChildStdout,
    words: JoinHandle<String>,
}

impl Ffmpeg {
    /// Starts it with these arguments; what it makes has to go to `pipe:1`.
    ///
    /// # Errors
    /// When it is not there, or cannot be started.
    pub fn start<S: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = S>,
        stdin: Stdio,
    ) -> Result<Self, Error> {
        let mut command = Command::new("ffmpeg");
        command
            .args(arguments)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        sys::tie_to_parent(&mut command);
        let mut child = command.spawn().map_err(Error::Start)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::NoPipe("output"));
        };
        Ok(Self {
            child,
            stdout,
            words: tokio::spawn(last_words(stderr)),
        })
    }

    /// Its standard input, where it was started with one; closed when dropped, which is an end.
    ///
    /// # Errors
    /// When there is none, or it was taken already.
    pub fn stdin(&mut self) -> Result<ChildStdin, Error> {
        let stdin = self.child.stdin.take();
        stdin.ok_or(Error::NoPipe("input"))
    }

    /// Appends what it has made; 0 once it has ended.
    pub async fn read(&mut self, to: &mut BytesMut) -> io::Result<usize> {
        to.reserve(BLOCK_BYTES);
        self.stdout.read_buf(to).await
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
        self.end().await;
        let words = (&mut self.words).await.unwrap_or_default();
        Error::Ended { words }
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
            words: format!("ffmpeg -version: {ended}"),
        }),
    }
}

/// Words of a constant line.
pub fn words(line: &'static str) -> impl Iterator<Item = String> {
    line.split_whitespace().map(str::to_owned)
}

/// The last lines of what it complains of, joined when it ends; however much it says, no more is
/// held.
pub(crate) async fn last_words(stderr: ChildStderr) -> String {
    let (mut stderr, mut kept) = (BufReader::new(stderr), Vec::new());
    while matches!(stderr.read_buf(&mut kept).await, Ok(1..)) {
        let beyond = kept.len().saturating_sub(LAST_BYTES);
        kept.drain(..beyond);
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..);
    let plain = last.unwrap_or_default().join(" | ");
    plain.chars().filter(|c| !c.is_control()).collect()
}
