//! A house with streams in it, a camera, a recorder, and FFmpeg to judge what was recorded.

use bytes::{Bytes, BytesMut};
use hub::{ReadError, Registry, Start, Stream};
use link::{Direction, LinkHandle, Policy, Wiring};
use media::ts::framer::Framer;
use model::Protocol;
use model::composite::CompositeSpec;
use model::layout::{Arrangement, Rect, Tile};
use stage::composite::{self, Composite, Composites};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Of all canvases here.
pub(crate) const WIDTH: usize = 320;
pub(crate) const HEIGHT: usize = 180;
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct House {
    pub(crate) links: link::Context,
    pub(crate) composites: Composites,
    pub(crate) media: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let media = tempfile::tempdir().unwrap();
        let settings = link::context::Settings {
            media: Some(media.path().to_owned()),
            ..Default::default()
        };
        let registry = Registry::new(hub::Settings::default());
        let links = link::Context::new(registry, CancellationToken::new(), settings);
        Self {
            links,
            composites: Composites::default(),
            media,
        }
    }

    pub(crate) fn stream(&self, name: &str) -> Arc<Stream> {
        self.links
            .registry()
            .declare(&name.parse().unwrap(), None)
            .unwrap()
    }

    /// A composite called `wall/test`.
    pub(crate) fn composite(&self, spec: &str) -> (LinkHandle, Arc<Composite>) {
        let wiring = Wiring {
            context: self.links.clone(),
            stream: self.stream("wall/test"),
            label: "composite".parse().unwrap(),
            direction: Direction::In,
            retry: Policy::default(),
        };
        let spec: CompositeSpec = serde_json::from_str(spec).unwrap();
        let link = composite::start(&self.composites, wiring, spec).unwrap();
        (link, self.composites.get("wall/test").unwrap())
    }

    /// The process that does that now.
    pub(crate) fn child(&self, what: &str) -> Option<u32> {
        let running = self.links.children().list();
        running.iter().find(|it| it.what == what).map(|it| it.pid)
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for so many frames more.
pub(crate) async fn frames(composite: &Composite, count: u64) {
    let frames = || composite.figures().frames;
    let from = frames();
    until("frames go on", || frames() >= from + count).await;
}

/// Waits until whoever begins to watch sees nothing of what was before: a group of pictures is
/// held for them, and the encoder has some.
pub(crate) async fn settled(composite: &Composite) {
    frames(composite, 40).await;
}

/// Runs FFmpeg in a folder.
pub(crate) async fn ffmpeg(folder: &Path, arguments: &str) {
    let ended = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -loglevel error -y".split(' '))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .status();
    assert!(ended.await.unwrap().success(), "{arguments}");
}

/// Makes a clip of one colour and one tone.
pub(crate) async fn clip(folder: &Path, name: &str, colour: &str, tone_hz: u32) {
    let line = format!(
        "-f lavfi -i color=c={colour}:s=320x180:r=30 -f lavfi -i sine=f={tone_hz}:r=48000 -t 4 \
         -c:v libx264 -preset ultrafast -g 15 -pix_fmt yuv420p -c:a aac {name}"
    );
    ffmpeg(folder, &line).await;
}

/// Sends a clip as a stream, over and over, until dropped.
pub(crate) fn camera(house: &House, stream: &str, clip: &str) -> JoinHandle<()> {
    let (stream, path) = (house.stream(stream), house.media.path().join(clip));
    tokio::spawn(async move {
        let mut child = Command::new("ffmpeg")
            .args("-nostdin -loglevel error -re -stream_loop -1 -i".split(' '))
            .arg(path)
            .args("-c copy -f mpegts -flush_packets 1 pipe:1".split(' '))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut source = stream
            .connect_source(&"camera".parse().unwrap(), Protocol::Udp, None)
            .unwrap();
        let (mut from, mut block) = (child.stdout.take().unwrap(), BytesMut::new());
        let (mut framer, mut runs) = (Framer::stream(), Vec::<Bytes>::new());
        while from.read_buf(&mut block).await.unwrap() > 0 {
            framer.push(block.split().freeze(), &mut runs);
            source.push_ts(runs.drain(..));
        }
    })
}

/// Records a stream as a viewer would.
pub(crate) struct Recorder {
    task: JoinHandle<Vec<u8>>,
    stop: oneshot::Sender<()>,
}

impl Recorder {
    pub(crate) fn start(stream: &Arc<Stream>) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let mut reader = stream.read_ts(Start::RandomAccess);
        let task = tokio::spawn(async move {
            let mut recorded = Vec::new();
            loop {
                let chunk = tokio::select! {
                    chunk = reader.recv() => chunk,
                    _ = &mut stopped => return recorded,
                };
                match chunk {
                    Ok(chunk) => recorded.extend_from_slice(&chunk.data),
                    Err(ReadError::Lagged(lost)) => panic!("the recorder lost {lost}"),
                    Err(ReadError::Closed) => return recorded,
                }
            }
        });
        Self { task, stop }
    }

    /// What was recorded so far.
    pub(crate) async fn stop(self) -> Vec<u8> {
        let _ = self.stop.send(());
        self.task.await.unwrap()
    }
}

