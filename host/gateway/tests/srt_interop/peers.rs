//! Other people's SRT: child processes, killed when dropped.

use gateway::srt::backend::KeyLength;
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// A peer of another make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Ffmpeg,
    SrtLiveTransmit,
}

pub(crate) const MAKERS: [Maker; 2] = [Maker::Ffmpeg, Maker::SrtLiveTransmit];

/// What a peer's URL says, in its own dialect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Url {
    pub(crate) stream_id: String,
    pub(crate) secret: Option<(String, KeyLength)>,
    pub(crate) latency_ms: Option<u32>,
    pub(crate) listens: bool,
}

impl Url {
    pub(crate) fn asking(stream_id: &str) -> Self {
        Self {
            stream_id: stream_id.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn listening() -> Self {
        Self {
            listens: true,
            ..Self::default()
        }
    }

    pub(crate) fn with_key(mut self, secret: &str, key: Option<KeyLength>) -> Self {
        self.secret = key.map(|key| (secret.to_owned(), key));
        self
    }

    pub(crate) fn text(&self, maker: Maker, address: SocketAddr) -> String {
        let mode = if self.listens { "listener" } else { "caller" };
        let mut url = format!("srt://{address}?mode={mode}");
        if !self.stream_id.is_empty() {
            // As it stands: neither ffmpeg 5.1 nor srt-live-transmit 1.5 decodes it.
            write!(url, "&streamid={}", self.stream_id).unwrap();
        }
        if let Some((secret, key)) = &self.secret {
            write!(url, "&passphrase={secret}&pbkeylen={}", key.bytes()).unwrap();
        }
        if let Some(latency_ms) = self.latency_ms {
            let latency = match maker {
                Maker::Ffmpeg => latency_ms * 1000, // ffmpeg counts microseconds
                Maker::SrtLiveTransmit => latency_ms,
            };
            write!(url, "&latency={latency}").unwrap();
        }
        url
    }
}

/// A running peer.
pub(crate) struct Peer {
    child: Child,
}

impl Peer {
    fn start(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("ffmpeg and srt-live-transmit (package srt-tools) are needed");
        Self { child }
    }

    /// srt-live-transmit from one URL to another; ends with the connection.
    pub(crate) fn transmit(from: &str, to: &str) -> Self {
        Self::start(Command::new("srt-live-transmit").args([
            "-autoreconnect:no",
            "-buffering:1",
            "-chunk:1316",
            "-loglevel:error",
            from,
            to,
        ]))
    }

    /// ffmpeg sending a test picture.
    pub(crate) fn ffmpeg_source(to: &str) -> Self {
        let mut command = ffmpeg();
        command.args(["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"]);
        command.args(["-c:v", "mpeg2video", "-b:v", "1M", "-f", "mpegts", to]);
        Self::start(&mut command)
    }

    /// ffmpeg writing the hashes of the first `frames` pictures, then ending.
    pub(crate) fn ffmpeg_hashes(from: &str, frames: usize) -> Self {
        let mut command = ffmpeg();
        command.args(["-probesize", "100000", "-analyzeduration", "500000"]);
        command.args(["-i", from, "-map", "0:v", "-frames:v", &frames.to_string()]);
        command.args(["-f", "framemd5", "-"]);
        Self::start(&mut command)
    }

    /// ffmpeg making eight seconds of a test picture.
    pub(crate) fn ffmpeg_file(path: &Path) -> Self {
        let mut command = ffmpeg();
        command.args([
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x240:rate=25",
            "-t",
            "8",
        ]);
        command.args(["-c:v", "mpeg2video", "-b:v", "1M", "-f", "mpegts", "-y"]);
        Self::start(command.arg(path))
    }

    /// Waits for its end: whether it went well, and what it wrote to stdout and stderr.
    pub(crate) async fn end(mut self) -> (bool, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        let mut stdout = self.child.stdout.take().unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        let (status, _, _) = tokio::join!(
            self.child.wait(),
            stdout.read_to_string(&mut out),
            stderr.read_to_string(&mut err),
        );
        (status.unwrap().success(), out, err)
    }
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-loglevel", "error"]);
    command
}

/// A UDP port that was free a moment ago, for peers that cannot report theirs.
pub(crate) fn free_port() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}
