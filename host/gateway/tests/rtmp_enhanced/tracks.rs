//! Codecs and tracks that only enhanced RTMP has.

use crate::{Host, bounded};
use bytes::Bytes;
use hub::{Reader, Source, Start, Stream};
use media::codec::{aac, av1, opus};
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// AV1 temporal units of FFmpeg's, without delimiters, the first of them a key frame.
fn av1_units() -> Vec<Bytes> {
    let args = "-v error -f lavfi -i testsrc2=size=128x72:rate=25:duration=0.4 -c:v libaom-av1 \
                -cpu-used 8 -usage realtime -f ivf -";
    let made = std::process::Command::new("ffmpeg")
        .args(args.split_whitespace())
        .output();
    let mut rest = Bytes::from(made.unwrap().stdout).slice(32..);
    let mut units = Vec::new();
    while rest.len() > 12 {
        let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        // Behind the frame's head of 12 bytes and its delimiter of 2.
        units.push(rest.slice(14..12 + size));
        rest = rest.slice(12 + size..);
    }
    units
}

/// AV1, AAC and Opus.
fn tracks(first: &[u8]) -> Arc<Tracks> {
    let obu = Bytes::copy_from_slice(first);
    let video = av1::DecoderConfig::new(&obu).unwrap();
    let sound = aac::AudioSpecificConfig::new(2, 48_000, 2).unwrap();
    let head = opus::Head::new(2);
    let codecs = [
        Codec::Av1 {
            video: video.video().unwrap(),
            config: video.build(),
        },
        Codec::Aac {
            audio: sound.audio(),
            config: sound.build().unwrap(),
        },
        Codec::Opus {
            audio: head.audio(),
            config: head.build(),
        },
    ];
    let list = codecs.into_iter().enumerate().map(|(id, codec)| Track {
        id: TrackId(id as u8),
        codec,
        language: None,
    });
    Arc::new(Tracks {
        list: list.collect(),
    })
}

/// A silent AAC-LC stereo frame, as FFmpeg's encoder makes it.
const SILENCE: &[u8] = &[0x21, 0x10, 0x04, 0x60, 0x8C, 0x1C];

/// Feeds the same ten pictures, each begun with a key frame, and sound, at their own speed.
fn feeding(mut source: Source) -> JoinHandle<()> {
    let units = av1_units();
    let tracks = tracks(&units[0]);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(40));
        for n in 0i64.. {
            ticks.tick().await;
            let picture = units[n as usize % units.len()].clone();
            let frame = |track, part: i64, random_access, payload| Frame {
                tracks: tracks.clone(),
                track: TrackId(track),
                dts: Ticks90k(n * 3_600 + part),
                pts: Ticks90k(n * 3_600 + part),
                random_access,
                epoch: 0,
                payload,
            };
            source.push_frames([
                frame(0, 0, av1::is_key(&picture), picture.clone()),
                frame(1, 0, false, SILENCE.into()),
                frame(2, 0, false, Bytes::from_static(&[0b1111_1000, 1])),
                frame(2, 1_800, false, Bytes::from_static(&[0b1111_1000, 2])),
            ]);
        }
    })
}

/// The first frames of every track that is in the stream, once `count` tracks are.
async fn heard(stream: &Arc<Stream>, count: usize) -> Vec<Frame> {
    let mut reader: Reader<Frame> = stream.read_frames(Start::RandomAccess);
    let mut frames = Vec::new();
    loop {
        let mut batch = Vec::new();
        let read = reader.recv_many(&mut batch, 64).await;
        assert!(read.is_ok(), "{read:?}");
        frames.extend(batch);
        let of = |id| frames.iter().filter(move |frame| frame.track == id).count();
        let tracks = &frames.last().unwrap().tracks.list;
        if tracks.len() >= count && tracks.iter().all(|track| of(track.id) > 20) {
            return frames;
        }
    }
}

fn names(frame: &Frame) -> Vec<&'static str> {
    let tracks = frame.tracks.list.iter();
    tracks.map(|track| track.codec.name()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_tracks_are_pushed_to_and_pulled_from_another_host() {
    let (ours, theirs) = (Host::open().await, Host::open().await);
    let source = ours.feed("live/all");
    let stream = source.stream().clone();
    let feeding = feeding(source);
    let url = format!("rtmp://{}/live/pushed", theirs.address);
    let push = ours.output(&stream, &url);
    let pulled = theirs.declare("live/pulled");
    let pull = theirs.pull(&pulled, &format!("rtmp://{}/live/all", ours.address));
    let pushed = bounded("the push", async {
        loop {
            if let Some(stream) = theirs.context.registry().get("live/pushed") {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let units = av1_units();
    for stream in [pushed.await, pulled] {
        let frames = bounded("all tracks", heard(&stream, 3)).await;
        let last = frames.last().unwrap();
        assert_eq!(names(last), ["av1", "aac", "opus"]);
        let tracks = tracks(&units[0]);
        for (track, sent) in last.tracks.list.iter().zip(&tracks.list) {
            assert_eq!(track.codec, sent.codec);
        }
        let first = frames.iter().find(|frame| frame.random_access).unwrap();
        assert_eq!(first.payload, units[0], "the key frame, bit by bit");
    }
    feeding.abort();
    push.stop().await;
    pull.stop().await;
    ours.context.close().await;
    theirs.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_that_announces_nothing_gets_the_sound_it_can_play() {
    let host = Host::open().await;
    let feeding = feeding(host.feed("live/all"));
    let url = format!("rtmp://{}/live/all", host.address);
    let entries = ["-show_entries", "stream=codec_name", "-of", "csv=p=0"];
    let probe = tokio::process::Command::new("ffprobe")
        .args(["-v", "error", "-analyzeduration", "1000000"])
        .args(entries)
        .args(["-count_packets", "-read_intervals", "%+2", &url])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = bounded("ffprobe", probe).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told.trim(), "aac", "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    feeding.abort();
    host.context.close().await;
}