/// A decoded frame: raw I420 of the canvas.
pub(crate) struct Recording {
    pub(crate) frames: Vec<Vec<u8>>,
    /// When each is shown, 90 kHz.
    pub(crate) pts: Vec<i64>,
    /// One channel at 48 kHz.
    pub(crate) sound: Vec<i16>,
    /// When the first packet of sound and the last are heard, 90 kHz.
    pub(crate) sound_pts: (i64, i64),
}

impl Recording {
    pub(crate) async fn decode(house: &House, recorded: &[u8]) -> Self {
        let folder = house.media.path();
        tokio::fs::write(folder.join("recorded.ts"), recorded)
            .await
            .unwrap();
        ffmpeg(folder, "-i recorded.ts -map 0:v -fps_mode passthrough -f rawvideo -pix_fmt yuv420p pictures.yuv -map 0:a -ac 1 -f s16le sound.raw").await;
        let pictures = tokio::fs::read(folder.join("pictures.yuv")).await.unwrap();
        let sound = tokio::fs::read(folder.join("sound.raw")).await.unwrap();
        let sound = sound
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        let times = packets(folder, "a").await;
        Self {
            frames: pictures
                .chunks_exact(WIDTH * HEIGHT * 3 / 2)
                .map(<[u8]>::to_vec)
                .collect(),
            pts: packets(folder, "v").await,
            sound: sound.collect(),
            sound_pts: (times[0], times[times.len() - 1]),
        }
    }

    /// The colour at a point of a frame, if it is one of those that clips have.
    pub(crate) fn colour(&self, frame: usize, x: usize, y: usize) -> Option<char> {
        let (luma, half) = (WIDTH * HEIGHT, WIDTH / 2 * (HEIGHT / 2));
        let at = |from: usize, x, y, width| i32::from(self.frames[frame][from + y * width + x]);
        let y_ = at(0, x, y, WIDTH);
        let u = at(luma, x / 2, y / 2, WIDTH / 2);
        let v = at(luma + half, x / 2, y / 2, WIDTH / 2);
        let near = |c: [i32; 3]| [y_, u, v].iter().zip(c).all(|(a, b)| (a - b).abs() <= 14);
        // As FFmpeg's `color` makes them (BT.601), and the host's own.
        [
            ('r', [81, 90, 240]),
            ('g', [81, 91, 81]),
            ('b', [41, 240, 110]),
            ('y', [210, 16, 146]),
            ('k', [16, 128, 128]),
            ('s', [53, 131, 124]),
        ]
        .into_iter()
        .find_map(|(name, colour)| near(colour).then_some(name))
    }

    /// The colours in the middle of the four quarters, from the upper left on.
    pub(crate) fn quarters(&self, frame: usize) -> String {
        let (x, y) = (WIDTH / 4, HEIGHT / 4);
        let middles = [(x, y), (3 * x, y), (x, 3 * y), (3 * x, 3 * y)];
        middles
            .map(|(x, y)| self.colour(frame, x, y).unwrap_or('?'))
            .iter()
            .collect()
    }

    /// The loudest sample of each tenth of a second.
    pub(crate) fn peaks(&self) -> Vec<u16> {
        let tenths = self.sound.chunks_exact(4_800);
        tenths
            .map(|it| it.iter().map(|it| it.unsigned_abs()).max().unwrap())
            .collect()
    }

    /// Every frame is one frame time after the one before.
    pub(crate) fn assert_no_frame_is_missing(&self) {
        assert_eq!(
            self.frames.len(),
            self.pts.len(),
            "all of them can be decoded"
        );
        let steps: Vec<i64> = self.pts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| *step == 3_000), "{steps:?}");
    }
}

/// The presentation times of all packets of a kind.
async fn packets(folder: &Path, kind: &str) -> Vec<i64> {
    let made = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", kind])
        .args("-show_entries packet=pts -of csv=p=0 recorded.ts".split(' '))
        .current_dir(folder)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let times = text
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse().ok());
    times.collect()
}

/// A tile that fills a quarter of the canvas, counted from the upper left.
pub(crate) fn quarter(source: &str, n: usize) -> Tile {
    let (width, height) = (WIDTH as f64 / 2.0, HEIGHT as f64 / 2.0);
    Tile {
        source: source.to_owned(),
        part: Rect::WHOLE,
        area: Rect {
            x: width * (n % 2) as f64,
            y: height * (n / 2) as f64,
            width,
            height,
        },
        z: 0,
        rotation: 0,
        alpha: 1.0,
        border: None,
        attributes: Default::default(),
    }
}

pub(crate) fn arranged(tiles: Vec<Tile>) -> Arrangement {
    Arrangement {
        tiles,
        ..Arrangement::default()
    }
}
