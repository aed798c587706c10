//! What a composite costs the host: four streams of 720p30 on a canvas of 1080p30, for ten seconds.
//!
//! `cargo run --example composite -- OUT.ts` also keeps what was made, to be looked at.

#![allow(clippy::unwrap_used, clippy::expect_used)] // An example that cannot go on says so.

use bytes::{Bytes, BytesMut};
use hub::{Registry, Start};
use link::{Direction, Policy, Wiring};
use media::ts::framer::Framer;
use model::Protocol;
use model::layout::{Arrangement, Border, Rect, Tile};
use stage::composite::{self, Composites};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

const SECONDS: u64 = 10;
const SOURCES: usize = 4;

#[tokio::main]
async fn main() {
    let media = tempfile::tempdir().unwrap();
    let folder = media.path();
    make(
        folder,
        "-f lavfi -i testsrc2=s=1280x720:r=30:d=4 -f lavfi -i sine=r=48000:d=4 -c:v libx264 \
         -preset veryfast -b:v 3M -g 30 -pix_fmt yuv420p -c:a aac clip.ts",
    )
    .await;
    make(folder, "-f lavfi -i testsrc=s=96x96 -frames:v 1 logo.png").await;
    let settings = link::context::Settings {
        media: Some(media.path().to_owned()),
        ..Default::default()
    };
    let registry = Registry::new(hub::Settings::default());
    let links = link::Context::new(registry, CancellationToken::new(), settings);
    for n in 0..SOURCES {
        tokio::spawn(camera(links.clone(), n, media.path().join("clip.ts")));
    }
    run(&links).await;
}

/// Has FFmpeg make something.
async fn make(folder: &Path, arguments: &str) {
    let made = Command::new("ffmpeg")
        .args("-nostdin -loglevel error".split(' '))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .status();
    assert!(made.await.unwrap().success());
}

async fn run(links: &link::Context) {
    let names = (0..SOURCES).map(|n| {
        format!(r#"{{"id": "live/{n}", "title": "Camera {n}", "from": {{"stream": "live/{n}"}}}}"#)
    });
    let sources = names.collect::<Vec<_>>().join(",");
    let spec = format!(
        r#"{{"width": 1920, "height": 1080, "name_tags": {{}}, "sources": [{sources}], "overlays":
        [{{"type": "clock", "x": 1740, "y": 16}}, {{"type": "image", "file": "logo.png", "x": 912, "y": 492, "alpha": 0.8}}]}}"#
    );
    let stream = links
        .registry()
        .declare(&"wall/lobby".parse().unwrap(), None)
        .unwrap();
    let wiring = Wiring {
        context: links.clone(),
        stream: stream.clone(),
        label: "composite".parse().unwrap(),
        direction: Direction::In,
        retry: Policy::default(),
    };
    let composites = Composites::default();
    let spec = serde_json::from_str(&spec).unwrap();
    let link = composite::start(&composites, wiring, spec).unwrap();
    let composite = composites.get("wall/lobby").unwrap();
    let tiles = (0..SOURCES).map(tile).collect();
    let arrangement = Arrangement {
        tiles,
        ..Arrangement::default()
    };
    composite.arrange(&arrangement).unwrap();
    let connected = || composite.scene(0, 0).sources.iter().all(|it| it.connected);
    while !connected() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(4)).await;

    let mut reader = stream.read_ts(Start::RandomAccess);
    let (before, cpu, begun) = (composite.figures(), cpu_ms(), Instant::now());
    let mut recorded = Vec::new();
    while begun.elapsed() < Duration::from_secs(SECONDS) {
        if let Ok(chunk) = reader.recv().await {
            recorded.extend_from_slice(&chunk.data);
        }
    }
    let (after, spent) = (composite.figures(), cpu_ms());
    let frames = (after.frames - before.frames).max(1) as f64;
    let (user, system) = (spent.0 - cpu.0, spent.1 - cpu.1);
    println!(
        "{frames} frames in {:.1} s, {} skipped, {} late, {} encoders",
        begun.elapsed().as_secs_f64(),
        after.skipped - before.skipped,
        after.late - before.late,
        after.encoders
    );
    println!(
        "drawing and mixing {:.2} ms a frame; the host's user time {:.2} ms, system {:.2} ms a frame",
        (after.drawing_us - before.drawing_us) as f64 / 1e3 / frames,
        user / frames,
        system / frames
    );
    for child in links.children().list() {
        println!(
            "{} {}: {:.0} % of a core",
            child.what, child.of, child.cpu_percent
        );
    }
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, recorded).unwrap();
    }
    link.stop().await;
}

/// A quarter of the canvas each, with a line around it.
fn tile(n: usize) -> Tile {
    Tile {
        source: format!("live/{n}"),
        part: Rect::WHOLE,
        area: Rect {
            x: 960.0 * (n % 2) as f64,
            y: 540.0 * (n / 2) as f64,
            width: 960.0,
            height: 540.0,
        },
        z: 0,
        rotation: 0,
        alpha: 1.0,
        border: (n == 1).then_some(Border {
            width: 6,
            rgba: 0xff80_00ff,
        }),
        attributes: Default::default(),
    }
}

/// Sends a clip as a stream, over and over.
async fn camera(links: link::Context, n: usize, clip: impl AsRef<Path>) {
    let name = format!("live/{n}").parse().unwrap();
    let stream = links.registry().declare(&name, None).unwrap();
    let mut child = Command::new("ffmpeg")
        .args("-nostdin -loglevel error -re -stream_loop -1 -i".split(' '))
        .arg(clip.as_ref())
        .args("-c copy -f mpegts -flush_packets 1 pipe:1".split(' '))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let label = "camera".parse().unwrap();
    let mut source = stream.connect_source(&label, Protocol::Udp, None).unwrap();
    let (mut from, mut block) = (child.stdout.take().unwrap(), BytesMut::new());
    let (mut framer, mut runs) = (Framer::stream(), Vec::<Bytes>::new());
    while from.read_buf(&mut block).await.unwrap() > 0 {
        framer.push(block.split().freeze(), &mut runs);
        source.push_ts(runs.drain(..));
    }
}

/// User and system time of this process so far, ms (proc(5), `/proc/PID/stat`, fields 14 and 15).
fn cpu_ms() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    let field = |n: usize| {
        after_name
            .split(' ')
            .nth(n)
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    // Ticks of 10 ms on Linux.
    (field(11) * 10.0, field(12) * 10.0)
}
