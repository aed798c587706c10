//! A child that is run to its end: within bounds of time, of memory, and of what it may say.

use crate::process::listen;
use crate::vitals::Vitals;
use crate::{Error, Trouble, sys};
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

/// What FFmpeg may take an operator's file for. Formats that name other files or addresses are not
/// among them: a playlist in the media folder must not open what is outside of it.
pub const FORMATS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mxf,avi,ogg,wav,mp3,aac";

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `ffmpeg`
    Ffmpeg,
    /// `ffprobe`
    Ffprobe,
}

/// What it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Time by the clock, and also of a processor.
    pub time: Duration,
    /// Address space, with the libraries' own 400 MB or so.
    pub memory_bytes: u64,
    /// What it may write to its standard output.
    pub output_bytes: usize,
}

impl Tool {
    const fn program(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Ffprobe => "ffprobe",
        }
    }
}

/// Runs it with these arguments, and returns what it wrote to its standard output.
///
/// # Errors
/// It is not there, was not content with what it was given, or took more than its bounds.
pub async fn run<S: AsRef<OsStr>>(
    tool: Tool,
    arguments: impl IntoIterator<Item = S>,
    stdin: Stdio,
    bounds: Bounds,
) -> Result<Vec<u8>, Error> {
    let mut command = Command::new(tool.program());
    command
        .args(arguments)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    sys::tie_to_parent(&mut command, Vec::new());
    sys::confine(
        &mut command,
        bounds.memory_bytes,
        bounds.time.as_secs().max(1),
    );
    let mut child = command.spawn().map_err(Error::Start)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::NoPipe("output"));
    };
    let vitals = Arc::<Vitals>::default();
    let listening = tokio::spawn(listen(stderr, vitals.clone()));
    let ended = tokio::time::timeout(bounds.time, hear_out(&mut child, stdout, bounds));
    let why = match ended.await {
        Ok(Ok(Some((true, made)))) => return Ok(made),
        Ok(Ok(Some((false, _))) | Err(_)) => None,
        Ok(Ok(None)) => Some(Error::TooMuch {
            program: tool.program(),
            bytes: bounds.output_bytes,
        }),
        Err(_) => Some(Error::TooLong {
            program: tool.program(),
            seconds: bounds.time.as_secs(),
        }),
    };
    let signal = child.try_wait().ok().flatten();
    kill(&mut child).await;
    let _ = listening.await;
    let words = vitals.last_lines().join(" | ");
    let trouble = Trouble::of(signal.and_then(|status| status.signal()), &words);
    Err(why.unwrap_or(Error::Ended { trouble, words }))
}

/// What it made, and whether it was content; `None` once it is more than the bound.
async fn hear_out(
    child: &mut Child,
    stdout: ChildStdout,
    bounds: Bounds,
) -> std::io::Result<Option<(bool, Vec<u8>)>> {
    let mut made = Vec::new();
    let most = bounds.output_bytes as u64;
    stdout.take(most + 1).read_to_end(&mut made).await?;
    if made.len() > bounds.output_bytes {
        return Ok(None);
    }
    Ok(Some((child.wait().await?.success(), made)))
}

/// It has nothing to put in order.
async fn kill(child: &mut Child) {
    if let Some(leader) = child.id() {
        // A group that is gone already is what is wanted.
        let _ = sys::signal_group(leader, libc::SIGKILL);
        let _ = child.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(20),
        memory_bytes: 2 << 30,
        output_bytes: 1 << 20,
    };

    async fn ffmpeg(line: &'static str, bounds: Bounds) -> Result<Vec<u8>, Error> {
        run(Tool::Ffmpeg, words(line), Stdio::null(), bounds).await
    }

    #[tokio::test]
    async fn what_it_makes_comes_back_and_its_last_words_when_it_fails() {
        let made = run(Tool::Ffprobe, ["-version"], Stdio::null(), BOUNDS)
            .await
            .unwrap();
        assert!(made.starts_with(b"ffprobe version"));
        let error = ffmpeg("-loglevel error -i nothing-here.mp4 -f null -", BOUNDS).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains("No such file"), "{said}");
    }

    #[tokio::test]
    async fn it_is_ended_at_each_bound() {
        const ENDLESS: &str = "-loglevel error -re -f lavfi -i testsrc -f null -";
        const LOUD: &str = "-loglevel error -f lavfi -i testsrc -f rawvideo pipe:1";
        let brief = Bounds {
            time: Duration::from_secs(1),
            ..BOUNDS
        };
        let error = ffmpeg(ENDLESS, brief).await.unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }), "{error}");
        let error = ffmpeg(LOUD, BOUNDS).await.unwrap_err();
        assert!(matches!(error, Error::TooMuch { .. }), "{error}");
        // Not even its libraries fit.
        let narrow = Bounds {
            memory_bytes: 64 << 20,
            ..BOUNDS
        };
        let error = ffmpeg("-version", narrow).await.unwrap_err();
        assert!(matches!(error, Error::Ended { .. }), "{error}");
    }
}
