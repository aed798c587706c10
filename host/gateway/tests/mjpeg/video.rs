//! Video seen as pictures, and pictures routed as video.

use crate::support::{Host, ffmpeg, next_picture, pictures, run, until};
use bytes::Bytes;
use gateway::mjpeg::{Settings, View};
use hub::Start;
use media::Codec;
use model::{Endpoint, Protocol, Retry};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLIP: &str = "-f lavfi -i testsrc2=size=320x180:rate=25 -t 40 -c:v libx264 \
    -preset ultrafast -g 25 -pix_fmt yuv420p -f mpegts -muxdelay 0 -muxpreload 0";

/// Lets a clip go in real time, more or less.
fn play(host: &Host, name: &str, clip: Vec<u8>) -> tokio::task::JoinHandle<()> {
    let mut source = host.source(name, Protocol::Srt);
    let clip = Bytes::from(clip);
    tokio::spawn(async move {
        let piece = (clip.len() / 40 / 25 / 188).max(1) * 188;
        let mut tick = tokio::time::interval(Duration::from_millis(40));
        for at in (0..clip.len()).step_by(piece) {
            tick.tick().await;
            source.push_ts([clip.slice(at..(at + piece).min(clip.len()))]);
        }
    })
}

#[tokio::test]
async fn video_is_seen_as_pictures_through_one_ffmpeg_that_ends_when_idle() {
    let view = View {
        fps: 5,
        width: Some(160),
        max_streams: 1,
        ..View::default()
    };
    let settings = Settings {
        view,
        ..Settings::default()
    };
    let host = Host::with(settings).await;
    let clip = ffmpeg(CLIP).await;
    let playing = play(&host, "live/film", clip.clone());
    let other = play(&host, "live/other", clip);
    let (head, mut one) = host.open("live/film").await;
    assert!(head.starts_with("http/1.0 200"), "{head}");
    let (_, mut two) = host.open("live/film").await;
    next_picture(&mut one, true).await;
    next_picture(&mut two, true).await;
    let begun = Instant::now();
    let mut last = Vec::new();
    for _ in 0..10 {
        let picture = next_picture(&mut one, false).await;
        assert_ne!(picture, last, "the picture moves");
        last = picture;
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(1200), "above 5 fps: {took:?}");
    let found = media::jpeg::inspect(&last, &media::jpeg::Limits::default()).unwrap();
    assert_eq!((found.video.width, found.video.height), (160, 90));

    let full = host.get("/stream/live/other").await;
    assert_eq!(full.status, 503, "{}", full.text());
    assert!(
        full.text().contains("limit of 1 streams shown"),
        "{}",
        full.text()
    );
    drop((one, two));
    until("its place is free again", || host.viewers("live/film") == 0).await;
    let begun = Instant::now();
    while host.get_status("/stream/live/other").await != 200 {
        assert!(begun.elapsed() < Duration::from_secs(25));
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    playing.abort();
    other.abort();
}

impl Host {
    /// The status of a request whose body need not end.
    async fn get_status(&self, path: &str) -> u16 {
        let name = path.strip_prefix("/stream/").unwrap();
        let (head, _) = self.open(name).await;
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn pictures_are_routed_as_h264_through_a_source_of_type_stream() {
    let (host, pictures) = (Host::start().await, pictures("322x182", 50).await);
    let larger = crate::support::pictures("640x360", 50).await;
    assert_eq!(host.post("cam", &pictures[0]).await.status, 200);
    let name = "cam-video".parse().unwrap();
    let registry = host.context.registry();
    let stream = registry.declare(&name, None).unwrap();
    let from = Endpoint::Stream("cam".parse().unwrap());
    let id = "cam".parse().unwrap();
    stream.declare_source(&id, Protocol::Stream);
    stream.take(&id);
    let link = gateway::start_source(&host.context, stream.clone(), id, from, Retry::default());
    let mut frames = stream.read_frames(Start::RandomAccess);
    let mut packets = stream.read_ts(Start::RandomAccess);
    let collecting = Arc::new(Mutex::new(Vec::new()));
    let collected = collecting.clone();
    let collector = tokio::spawn(async move {
        while let Ok(chunk) = packets.recv().await {
            collected.lock().extend_from_slice(&chunk.data);
        }
    });
    let posting = async {
        for picture in pictures.iter().chain(&larger).cycle() {
            host.post("cam", picture).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    let reading = async {
        let mut sizes = Vec::new();
        while !sizes.ends_with(&[(640, 360); 10]) {
            let frame = frames.recv().await.unwrap();
            let Codec::H264 { video, .. } = frame.tracks.video().unwrap().codec else {
                panic!("{:?}", frame.tracks)
            };
            sizes.push((video.width, video.height));
        }
        sizes.dedup();
        sizes
    };
    let sizes = tokio::select! {
        () = posting => panic!("endless"),
        sizes = tokio::time::timeout(Duration::from_secs(60), reading) => sizes.unwrap(),
    };
    assert_eq!(sizes, [(322, 182), (640, 360)], "an encoder for each size");

    let ts = collecting.lock().clone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.ts");
    std::fs::write(&file, ts).unwrap();
    let entries = "-v error -select_streams v -count_frames -show_entries stream=codec_name,nb_read_frames -of csv=p=0";
    let mut arguments: Vec<_> = entries.split(' ').collect();
    arguments.push(file.to_str().unwrap());
    let told = run("ffprobe", &arguments).await;
    let (codec, count) = told.lines().next().unwrap().split_once(',').unwrap();
    let count: u32 = count.trim_matches(',').parse().unwrap();
    assert!(codec == "h264" && count > 30, "{told}");
    collector.abort();
    drop(link);
}
