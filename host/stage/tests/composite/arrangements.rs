//! The layout changes while somebody records.

use crate::support::*;
use std::time::Duration;

const COLOURS: [(&str, &str); 4] = [("red", "r"), ("green", "g"), ("blue", "b"), ("yellow", "y")];

/// Four clips on the four quarters of a canvas.
fn spec() -> String {
    let sources = COLOURS.map(|(name, _)| {
        format!(r#"{{"id": "{name}", "from": {{"file": "{name}.mp4"}}, "gain_db": -6}}"#)
    });
    let sources = sources.join(",");
    format!(
        r#"{{"width": 320, "height": 180, "sources": [{sources}], "encoding": {{"preset": "ultrafast", "keyframe_ms": 250}}}}"#
    )
}

/// Which source is in which quarter: the n-th of all orders, so that neighbours differ.
fn order(n: usize) -> [usize; 4] {
    let mut left = vec![0, 1, 2, 3];
    let mut rest = n % 24;
    [6, 2, 1, 1].map(|size| {
        let at = rest / size;
        rest %= size;
        left.remove(at.min(left.len() - 1))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_arrangements_are_recorded_without_a_missing_or_torn_frame() {
    let house = House::new();
    for (n, (name, _)) in COLOURS.into_iter().enumerate() {
        clip(
            house.media.path(),
            &format!("{name}.mp4"),
            name,
            300 + 200 * n as u32,
        )
        .await;
    }
    let (link, composite) = house.composite(&spec());
    let arrange = |n: usize| {
        let order = order(n);
        let tiles = (0..4).map(|at| quarter(COLOURS[order[at]].0, at)).collect();
        let arranged = composite.arrange(&arranged(tiles)).unwrap();
        assert_eq!((arranged.shown, arranged.unknown.len()), (4, 0));
        order.map(|it| COLOURS[it].1).concat()
    };
    let mut wanted = vec![arrange(0)];
    let scene = || composite.scene(0, 0);
    until("all clips are decoded", || {
        scene()
            .sources
            .iter()
            .all(|it| it.connected && it.width == 320)
    })
    .await;
    settled(&composite).await;
    let recorder = Recorder::start(&house.stream("wall/test"));
    for n in 1..=20 {
        frames(&composite, 6).await;
        wanted.push(arrange(n * 7));
    }
    let levels = scene()
        .sources
        .iter()
        .map(|it| it.audio_level_db.unwrap())
        .collect::<Vec<_>>();
    assert!(
        levels.iter().all(|level| (-30.0..-10.0).contains(level)),
        "{levels:?}"
    );
    frames(&composite, 45).await;
    let recording = Recording::decode(&house, &recorder.stop().await).await;
    link.stop().await;
    assert!(house.composites.get("wall/test").is_none());

    recording.assert_no_frame_is_missing();
    assert!(recording.frames.len() > 120, "{}", recording.frames.len());
    let mut seen: Vec<String> = (0..recording.frames.len())
        .map(|n| recording.quarters(n))
        .collect();
    seen.dedup();
    // The recording begins at a key frame, maybe before the first change.
    let begun = wanted.iter().position(|it| *it == seen[0]);
    let begun = begun.unwrap_or_else(|| panic!("{} is no arrangement of {wanted:?}", seen[0]));
    assert!(begun <= 2, "{seen:?}");
    assert_eq!(
        seen,
        wanted[begun..],
        "each wholly one, in order, none left out"
    );
    let peaks = recording.peaks();
    let heard = &peaks[2..peaks.len() - 2];
    assert!(
        heard.iter().all(|peak| *peak > 3_000),
        "sound goes on: {peaks:?}"
    );
    let late = (recording.sound_pts.1 - recording.pts.last().unwrap()).abs();
    assert!(late < 90_000, "sound and pictures keep together: {late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transition_moves_and_nonsense_stops_nothing() {
    let house = House::new();
    clip(house.media.path(), "red.mp4", "red", 440).await;
    ffmpeg(
        house.media.path(),
        "-f lavfi -i color=c=blue:s=64x36 -frames:v 1 logo.png",
    )
    .await;
    let spec = r#"{"width": 320, "height": 180, "transition": {"ms": 400},
        "encoding": {"preset": "ultrafast", "keyframe_ms": 250},
        "sources": [{"id": "red", "from": {"file": "red.mp4"}}, {"id": "logo", "from": {"file": "logo.png"}}],
        "overlays": [{"type": "image", "file": "logo.png", "x": 0, "y": 0}]}"#;
    let (link, composite) = house.composite(spec);
    let scene = || composite.scene(0, 0);
    until("both are there", || {
        scene().sources.iter().all(|it| it.connected)
    })
    .await;
    let mut left = quarter("red", 0);
    (left.area.width, left.area.height) = (80.0, 180.0);
    composite.arrange(&arranged(vec![left.clone()])).unwrap();
    settled(&composite).await;
    let recorder = Recorder::start(&house.stream("wall/test"));
    frames(&composite, 30).await;

    // Refused as a whole, or ignored; and the stream goes on.
    let many = vec![left.clone(); 10_000];
    assert!(composite.arrange(&arranged(many)).is_err());
    let mut odd = left.clone();
    odd.rotation = 45;
    assert!(composite.arrange(&arranged(vec![odd])).is_err());
    let mut empty = left.clone();
    empty.area.width = 0.0;
    let stranger = quarter("nobody", 1);
    let mut right = left.clone();
    right.area.x = 240.0;
    right.z = 5;
    let mut off = quarter("logo", 0);
    off.area.x = -5_000.0;
    let mut below = quarter("logo", 2);
    below.area.width = 400.0;
    let told = composite
        .arrange(&arranged(vec![right, empty, stranger, off, below]))
        .unwrap();
    assert_eq!((told.shown, told.unknown), (3, vec!["nobody".to_owned()]));
    frames(&composite, 60).await;
    let recording = Recording::decode(&house, &recorder.stop().await).await;
    link.stop().await;

    recording.assert_no_frame_is_missing();
    // The left edge of the red tile in each frame, at a height that nothing else touches.
    let edges: Vec<usize> = (0..recording.frames.len())
        .filter_map(|n| (0..WIDTH).find(|x| recording.colour(n, *x, 60) == Some('r')))
        .collect();
    let moving = edges.iter().filter(|edge| (8..232).contains(*edge)).count();
    assert!(
        (7..=13).contains(&moving),
        "about 400 ms of frames are on the way: {edges:?}"
    );
    assert!(
        edges.windows(2).all(|pair| pair[1] + 2 >= pair[0]),
        "it moves one way: {edges:?}"
    );
    let last = recording.frames.len() - 1;
    assert_eq!(recording.colour(last, 280, 60), Some('r'));
    assert_eq!(
        recording.colour(last, 100, 150),
        Some('b'),
        "the part of it that is on the canvas"
    );
    assert_eq!(recording.colour(last, 30, 18), Some('b'), "the overlay");
    assert_eq!(
        recording.colour(last, 160, 60),
        Some('k'),
        "nothing is there"
    );
    let quiet = Duration::from_secs(3);
    assert!(recording.frames.len() >= quiet.as_secs() as usize * 30 - 10);
}
