//! Renditions.

use crate::support::{Host, Pictures, ffmpeg, label, record, signal, until, within};
use model::encode::{AudioCodec, EncodeSpec, Rendition};
use stage::encode;
use stage::hardware::{Profiles, Settings};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A second is 25 pictures, and a key frame comes every 50.
const CAMERA: &str = "-re -f lavfi -i testsrc2=size=426x240:rate=25 \
    -re -f lavfi -i sine=frequency=440:sample_rate=48000 -c:v libx264 -preset ultrafast \
    -g 50 -bf 2 -c:a aac";

fn spec(levels: &[(&str, u32)]) -> EncodeSpec {
    let renditions = levels.iter().map(|&(name, height)| Rendition {
        name: name.parse().unwrap(),
        height,
        video_kbps: 300,
    });
    EncodeSpec {
        renditions: renditions.collect(),
        key_frame_ms: 1_000,
        ..EncodeSpec::default()
    }
}

/// What FFmpeg's volumedetect found, dBFS.
fn mean_volume(said: &str) -> f64 {
    let level = said.split("mean_volume: ").nth(1).expect(said);
    level.split(' ').next().unwrap().parse().unwrap()
}

fn profiles(host: &Host) -> Profiles {
    Profiles::new(host.context.children(), Settings::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renditions_have_the_sources_times_and_key_frames_at_the_same_ones() {
    let mut host = Host::start();
    let camera = host.feed("live/cam", CAMERA);
    let mut original = Pictures::of(&camera);
    let spec = spec(&[("1080p", 1080), ("240p", 240), ("120p", 120)]);
    let link = encode::start(host.wiring(&camera), spec, &profiles(&host));
    let names = ["live/cam@240p", "live/cam@120p"];
    until("renditions", || {
        names.iter().all(|it| host.stream(it).is_some())
    })
    .await;
    assert!(host.stream("live/cam@1080p").is_none(), "never scaled up");

    let [high, low] = names.map(|name| host.stream(name).unwrap());
    let (mut of_high, mut of_low) = (Pictures::of(&high), Pictures::of(&low));
    let ((high_all, high_keys), (low_all, low_keys), (source, _)) =
        tokio::join!(of_high.times(85), of_low.times(85), original.times(140));
    assert_eq!(high_all, low_all);
    assert_eq!(high_keys, low_keys);
    assert!(high_keys.len() >= 3, "{high_keys:?}");
    let seconds: BTreeSet<i64> = high_keys.iter().map(|pts| pts / 90_000).collect();
    assert_eq!(
        seconds.len(),
        high_keys.len(),
        "one in each second: {high_keys:?}"
    );
    let known = |pts: &&i64| **pts <= *source.last().unwrap();
    let shown: BTreeSet<i64> = high_all.iter().filter(known).copied().collect();
    assert!(
        shown.len() > 20 && shown.is_subset(&source),
        "{shown:?} {source:?}"
    );

    let picture = of_low.next().await;
    let video = picture.tracks.video().unwrap().codec.video().unwrap();
    assert_eq!((video.width, video.height), (214, 120));
    let recorded = record(&low, 400).await;
    let (_, said) = ffmpeg(
        &recorded,
        "-v info -f mpegts -i pipe:0 -af volumedetect -f null -",
    )
    .await;
    let level = mean_volume(&said);
    assert!(
        (-25.5..-22.5).contains(&level),
        "a tone at -21 dBFS, its power spread over two channels: {level}"
    );

    within(link.stop()).await;
    for name in names {
        assert!(host.stream(name).is_none(), "{name} goes with its stage");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoder_that_is_killed_or_stopped_is_replaced_and_time_goes_on() {
    let mut host = Host::start();
    let camera = host.feed("live/cam", CAMERA);
    let spec = spec(&[("240p", 240), ("120p", 120)]);
    let link = encode::start(host.wiring(&camera), spec, &profiles(&host));
    until("a rendition", || host.stream("live/cam@120p").is_some()).await;
    let [high, low] = ["live/cam@240p", "live/cam@120p"].map(|it| host.stream(it).unwrap());
    let (mut of_high, mut of_low) = (Pictures::of(&high), Pictures::of(&low));
    of_low.times(25).await;
    for name in ["STOP", "KILL"] {
        let before = of_low.next().await.pts.0;
        let pid = host.child("encode").await;
        let began = Instant::now();
        signal(pid, name);
        // What was on its way is no recovery: a new child begins with a key frame.
        let back = loop {
            let frame = of_low.next().await;
            let renewed = host.context.children().list();
            let renewed = renewed
                .iter()
                .any(|it| it.what == "encode" && it.pid != pid);
            if renewed && frame.random_access {
                break frame;
            }
        };
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        let ahead = (back.pts.0 - before) as f64 / 90_000.0;
        assert!((0.0..8.0).contains(&ahead), "{name}: {ahead} s");
        eprintln!("{name}: back after {took:?}, {ahead} s on");
    }
    // Both are still on one timeline.
    let ((of_high, _), (of_low, _)) = tokio::join!(of_high.times(150), of_low.times(25));
    assert!(
        of_low.iter().filter(|it| of_high.contains(it)).count() >= 20,
        "{of_high:?} {of_low:?}"
    );
    within(link.stop()).await;
}

/// Smaller, and without sound.
const SPARE: &str = "-re -f lavfi -i testsrc2=size=320x180:rate=25 -c:v libx264 \
    -preset ultrafast -g 25";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_size_on_air_gets_other_renditions() {
    let mut host = Host::start();
    let camera = host.feed("live/cam", CAMERA);
    let mut spec = spec(&[("240p", 240), ("120p", 120)]);
    (spec.audio.codec, spec.audio.gain_db) = (AudioCodec::Opus, 9.0);
    let link = encode::start(host.wiring(&camera), spec, &profiles(&host));
    until("a rendition", || host.stream("live/cam@240p").is_some()).await;
    let low = host.stream("live/cam@120p").unwrap();
    let mut of_low = Pictures::of(&low);
    let before = of_low.next().await;
    assert_eq!(before.tracks.audio().unwrap().codec.name(), "opus");
    let line = "-v info -f mpegts -i pipe:0 -vn -af volumedetect -f null -";
    let (_, said) = ffmpeg(&record(&low, 300).await, line).await;
    let level = mean_volume(&said);
    assert!(
        (-16.5..-13.5).contains(&level),
        "the same and 9 dB more: {level}"
    );
    host.feed_by("spare", "live/cam", SPARE);
    camera.take(&label("spare"));
    until("one rendition less", || {
        host.stream("live/cam@240p").is_none()
    })
    .await;
    // The same stream goes on, at the new shape.
    let width = |frame: &media::Frame| {
        let codec = &frame.tracks.video().unwrap().codec;
        codec.video().unwrap().width
    };
    assert_eq!(width(&before), 214, "426x240");
    let after = loop {
        let frame = of_low.next().await;
        if width(&frame) == 214 && frame.pts > before.pts + media::Ticks90k(90_000 * 20) {
            panic!("never changed");
        }
        if frame.tracks.audio().is_none() {
            break frame;
        }
    };
    assert!(after.pts > before.pts, "{after:?} {before:?}");
    within(link.stop()).await;
}
