//! A host with an RTSP listener, and the peers that it is shown to.

use gateway::{Context, rtsp};
use hub::{Registry, Settings};
use media::Codec;
use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// No step of a test takes longer, however busy the machine is.
const BOUND: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) context: Context,
    pub(crate) address: SocketAddr,
    pub(crate) bound: rtsp::Bound,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut rtsp::Config)) -> Self {
        let context = Context::new(Registry::new(Settings::default()), CancellationToken::new());
        let mut config = rtsp::Config::new(([127, 0, 0, 1], 0).into());
        config.udp_port = Some(0);
        change(&mut config);
        let bound = rtsp::serve(&context, config).await.unwrap();
        Self {
            context,
            address: bound.address,
            bound,
        }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("rtsp://{}/{name}", self.address)
    }

    pub(crate) fn viewers(&self, name: &str) -> usize {
        let stream = self.context.registry().get(name);
        stream.map_or(0, |stream| stream.snapshot(Instant::now()).viewers.len())
    }

    /// Waits until the stream's source delivers.
    pub(crate) async fn on_air(&self, name: &str) {
        until("media", || {
            let stream = self.context.registry().get(name);
            stream.is_some_and(|stream| stream.on_air().0.is_some())
        })
        .await;
    }

    pub(crate) fn codecs(&self, name: &str) -> Vec<&'static str> {
        let stream = self.context.registry().get(name).unwrap();
        let sources = stream.snapshot(Instant::now()).sources;
        let tracks = sources.into_iter().flat_map(|source| source.tracks);
        tracks.map(|track| track.codec).collect()
    }

    /// The time between the newest picture and the newest sound that readers get.
    pub(crate) async fn apart_ms(&self, name: &str) -> i64 {
        let stream = self.context.registry().get(name).unwrap();
        let mut reader = stream.read_frames(hub::Start::Live);
        let (mut seen, mut sound) = (None, None);
        bounded("pictures and sound", async {
            for _ in 0..100 {
                let frame = reader.recv().await.unwrap();
                let codec = frame.tracks.get(frame.track).map(|track| &track.codec);
                match codec.is_some_and(Codec::is_video) {
                    true => seen = Some(frame.dts),
                    false => sound = Some(frame.dts),
                }
            }
        })
        .await;
        (seen.expect("pictures") - sound.expect("sound")).as_ms()
    }
}

/// A moving picture with a key frame a second and a tone, in real time, for a minute.
pub(crate) fn source(video: &[&str], sound: &[&str]) -> Vec<String> {
    let picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"];
    let tone = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
    ];
    let mut args: Vec<&str> = vec!["-v", "error", "-nostdin"];
    args.extend(picture);
    args.extend(tone);
    args.extend(["-t", "60", "-pix_fmt", "yuv420p", "-g", "25"]);
    args.extend(video);
    args.extend(sound);
    args.into_iter().map(str::to_owned).collect()
}

pub(crate) const H264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"];
pub(crate) const HEVC: &[&str] = &[
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=error:keyint=25",
];
pub(crate) const AAC: &[&str] = &["-c:a", "aac", "-ac", "2"];
pub(crate) const OPUS: &[&str] = &["-c:a", "libopus", "-ac", "2"];

/// FFmpeg publishes; ends when dropped.
pub(crate) fn publish(url: &str, transport: &str, video: &[&str], sound: &[&str]) -> Child {
    let mut args = source(video, sound);
    args.extend(["-f", "rtsp", "-rtsp_transport", transport, url].map(str::to_owned));
    spawn("ffmpeg", &args)
}

pub(crate) fn spawn(program: &str, args: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(args).kill_on_drop(true);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    quiet
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is installed: {error}"))
}

/// Runs a program to its end.
pub(crate) async fn run(program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    let running = command.args(args).kill_on_drop(true).stdin(Stdio::null());
    bounded(program, running.output()).await.unwrap()
}

/// What FFmpeg decodes in two seconds of a stream: pictures, samples, and its complaints.
pub(crate) async fn decoded(url: &str, transport: &str) -> (usize, usize, String) {
    let mut args = vec![
        "-v",
        "error",
        "-nostdin",
        "-rtsp_transport",
        transport,
        "-i",
        url,
    ];
    args.extend([
        "-t",
        "2",
        "-map",
        "0:v?",
        "-map",
        "0:a?",
        "-c:a",
        "pcm_s16le",
    ]);
    args.extend(["-f", "framecrc", "-"]);
    let output = run("ffmpeg", &args).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (mut pictures, mut bytes) = (0, 0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        match fields[0] {
            "0" => pictures += 1,
            _ => bytes += fields[4].parse::<usize>().unwrap(),
        }
    }
    // It tries one port after another until a free one is found, and says so.
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let told = told
        .lines()
        .filter(|line| !line.contains("Address already in use"));
    (pictures, bytes / 4, told.collect())
}

pub(crate) async fn bounded<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(BOUND, work).await;
    done.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

pub(crate) async fn until(what: &str, done: impl Fn() -> bool) {
    bounded(what, async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
