//! Slates: a real publisher dies, a real player sees the slate over the same connection, and the
//! publisher when it is back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use gateway::{Context, rtmp, slate};
use hub::{Registry, Stream};
use link::LinkHandle;
use model::{Endpoint, Label};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "live/cam1";

struct Host {
    context: Context,
    folder: TempDir,
    stream: Arc<Stream>,
}

impl Host {
    /// With a media folder and a cache of slates; its stream takes a publisher, and `main` is
    /// its source.
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = link::context::Settings {
            media: Some(folder.path().to_owned()),
            ..Default::default()
        };
        let registry = Registry::new(hub::Settings::default());
        let context = Context::with_settings(registry, CancellationToken::new(), settings);
        context.slates().configure(slate::Settings {
            cache: Some(folder.path().join("prepared")),
            ..Default::default()
        });
        let (name, main) = (NAME.parse().unwrap(), Some(label("main")));
        let stream = context.registry().declare(&name, main).unwrap();
        Self {
            context,
            folder,
            stream,
        }
    }

    /// Has FFmpeg make a file in the media folder.
    async fn make(&self, name: &str, arguments: &str) {
        let path = self.folder.path().join(name);
        run(
            "ffmpeg",
            &format!("-v error -y {arguments} {}", path.display()),
        )
        .await;
    }

    fn slate(&self, path: &str) -> LinkHandle {
        let endpoint = Endpoint::slate(path).unwrap();
        let (stream, id) = (self.stream.clone(), label("slate"));
        gateway::start_source(&self.context, stream, id, endpoint, Default::default())
    }

    /// Does what the built-in routing does: the slate is on air while nothing else delivers.
    fn route(&self) {
        let stream = self.stream.clone();
        self.context.tasks().spawn(async move {
            let (main, slate) = (label("main"), label("slate"));
            loop {
                stream.take(if stream.delivers(&main) {
                    &main
                } else {
                    &slate
                });
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(10)) => {}
                    () = stream.ended() => return,
                }
            }
        });
    }

    async fn on_air(&self, id: &str) {
        until(id, || self.stream.on_air().0 == Some(label(id))).await;
    }

    /// Waits until the slate looks like that.
    async fn slate_is(&self, codec: &str, width: u32, height: u32) {
        until("a slate like the stream", || {
            let sources = self.stream.snapshot(Instant::now()).sources;
            let slate = sources.iter().find(|source| source.id == label("slate"));
            let tracks = slate.map_or(&[][..], |slate| &slate.tracks);
            tracks.iter().any(|track| {
                let size = track.video.map(|video| (video.width, video.height));
                track.codec == codec && size == Some((width, height))
            })
        })
        .await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.context.shutdown().cancel();
    }
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs a program to its good end; what it wrote.
async fn run(program: &str, arguments: &str) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = ended.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {said}");
    output.stdout
}

fn ffmpeg(arguments: &str) -> Child {
    let mut command = Command::new("ffmpeg");
    command.args("-v error -nostdin".split_whitespace());
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.kill_on_drop(true).spawn().unwrap()
}

/// A moving picture of 640 by 360 at 30 a second and a tone of 44.1 kHz, published in real time.
fn publisher(address: SocketAddr) -> Child {
    ffmpeg(&format!(
        "-re -f lavfi -i testsrc2=size=640x360:rate=30 -re -f lavfi \
         -i sine=frequency=440:sample_rate=44100 -pix_fmt yuv420p -c:v libx264 -preset ultrafast \
         -tune zerolatency -g 30 -c:a aac -ac 1 -f flv rtmp://{address}/{NAME}"
    ))
}

/// What FFmpeg decodes, as it does.
struct Player {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Pictures: time in ms and bytes.
    pictures: Vec<(i64, usize)>,
    /// Times of sound, in samples.
    sounds: Vec<i64>,
}

impl Player {
    fn start(address: SocketAddr) -> Self {
        let mut child = ffmpeg(&format!(
            "-rw_timeout 20000000 -copyts -i rtmp://{address}/{NAME} -map 0:v -map 0:a \
             -fps_mode passthrough -enc_time_base:v 1:1000 -flush_packets 1 -f framecrc pipe:1"
        ));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            pictures: Vec::new(),
            sounds: Vec::new(),
        }
    }

    /// Until so many more pictures were decoded.
    async fn see(&mut self, more: usize) {
        let goal = self.pictures.len() + more;
        while self.pictures.len() < goal {
            let next = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = next.expect("it goes on").unwrap();
            let line = line.expect("the player keeps its connection");
            // Stream, DTS, PTS, duration, size, checksum.
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            match fields[0] {
                "0" => {
                    let (time, bytes) = (fields[2].parse(), fields[4].parse());
                    self.pictures.push((time.unwrap(), bytes.unwrap()));
                }
                "1" => self.sounds.push(fields[2].parse().unwrap()),
                _ => {}
            }
        }
    }
}

