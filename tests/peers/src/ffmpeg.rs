//! FFmpeg as publisher and as reader.

use crate::clapper::{self, SOUND_BLOCK, Take};
use crate::peer::Peer;
use crate::ports;
use crate::tools;
use crate::wait::{PATIENCE, until};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Which FFmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Build {
    /// The system's; Debian 12 has 5.1.
    System,
    /// Of PyPI, with enhanced RTMP, AV1 and WHIP.
    Newest,
}

impl Build {
    /// The program.
    ///
    /// # Panics
    /// When it is not installed.
    pub fn command(self) -> Command {
        let mut command = match self {
            Self::System => Command::new("ffmpeg"),
            Self::Newest => Command::new(tools::new_ffmpeg()),
        };
        command.args(["-hide_banner", "-nostdin", "-nostats"]);
        command
    }
}

/// A codec for the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// By libx264.
    H264,
    /// By libx265.
    Hevc,
    /// By SVT-AV1.
    Av1,
    /// By libvpx.
    Vp9,
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
            Self::Av1 => {
                "-c:v libsvtav1 -preset 12 -g 25 -svtav1-params pred-struct=1:lookahead=0:lp=1 \
                 -strict experimental"
            }
            Self::Vp9 => {
                "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -b:v 300k \
                 -g 25 -keyint_min 25"
            }
        }
    }
}

/// A codec for the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sound {
    /// By FFmpeg's own encoder.
    Aac,
    /// By libopus.
    Opus,
}

impl Sound {
    const fn encoder(self) -> &'static str {
        match self {
            Self::Aac => "-c:a aac -b:a 96k",
            Self::Opus => "-c:a libopus -b:a 64k",
        }
    }
}

/// Publishes the clapper with H.264 or HEVC, and AAC, in real time until dropped; the URL's scheme
/// tells the container.
pub fn publish(codec: Codec, url: &str) -> Peer {
    publish_by(Build::System, (codec, Sound::Aac), url, "")
}

/// Publishes over UDP or SRT with PIDs and a program number that are not FFmpeg's usual ones.
pub fn publish_with_other_tables(url: &str) -> Peer {
    let tables = "-mpegts_service_id 7 -mpegts_pmt_start_pid 0x222 -mpegts_start_pid 0x333";
    publish_by(Build::System, (Codec::H264, Sound::Aac), url, tables)
}

/// Publishes the clapper in real time until dropped, with options of the muxer. `http:` is WHIP.
pub fn publish_by(build: Build, codecs: (Codec, Sound), url: &str, options: &str) -> Peer {
    let (codec, sound) = codecs;
    let mut command = clapper_in_real_time(build);
    command.args(["-map", "0:v", "-map", "1:a", "-pix_fmt", "yuv420p"]);
    command.args(codec.encoder().split_whitespace());
    command.args(sound.encoder().split_whitespace());
    command.args(options.split_whitespace());
    match url.split_once(':').expect("a URL").0 {
        "rtmp" => command.args(["-f", "flv", url]),
        "rtsp" => command.args(["-f", "rtsp", url]),
        // Browsers' profile, and Opus as RFC 7587 has it.
        "http" => command.args(["-profile:v", "baseline", "-ac", "2", "-f", "whip", url]),
        _ => {
            let mark = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{mark}pkt_size=1316");
            command.args(["-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0", &url])
        }
    };
    Peer::spawn(command.stdout(Stdio::null()))
}

/// Publishes the clapper's picture as JPEG, one long multipart POST.
pub fn publish_jpeg(build: Build, url: &str) -> Peer {
    let mut command = clapper_in_real_time(build);
    command.args(["-map", "0:v", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]);
    command.args(["-f", "mpjpeg", "-method", "POST", url]);
    Peer::spawn(command.stdout(Stdio::null()))
}

fn clapper_in_real_time(build: Build) -> Command {
    let mut command = build.command();
    command.args(["-loglevel", "warning"]);
    command.args(["-re", "-f", "lavfi", "-i", clapper::PICTURE]);
    command.args(["-re", "-f", "lavfi", "-i", clapper::SOUND]);
    command
}

/// Makes a file of the clapper, JPEG and PCM, for peers that encode.
///
/// # Panics
/// When FFmpeg does not make it.
pub fn master(file: &Path, seconds: u32) {
    let mut command = Build::System.command();
    command.args(["-loglevel", "error", "-f", "lavfi", "-i", clapper::PICTURE]);
    command.args(["-f", "lavfi", "-i", clapper::SOUND]);
    command.args(["-t", &seconds.to_string(), "-c:v", "mjpeg", "-q:v", "2"]);
    command.args(["-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le"]);
    let made = Peer::spawn(command.arg(file).stdout(Stdio::null())).wait(PATIENCE);
    assert!(made.status.success(), "no master: {:?}", made.said);
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
        Self::by(Build::System, "", address, seconds)
    }

    /// The same with that FFmpeg, and options before the address.
    ///
    /// # Panics
    /// When a reader of UDP does not listen in time.
    pub fn by(build: Build, options: &str, address: &str, seconds: u32) -> Self {
        Self::of_tracks(&["0:v", "0:a"], build, options, address, seconds)
    }

    /// Reads what has no sound.
    pub fn of_pictures(build: Build, options: &str, address: &str, seconds: u32) -> Self {
        Self::of_tracks(&["0:v"], build, options, address, seconds)
    }

    fn of_tracks(
        tracks: &[&str],
        build: Build,
        options: &str,
        address: &str,
        seconds: u32,
    ) -> Self {
        let url = match address.split_once(':') {
            // Room for a machine that is busy, and an end to waiting.
            Some(("udp", _)) => {
                format!("{address}?fifo_size=50000&buffer_size=1000000&timeout=20000000")
            }
            _ => address.to_owned(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = build.command();
        command.args(["-loglevel", "repeat+level+warning"]);
        if url.starts_with("rtmp:") || url.starts_with("http:") {
            command.args(["-rw_timeout", "20000000"]);
        }
        command.args(options.split_whitespace());
        command.args(["-i", &url, "-t", &seconds.to_string()]);
        for track in tracks {
            command.args(["-map", track]);
        }
        command.args([
            "-vf",
            "signalstats,metadata=print:key=lavfi.signalstats.YAVG:direct=1:file=picture",
        ]);
        let level = "key=lavfi.astats.Overall.RMS_level:direct=1:file=sound";
        let sound = format!(
            "asetnsamples=n={SOUND_BLOCK}:p=0,astats=metadata=1:reset=1,ametadata=print:{level}"
        );
        if tracks.len() > 1 {
            command.args(["-af", &sound]);
        }
        command.args(["-f", "null", "-"]);
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
