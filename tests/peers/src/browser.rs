//! Chromium without a window, and a page on a site of its own that plays in it.

use crate::peer::Peer;
use crate::processes;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Nothing but the page: no first run, no updates, no calls home; a video may start by itself.
const QUIET: &str = "--headless --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-default-apps --disable-extensions --disable-breakpad --disable-dev-shm-usage \
    --no-default-browser-check --autoplay-policy=no-user-gesture-required --mute-audio";

/// A report may be this long.
const REPORT_BYTES: u64 = 64 << 10;

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

/// A web site of one page, which plays a stream with hls.js and reports once a second.
#[derive(Debug)]
pub struct Site {
    /// Its address; not the host's, so that playing needs the host's consent (CORS).
    pub url: String,
    reports: Arc<Mutex<Vec<Value>>>,
}

impl Site {
    /// Serves it until the process ends.
    ///
    /// # Panics
    /// When there is no port.
    pub fn serve(player_script: &str, playlist: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let page = PAGE
            .replace("{script}", player_script)
            .replace("{playlist}", playlist);
        let reports = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&reports);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // One at a time is enough; a browser that opens a spare connection and says
                // nothing on it must not hold up the others.
                let _ = connection.set_read_timeout(Some(Duration::from_millis(300)));
                kept.lock().unwrap().extend(answer(&connection, &page));
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}/"),
            reports,
        }
    }

    /// What the page reported.
    pub fn reports(&self) -> Vec<Value> {
        self.reports.lock().unwrap().clone()
    }
}

/// Serves the page, or takes a report.
fn answer(connection: &TcpStream, page: &str) -> Option<Value> {
    let mut reader = BufReader::new(connection.take(REPORT_BYTES));
    let (mut line, mut request, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line).ok()? > 2 {
        if request.is_empty() {
            request.clone_from(&line);
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    let (status, body) = match request.split_whitespace().nth(1)? {
        "/" => ("200 OK", page),
        "/report" => ("204 No Content", ""),
        _ => ("404 Not Found", ""),
    };
    let mut posted = vec![0; usize::min(length, REPORT_BYTES as usize)];
    reader.read_exact(&mut posted).ok()?;
    let mut connection = connection;
    let _ = write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    serde_json::from_slice(&posted).ok()
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>a page of another site</title>
<video id="video" muted autoplay playsinline></video>
<script src="{script}"></script>
<script>
  const video = document.getElementById('video');
  const fatal = [];
  const hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) fatal.push(`${data.type}: ${data.details}`); });
  hls.loadSource('{playlist}');
  hls.attachMedia(video);
  video.play().catch((error) => fatal.push(String(error)));
  setInterval(() => {
    const quality = video.getVideoPlaybackQuality();
    const report = {
      frames: quality.totalVideoFrames,
      dropped: quality.droppedVideoFrames,
      time: video.currentTime,
      width: video.videoWidth,
      audio_bytes: video.webkitAudioDecodedByteCount,
      fatal,
    };
    fetch('/report', { method: 'POST', body: JSON.stringify(report) });
  }, 1000);
</script>
"#;