fn longest_step(times: &[i64]) -> i64 {
    let steps = times.windows(2).map(|two| two[1] - two[0]);
    assert!(steps.clone().all(|step| step > 0), "{times:?}");
    steps.max().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slate_goes_on_air_when_the_publisher_dies_and_leaves_when_it_is_back() {
    let host = Host::open();
    host.make("shut.png", "-f lavfi -i color=red:size=300x300 -frames:v 1")
        .await;
    let config = rtmp::Config::new(([127, 0, 0, 1], 0).into());
    let address = rtmp::serve(&host.context, config).await.unwrap();
    let _slate = host.slate("shut.png");
    host.route();
    // Nobody was ever there: as most streams are.
    host.slate_is("h264", 1280, 720).await;
    host.on_air("slate").await;

    let mut camera = publisher(address);
    host.on_air("main").await;
    host.slate_is("h264", 640, 360).await;
    let mut player = Player::start(address);
    player.see(30).await;
    camera.kill().await.unwrap();
    host.on_air("slate").await;
    player.see(75).await;
    let _camera = publisher(address);
    host.on_air("main").await;
    player.see(75).await;

    assert!(player.child.try_wait().unwrap().is_none(), "never left");
    let sizes = player.pictures.iter().map(|(_, bytes)| bytes);
    assert_eq!(
        sizes.filter(|bytes| **bytes != 640 * 360 * 3 / 2).count(),
        0
    );
    let times: Vec<i64> = player.pictures.iter().map(|(time, _)| *time).collect();
    assert!(longest_step(&times) <= 300, "{times:?}");
    // Sound has a seam at each switch, and goes on.
    assert!(longest_step(&player.sounds) <= 44_100 * 3 / 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_without_sound_becomes_what_the_stream_is() {
    let host = Host::open();
    let (size, codec) = (
        "size=320x180:rate=30000/1001",
        "-c:v libx264 -pix_fmt yuv420p",
    );
    host.make(
        "clip.mp4",
        &format!("-f lavfi -i color=red:{size}:duration=1 {codec}"),
    )
    .await;
    // 10 bit, with broad samples, one channel.
    host.make(
        "main.ts",
        &format!(
            "-f lavfi -i testsrc2={size}:duration=2 -f lavfi -i sine=sample_rate=32000:duration=2 \
             -vf setsar=4/3 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast \
             -x265-params log-level=error -c:a aac -ac 1"
        ),
    )
    .await;
    let main = std::fs::read(host.folder.path().join("main.ts")).unwrap();
    let mut source = host
        .stream
        .connect_source(&label("main"), model::Protocol::Udp, None)
        .unwrap();
    source.push_ts([main.into()]);
    let link = host.slate("clip.mp4");
    host.slate_is("hevc", 320, 180).await;

    let prepared = std::fs::read_dir(host.folder.path().join("prepared")).unwrap();
    let [prepared] = &prepared.map(|it| it.unwrap().path()).collect::<Vec<_>>()[..] else {
        panic!("one slate is kept");
    };
    let shown = prepared.display();
    let entries =
        "codec_name,width,height,sample_aspect_ratio,pix_fmt,r_frame_rate,sample_rate,channels";
    let probed = run(
        "ffprobe",
        &format!("-v error -show_entries stream={entries} -of compact=p=0:nk=1 {shown}"),
    )
    .await;
    let probed = String::from_utf8(probed).unwrap();
    let mut lines: Vec<&str> = probed.lines().filter(|line| !line.is_empty()).collect();
    lines.dedup();
    assert_eq!(
        lines[..2],
        ["hevc|320|180|4:3|yuv420p10le|30000/1001", "aac|32000|1|0/0"],
        "{probed}"
    );
    let arguments =
        format!("-v error -i {shown} -frames:v 1 -vf crop=2:2,format=rgb24 -f rawvideo -");
    let middle = run("ffmpeg", &arguments).await;
    assert!(
        middle[0] > 200 && middle[1] < 40 && middle[2] < 40,
        "red: {middle:?}"
    );
    link.stop().await;

    // The second time nothing is made.
    let number = || std::fs::metadata(prepared).unwrap().ino();
    let before = number();
    let _again = host.slate("clip.mp4");
    host.slate_is("hevc", 320, 180).await;
    assert_eq!(number(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shown_says_why() {
    let host = Host::open();
    std::fs::write(host.folder.path().join("notes.png"), "no picture").unwrap();
    for (path, why) in [
        (
            "notes.png",
            "cannot show notes.png as a slate: ffmpeg ended: file:/proc/self/fd/0: ",
        ),
        ("gone.png", "cannot open gone.png in the media folder"),
    ] {
        let link = host.slate(path);
        let error = || link.snapshot().status.last_error.unwrap_or_default();
        until(why, || !error().is_empty()).await;
        assert!(error().contains(why), "{}", error());
        link.stop().await;
    }
}
