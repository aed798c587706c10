//! Chromium without a window.

use crate::peer::Peer;
use crate::processes;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Nothing but the page: no first run, no updates, no calls home; a video may start by itself.
const QUIET: &str = "--headless --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-default-apps --disable-extensions --disable-breakpad --disable-dev-shm-usage \
    --no-default-browser-check --autoplay-policy=no-user-gesture-required --mute-audio";

/// A browser with a page.
#[derive(Debug)]
pub struct Browser {
    _peer: Peer,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page.
    pub fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut command = chromium(profile.path());
        command.arg(url).stdout(Stdio::null());
        Self {
            _peer: Peer::spawn(&mut command),
            _profile: profile,
        }
    }
}

fn chromium(profile: &Path) -> Command {
    let mut command = Command::new("chromium");
    command.args(QUIET.split_whitespace());
    if processes::is_root() {
        command.arg("--no-sandbox");
    }
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
}
