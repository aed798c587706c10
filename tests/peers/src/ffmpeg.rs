//! FFmpeg as publisher and as reader.

use crate::clapper::{self, SOUND_BLOCK, Take};
use crate::peer::Peer;
use crate::ports;
use crate::wait::until;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A codec for the picture; the sound is AAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// By libx264.
    H264,
    /// By libx265.
    Hevc,
}

impl Codec {
    /// Encoder and its options: a key frame each second, no B frames.
    const fn encoder(self) -> &'static str {
        match self {
            Self::H264 => {
                "-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -keyint_min 25 -sc_threshold 0"
            }
            Self::Hevc => {
                "-c:v libx265 -preset ultrafast -tune zerolatency \
                 -x265-params keyint=25:min-keyint=25:scenecut=0:log-level=error"
            }
        }
    }
}

/// Publishes the clapper in real time until dropped; the URL's scheme tells the container.
pub fn publish(codec: Codec, url: &str) -> Peer {
    publish_with(codec, url, "")
}

/// Publishes over UDP or SRT with PIDs and a program number that are not FFmpeg's usual ones.
pub fn publish_with_other_tables(url: &str) -> Peer {
    let tables = "-mpegts_service_id 7 -mpegts_pmt_start_pid 0x222 -mpegts_start_pid 0x333";
    publish_with(Codec::H264, url, tables)
}

fn publish_with(codec: Codec, url: &str, tables: &str) -> Peer {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-hide_banner",
        "-nostdin",
        "-nostats",
        "-loglevel",
        "warning",
    ]);
    command.args(["-re", "-f", "lavfi", "-i", clapper::PICTURE]);
    command.args(["-re", "-f", "lavfi", "-i", clapper::SOUND]);
    command.args(["-map", "0:v", "-map", "1:a", "-pix_fmt", "yuv420p"]);
    command.args(codec.encoder().split_whitespace());
    command.args(["-c:a", "aac", "-b:a", "96k"]);
    if url.starts_with("rtmp:") {
        command.args(["-f", "flv", url]);
    } else {
        let mark = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{mark}pkt_size=1316");
        command.args(tables.split_whitespace());
        command.args(["-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0", &url]);
    }
    Peer::spawn(command.stdout(Stdio::null()))
}

/// A reader that decodes everything, and notes each frame's time and level.
#[derive(Debug)]
pub struct Reader {
    peer: Peer,
    seconds: u32,
    folder: TempDir,
}

impl Reader {
    /// Reads that many seconds of media. A reader of UDP listens once this returns.
    ///
    /// # Panics
    /// When a reader of UDP does not listen in time.
    pub fn start(address: &str, seconds: u32) -> Self {
        let url = match address.split_once(':') {
            // Room for a machine that is busy, and an end to waiting.
            Some(("udp", _)) => {
                format!("{address}?fifo_size=50000&buffer_size=1000000&timeout=20000000")
            }
            _ => address.to_owned(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-nostdin", "-nostats"]);
        command.args(["-loglevel", "repeat+level+warning"]);
        if url.starts_with("rtmp:") || url.starts_with("http:") {
            command.args(["-rw_timeout", "20000000"]);
        }
        command.args(["-i", &url, "-t", &seconds.to_string()]);
        command.args(["-map", "0:v", "-map", "0:a"]);
        command.args([
            "-vf",
            "signalstats,metadata=print:key=lavfi.signalstats.YAVG:direct=1:file=picture",
        ]);
        let level = "key=lavfi.astats.Overall.RMS_level:direct=1:file=sound";
        let sound = format!(
            "asetnsamples=n={SOUND_BLOCK}:p=0,astats=metadata=1:reset=1,ametadata=print:{level}"
        );
        command.args(["-af", &sound, "-f", "null", "-"]);
        command.current_dir(folder.path()).stdout(Stdio::null());
        let reader = Self {
            peer: Peer::spawn(&mut command),
            seconds,
            folder,
        };
        if address.starts_with("udp:") {
            let port = address
                .rsplit_once(':')
                .and_then(|(_, port)| port.parse().ok());
            ports::until_listened(port.expect("udp://HOST:PORT"));
        }
        reader
    }

    /// What it decoded so far.
    pub fn so_far(&self) -> Take {
        let read = |name| {
            let path: PathBuf = self.folder.path().join(name);
            clapper::parse(&fs::read_to_string(path).unwrap_or_default())
        };
        Take {
            picture: read("picture"),
            sound: read("sound"),
        }
    }

    /// Waits until it decodes.
    ///
    /// # Panics
    /// When it does not in time, or ends.
    pub fn await_picture(&mut self) {
        until("the reader decodes", || {
            assert!(
                self.peer.lives(),
                "the reader ended: {:?}",
                self.peer.said()
            );
            !self.so_far().picture.is_empty()
        });
    }

    /// Whether it has not read all yet.
    pub fn reads(&mut self) -> bool {
        self.peer.lives()
    }

    /// What it complained of so far.
    pub fn complaints(&self) -> Vec<String> {
        let said = self.peer.said().into_iter();
        said.filter(|line| is_error(line)).collect()
    }

    /// Waits for its end; what it decoded, and what it complained of.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn finish(mut self) -> (Take, Vec<String>) {
        let limit = Duration::from_secs(u64::from(self.seconds) + 20);
        let peer = std::mem::replace(&mut self.peer, Peer::start("true"));
        let ended = peer.wait(limit);
        let mut complaints: Vec<_> = ended
            .said
            .into_iter()
            .filter(|line| is_error(line))
            .collect();
        if !ended.status.success() {
            complaints.push(format!("ffmpeg: {}", ended.status));
        }
        (self.so_far(), complaints)
    }

    /// Waits for its end and asserts that it saw the clapper as it was sent.
    ///
    /// # Panics
    /// With all faults when it did not; `who` says which reader.
    pub fn assert_clean(self, who: &str) {
        let seconds = f64::from(self.seconds);
        let (take, complaints) = self.finish();
        let faults = take.faults(seconds);
        eprintln!("{who}: {take}");
        assert!(
            faults.is_empty() && complaints.is_empty(),
            "{who}: {take}\nfaults: {faults:#?}\nffmpeg: {complaints:#?}"
        );
    }
}

/// With `-loglevel level`, lines name their level. Packets and pictures that are damaged are
/// warned of only. What the output that discards everything thinks of timestamps counts for
/// nothing: [`Take`] judges them.
fn is_error(line: &str) -> bool {
    let bad = ["[error]", "[fatal]", "[panic]", "corrupt"];
    bad.iter().any(|sign| line.contains(sign)) && !line.starts_with("[null @")
}
