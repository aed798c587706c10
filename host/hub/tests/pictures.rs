//! Frozen and black pictures of real encoders, told without decoding, from transport streams and
//! from frames.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use bytes::Bytes;
use hub::{Registry, Settings, Stream};
use media::still::{Limits, Verdict};
use media::ts::demux::Demuxer;
use media::{Convert, Frame, TsChunk};
use model::{Label, Protocol};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// The encoded second is played in so long: a limit of 200 ms is one of 4 s of the content.
const SPEED: u32 = 20;
const LIMIT: Duration = Duration::from_millis(200);
const PICTURES: u32 = 250;

/// Ten seconds at 25 a second, without sound, a key frame every other second.
fn encoded(picture: &str, options: &str) -> Bytes {
    let line = format!(
        "-v error -f lavfi -i {picture} -frames:v {PICTURES} -pix_fmt yuv420p -c:v libx264 \
         -preset veryfast -threads 1 -g 50 {options} -f mpegts -muxdelay 0 -"
    );
    let made = Command::new("ffmpeg")
        .args(line.split_whitespace())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    made.stdout.into()
}

/// Packets cut where pictures begin, so that each comes in its time.
fn units(ts: &Bytes) -> Vec<Bytes> {
    let is_start = |packet: &[u8]| packet[1..3] == [0x41, 0x00];
    let packets = ts.chunks(188).enumerate();
    let starts = packets.filter(|(_, packet)| is_start(packet));
    let mut cuts: Vec<usize> = starts.map(|(n, _)| n * 188).collect();
    assert_eq!(cuts.len(), PICTURES as usize);
    cuts[0] = 0;
    cuts.push(ts.len());
    cuts.windows(2)
        .map(|two| ts.slice(two[0]..two[1]))
        .collect()
}

fn frames(ts: &Bytes) -> Vec<Frame> {
    let (mut demuxer, mut frames) = (Demuxer::new(), Vec::new());
    let chunk = TsChunk {
        data: ts.clone(),
        random_access: true,
        epoch: 0,
    };
    demuxer.convert(UNIX_EPOCH, &chunk, &mut frames);
    demuxer.finish(&mut frames);
    assert_eq!(frames.len(), PICTURES as usize);
    frames
}

fn stream(registry: &Registry, name: &str) -> Arc<Stream> {
    let stream = registry.declare(&name.parse().unwrap(), None).unwrap();
    stream.watch_pictures(Limits {
        freeze: LIMIT,
        black: LIMIT,
    });
    stream
}

/// Lets pieces pass in real time, many times as fast as they were meant; what was said last.
async fn play<T>(stream: &Stream, id: &Label, pieces: Vec<T>, mut push: impl FnMut(T)) -> Verdict {
    let (began, count) = (Instant::now(), pieces.len() as u32);
    let whole = Duration::from_secs(u64::from(PICTURES) / 25) / SPEED;
    for (n, piece) in (0..).zip(pieces) {
        tokio::time::sleep_until((began + whole * n / count).into()).await;
        push(piece);
    }
    let verdict = stream.pictures(id);
    assert_eq!(stream.delivers(id), verdict.is_good());
    verdict
}

#[tokio::test]
async fn what_moves_is_never_called_frozen_and_what_does_not_is() {
    let moving = "testsrc2=size=640x360:rate=25";
    let quiet = "color=gray:size=640x360:rate=25[wall];color=white:size=80x80:rate=25[head];\
                 [wall][head]overlay=x=280+20*sin(n/12):y=140,noise=alls=3:allf=t";
    let froze = "mandelbrot=size=640x360:rate=25,trim=end_frame=50,tpad=stop=-1:stop_mode=clone";
    let (good, frozen) = (
        Verdict::default(),
        Verdict {
            frozen: true,
            black: false,
        },
    );
    let dark = Verdict {
        frozen: true,
        black: true,
    };
    let cases = [
        ("moving", moving, "-b:v 1M", good),
        ("moving, B-frames", moving, "-crf 30 -bf 3", good),
        ("a head that hardly moves", quiet, "-b:v 300k", good),
        ("frozen", froze, "-crf 23", frozen),
        ("black", "color=black:size=640x360:rate=25", "-b:v 1M", dark),
    ];
    let registry = Registry::new(Settings::default());
    let id: Label = "a".parse().unwrap();
    for (n, (name, picture, options, expected)) in cases.into_iter().enumerate() {
        let ts = encoded(picture, options);
        let of_ts = stream(&registry, &format!("ts/{n}"));
        let mut source = of_ts.connect_source(&id, Protocol::Udp, None).unwrap();
        let said = play(&of_ts, &id, units(&ts), |data| source.push_ts([data])).await;
        assert_eq!(said, expected, "{name}, packets");
        drop(source);
        assert_eq!(
            of_ts.pictures(&id),
            good,
            "{name}: what is gone is not frozen"
        );

        let of_frames = stream(&registry, &format!("frames/{n}"));
        let mut source = of_frames.connect_source(&id, Protocol::Rtmp, None).unwrap();
        let said = play(&of_frames, &id, frames(&ts), |frame| {
            source.push_frames([frame])
        })
        .await;
        assert_eq!(said, expected, "{name}, frames");
    }
}

/// A slate is a picture that stands still, and may be black: that is what it is for.
#[tokio::test]
async fn a_slate_is_never_called_frozen_or_black() {
    let registry = Registry::new(Settings::default());
    let stream = stream(&registry, "slate");
    let id: Label = "slate".parse().unwrap();
    let mut slate = stream.connect_source(&id, Protocol::Slate, None).unwrap();
    let black = encoded("color=black:size=640x360:rate=25", "-b:v 1M");
    let push = |frame| slate.push_frames([frame]);
    assert_eq!(
        play(&stream, &id, frames(&black), push).await,
        Verdict::default()
    );
    assert!(stream.delivers(&id));
}
