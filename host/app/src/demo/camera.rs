//! Keeps the demo's FFmpeg running, and ends it for certain.

use super::source;
use crate::sys;
use anyhow::Context;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// Between an end and the next start.
const PAUSE: Duration = Duration::from_secs(1);
/// How long FFmpeg may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);
/// Lines of FFmpeg's own kept to explain its end.
const LAST_WORDS: usize = 5;

/// Sends the test picture to `target` until `stop`.
///
/// # Errors
/// Only if FFmpeg cannot be started at all; if it ends it is started again.
pub(super) async fn run(target: SocketAddr, stop: CancellationToken) -> anyhow::Result<()> {
    let font = source::font();
    loop {
        let mut child = start(target, font.as_deref())?;
        let words = last_words(&mut child);
        tokio::select! {
            ended = child.wait() => {
                let words = words.await.unwrap_or_default();
                let status = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                tracing::warn!(%status, words, "the test source ended; starting it again");
            }
            () = stop.cancelled() => return end(child).await,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

fn start(target: SocketAddr, font: Option<&std::path::Path>) -> anyhow::Result<Child> {
    let mut command = Command::new("ffmpeg");
    command
        .args(source::arguments(target, font))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    sys::tie_to_parent(&mut command);
    command
        .spawn()
        .context("cannot start ffmpeg; install it (apt-get install ffmpeg)")
}

/// Asks the group to end, then makes it.
async fn end(mut child: Child) -> anyhow::Result<()> {
    let Some(leader) = child.id() else {
        return Ok(());
    };
    // A group that is gone already is what is wanted.
    let _ = sys::signal_group(leader, libc::SIGTERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = sys::signal_group(leader, libc::SIGKILL);
        child.wait().await.context("ffmpeg does not end")?;
    }
    Ok(())
}

/// Collects the last lines of FFmpeg's complaints, joined when it ends.
fn last_words(child: &mut Child) -> tokio::task::JoinHandle<String> {
    let stderr = child.stderr.take();
    tokio::spawn(async move {
        let mut kept = VecDeque::with_capacity(LAST_WORDS);
        let Some(stderr) = stderr else {
            return String::new();
        };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            tracing::debug!(line, "ffmpeg");
            if kept.len() == LAST_WORDS {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        Vec::from(kept).join(" | ")
    })
}
