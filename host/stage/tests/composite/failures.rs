//! Sources, encoders and canvases that fail or change, while somebody records.

use crate::support::*;
use std::process::Command;
use std::time::Instant;

const SPEC: &str = r#"{"width": 320, "height": 180, "hold_ms": 400,
    "encoding": {"preset": "ultrafast", "keyframe_ms": 250},
    "sources": [{"id": "cam", "title": "'Cam' %{pts}", "from": {"stream": "live/cam"}},
        {"id": "tone", "from": {"file": "green.mp4"}}]}"#;

/// The same colour and tone in other pictures.
const SMALL: &str = "-i red.mp4 -vf scale=160:90 -c:v libx264 -preset ultrafast -g 15 \
    -c:a copy small.mp4";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_dies_is_held_then_a_slate_and_comes_back_by_itself() {
    let house = House::new();
    clip(house.media.path(), "red.mp4", "red", 440).await;
    clip(house.media.path(), "green.mp4", "green", 880).await;
    let (link, composite) = house.composite(SPEC);
    let mut changes = composite.changed();
    let connected = || composite.scene(0, 0).sources[0].connected;
    composite
        .arrange(&arranged(vec![quarter("cam", 0), quarter("tone", 3)]))
        .unwrap();
    assert!(!connected());
    let first = camera(&house, "live/cam", "red.mp4");
    until("the camera is there", || {
        connected() && composite.scene(0, 0).sources[1].connected
    })
    .await;
    assert!(changes.has_changed().unwrap());
    settled(&composite).await;
    let recorder = Recorder::start(&house.stream("wall/test"));
    frames(&composite, 20).await;
    changes.borrow_and_update();
    first.abort();
    until("the camera is missed", || !connected()).await;
    assert!(changes.has_changed().unwrap());
    frames(&composite, 15).await;
    // It comes back as another, with smaller pictures.
    ffmpeg(house.media.path(), SMALL).await;
    let second = camera(&house, "live/cam", "small.mp4");
    let width = || composite.scene(0, 0).sources[0].width;
    until("the camera is back", || connected() && width() == 160).await;
    frames(&composite, 40).await;
    second.abort();
    let recording = Recording::decode(&house, &recorder.stop().await).await;
    assert_eq!(
        composite.figures().encoders,
        1,
        "the encoder ends for none of that"
    );
    link.stop().await;

    recording.assert_no_frame_is_missing();
    let mut corners: Vec<Option<char>> = (0..recording.frames.len())
        .map(|n| recording.colour(n, 12, 10))
        .collect();
    assert!(
        corners.iter().all(|it| matches!(it, Some('r' | 's'))),
        "{corners:?}"
    );
    corners.dedup();
    assert_eq!(
        corners,
        [Some('r'), Some('s'), Some('r')],
        "held, then a slate, then back"
    );
    let other = (0..recording.frames.len()).all(|n| recording.quarters(n).ends_with('g'));
    assert!(other, "the other source is not touched");
    let peaks = recording.peaks();
    assert!(
        peaks[2..peaks.len() - 2].iter().all(|peak| *peak > 1_500),
        "{peaks:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoder_that_dies_or_stops_is_replaced_within_two_seconds_and_readers_stay() {
    let house = House::new();
    clip(house.media.path(), "green.mp4", "green", 880).await;
    let (link, composite) = house.composite(SPEC);
    composite
        .arrange(&arranged(vec![quarter("tone", 3)]))
        .unwrap();
    until("the clip is there", || {
        composite.scene(0, 0).sources[1].connected
    })
    .await;
    let stream = house.stream("wall/test");
    settled(&composite).await;
    let recorder = Recorder::start(&stream);
    let encoder = || house.child("composite encoder");
    let bytes = || stream.snapshot(Instant::now()).bytes;
    for signal in ["KILL", "STOP"] {
        frames(&composite, 30).await;
        let pid = encoder().unwrap();
        let sent = Command::new("kill")
            .args([format!("-{signal}"), pid.to_string()])
            .status();
        assert!(sent.unwrap().success());
        let begun = Instant::now();
        until("another encoder", || encoder().is_some_and(|it| it != pid)).await;
        let before = bytes();
        until("it makes media", || bytes() > before).await;
        let took = begun.elapsed().as_millis();
        assert!(took < 2_000, "{signal}: {took} ms");
    }
    frames(&composite, 30).await;
    let recorded = recorder.stop().await;
    link.stop().await;
    let recording = Recording::decode(&house, &recorded).await;
    let steps: Vec<i64> = recording
        .pts
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(
        steps.iter().all(|step| (1..=90_000).contains(step)),
        "time goes on: {steps:?}"
    );
    assert!((0..recording.frames.len()).all(|n| recording.quarters(n).ends_with('g')));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_and_canvas_change_on_air_and_files_that_are_no_media_stay_slates() {
    let house = House::new();
    clip(house.media.path(), "green.mp4", "green", 880).await;
    std::fs::write(house.media.path().join("odd.mp4"), "not a video").unwrap();
    // Odd sides, ten bits, no sound, turned on its side by its display matrix.
    ffmpeg(house.media.path(), "-f lavfi -i color=c=blue:s=321x181:r=15 -t 2 -c:v libx265 -x265-params log-level=error -pix_fmt yuv444p10le flat.mp4").await;
    ffmpeg(
        house.media.path(),
        "-i flat.mp4 -c copy -metadata:s:v rotate=90 phone.mp4",
    )
    .await;
    let (link, composite) = house.composite(SPEC);
    let stream = house.stream("wall/test");
    let mut spec = (*composite.spec()).clone();
    let source = |id: &str, file: &str| {
        serde_json::from_str(&format!(
            r#"{{"id": "{id}", "from": {{"file": "{file}"}}}}"#
        ))
        .unwrap()
    };
    spec.sources = vec![
        source("odd", "odd.mp4"),
        source("phone", "phone.mp4"),
        source("none", "none.mp4"),
    ];
    composite.update(spec.clone()).unwrap();
    let tiles = vec![
        quarter("odd", 0),
        quarter("phone", 1),
        quarter("none", 2),
        quarter("tone", 3),
    ];
    composite.arrange(&arranged(tiles)).unwrap();
    let seen = || composite.scene(0, 0).sources;
    until("the phone's video is there", || seen()[1].connected).await;
    assert_eq!(
        (seen()[1].width, seen()[1].height),
        (100, 180),
        "upright, within the canvas"
    );
    assert!(!seen()[0].connected && !seen()[2].connected);
    settled(&composite).await;
    let recorder = Recorder::start(&stream);
    frames(&composite, 20).await;
    let recording = Recording::decode(&house, &recorder.stop().await).await;
    let last = recording.frames.len() - 1;
    let corners = [(12, 10), (172, 10), (12, 100), (172, 100)];
    let corners = corners.map(|(x, y)| recording.colour(last, x, y).unwrap_or('?'));
    assert_eq!(
        corners,
        ['s', 'b', 's', 'k'],
        "one that is no source any more is not drawn"
    );

    spec.width = 640;
    composite.update(spec.clone()).unwrap();
    until("another encoder", || composite.figures().encoders == 2).await;
    frames(&composite, 20).await;
    spec.width = 641;
    assert!(
        composite
            .update(spec)
            .unwrap_err()
            .to_string()
            .contains("odd")
    );
    link.stop().await;
}
