//! Regions.

use crate::support::{Host, Pictures, ffmpeg, record, signal, until, within};
use link::LinkHandle;
use link::context::Settings;
use model::LinkState;
use model::layout::Rect;
use model::split::{Region, SplitSource, SplitSpec};
use stage::hardware::{self, Profiles};
use stage::split;
use std::time::Instant;

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

/// The same picture again and again, so that any that comes out can be compared with it.
const STILL: &str = "-re -f lavfi -i \
    testsrc2=size=320x240:rate=25,trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB \
    -pix_fmt yuv420p -c:v libx264 -preset ultrafast -qp 10 -g 25";

fn region(stream: &str, part: [f64; 4], rotation: u32, size: (u32, u32)) -> Region {
    let [x, y, width, height] = part;
    Region {
        stream: stream.parse().unwrap(),
        part: Rect {
            x,
            y,
            width,
            height,
        },
        rotation,
        width: size.0,
        height: size.1,
        video_kbps: 2_000,
        audio: true,
    }
}

fn quarters() -> Vec<Region> {
    vec![
        region("wall/a", [0.0, 0.0, 0.5, 0.5], 0, (160, 120)),
        region("wall/b", [0.5, 0.0, 0.5, 0.5], 90, (120, 160)),
        region("wall/c", [0.0, 0.5, 0.5, 0.5], 180, (160, 120)),
        region("wall/d", [0.5, 0.5, 0.5, 0.5], 270, (120, 160)),
    ]
}

fn spec(from: SplitSource, regions: Vec<Region>) -> SplitSpec {
    SplitSpec {
        from,
        regions,
        hardware: model::encode::Hardware::Cpu,
        key_frame_ms: 1_000,
        audio: model::encode::AudioSpec::default(),
    }
}

fn profiles(host: &Host) -> Profiles {
    Profiles::new(host.context.children(), hardware::Settings::default())
}

/// A plane of brightness, row by row.
struct Plane {
    width: usize,
    samples: Vec<u8>,
}

impl Plane {
    /// The last picture that FFmpeg decodes.
    async fn decoded(stream: &[u8], width: usize, height: usize) -> Self {
        let (raw, _) = ffmpeg(
            stream,
            "-f mpegts -i pipe:0 -f rawvideo -pix_fmt gray pipe:1",
        )
        .await;
        assert!(raw.len() >= width * height && raw.len().is_multiple_of(width * height));
        let samples = raw[raw.len() - width * height..].to_vec();
        Self { width, samples }
    }

    fn at(&self, x: usize, y: usize) -> u8 {
        self.samples[y * self.width + x]
    }

    fn height(&self) -> usize {
        self.samples.len() / self.width
    }

    /// Half its width and height from there, turned clockwise.
    fn quarter(&self, (left, top): (usize, usize), rotation: u32) -> Self {
        let (wide, high) = (self.width / 2, self.height() / 2);
        let from = |x: usize, y: usize| self.at(left + x, top + y);
        let (width, height) = match rotation {
            90 | 270 => (high, wide),
            _ => (wide, high),
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let samples = places.map(|(x, y)| match rotation {
            90 => from(y, high - 1 - x),
            180 => from(wide - 1 - x, high - 1 - y),
            270 => from(wide - 1 - y, x),
            _ => from(x, y),
        });
        let samples = samples.collect();
        Self { width, samples }
    }

    /// How far its samples are from another's on average.
    fn distance(&self, other: &Self) -> f64 {
        assert_eq!((self.width, self.height()), (other.width, other.height()));
        let pairs = self.samples.iter().zip(&other.samples);
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / self.samples.len() as f64
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_have_the_same_times_and_show_their_parts_turned() {
    let mut host = Host::start();
    let camera = host.feed("live/cam", STILL);
    let from = SplitSource::Stream("live/cam".parse().unwrap());
    let link = split::start(
        host.wiring(&camera),
        spec(from, quarters()),
        &profiles(&host),
    );
    until("regions", || host.stream("wall/d").is_some()).await;
    let names = ["wall/a", "wall/b", "wall/c", "wall/d"];
    let streams = names.map(|name| host.stream(name).unwrap());
    let mut seen = streams.each_ref().map(Pictures::of);
    let [a, b, c, d] = &mut seen;
    let times = tokio::join!(a.times(40), b.times(40), c.times(40), d.times(40));
    assert!(
        times.0.1.len() >= 2,
        "key frames every second: {:?}",
        times.0.1
    );
    assert_eq!(times.0, times.1);
    assert_eq!(times.1, times.2);
    assert_eq!(times.2, times.3);

    let whole = Plane::decoded(&record(&camera, 60).await, WIDTH, HEIGHT).await;
    let corners = [
        (0, 0),
        (WIDTH / 2, 0),
        (0, HEIGHT / 2),
        (WIDTH / 2, HEIGHT / 2),
    ];
    for ((region, stream), corner) in quarters().iter().zip(&streams).zip(corners) {
        let expected = whole.quarter(corner, region.rotation);
        let recorded = record(stream, 60).await;
        let shown = Plane::decoded(&recorded, expected.width, expected.height()).await;
        let distance = shown.distance(&expected);
        assert!(distance < 4.0, "{}: {distance}", region.stream);
        // The measure tells: another corner is far off.
        let opposite = (WIDTH / 2 - corner.0, HEIGHT / 2 - corner.1);
        let other = whole.quarter(opposite, region.rotation);
        assert!(shown.distance(&other) > 10.0, "{}", region.stream);
    }
    within(link.stop()).await;
    assert!(names.iter().all(|name| host.stream(name).is_none()));
}

/// A host with a media folder that has this one file.
fn host_of(file: &str, bytes: &[u8]) -> (Host, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), bytes).unwrap();
    let settings = Settings {
        media: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    (Host::with(settings), folder)
}

/// As [`host_of`], with a file that FFmpeg makes.
async fn host_with(file: &str, made_by: &str) -> (Host, tempfile::TempDir) {
    let (made, _) = ffmpeg(&[], made_by).await;
    host_of(file, &made)
}

fn play(host: &Host, file: &str, regions: Vec<Region>) -> LinkHandle {
    let name = "wall/anchor".parse().unwrap();
    let anchor = host.context.registry().declare(&name, None).unwrap();
    let from = SplitSource::File(file.to_owned());
    split::start(host.wiring(&anchor), spec(from, regions), &profiles(host))
}

fn halves() -> Vec<Region> {
    let left = region("wall/left", [0.0, 0.0, 0.5, 1.0], 0, (160, 120));
    let right = region("wall/right", [0.5, 0.0, 0.5, 1.0], 0, (160, 120));
    vec![left, right]
}

/// Odd sides, ten bits, six channels, a rate that varies, under a name that means something to
/// FFmpeg, shells and filters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strange_file_of_a_strange_name_is_split_and_goes_on_after_a_kill() {
    let name = "-i concat:a|b 'c' \"d\"; [e],f=..\n.mkv";
    let (host, _folder) = host_with(
        name,
        "-v error -f lavfi -i testsrc2=size=321x241:rate=25 \
         -f lavfi -i sine=frequency=440 -t 2 -pix_fmt yuv444p10le \
         -vf select='mod(n\\,3)' -fps_mode vfr -c:v ffv1 -ac 6 -c:a flac -f matroska pipe:1",
    )
    .await;
    let link = play(&host, name, halves());
    until("regions", || host.stream("wall/right").is_some()).await;
    let [left, right] = ["wall/left", "wall/right"].map(|it| host.stream(it).unwrap());
    let (mut of_left, mut of_right) = (Pictures::of(&left), Pictures::of(&right));
    let times = tokio::join!(of_left.times(40), of_right.times(40));
    assert_eq!(times.0, times.1, "over the end of the file, too");
    let before = of_left.next().await.pts;

    let began = Instant::now();
    let pid = host.child("split").await;
    signal(pid, "KILL");
    until("another", || {
        let all = host.context.children().list();
        all.iter().any(|it| it.what == "split" && it.pid != pid)
    })
    .await;
    while !of_left.next().await.random_access {}
    let after = of_left.next().await.pts;
    let passed = (after - before).0 as f64 / 90_000.0;
    let real = began.elapsed().as_secs_f64();
    assert!(
        (0.0..real + 3.0).contains(&passed),
        "{passed} s in {real} s"
    );
    // What each still had to make of the old one is over.
    while of_right.next().await.pts < after {}
    let (left, _) = of_left.times(40).await;
    let (right, _) = of_right.times(60).await;
    assert!(
        right.iter().filter(|it| left.contains(it)).count() >= 25,
        "{left:?} {right:?}"
    );
    within(link.stop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_forty_channels_the_first_two_are_heard() {
    // A second of 40 channels, of which two are not silent.
    let wave = |n: usize| ((n as f64 / 4.0).sin() * 16_000.0) as i16;
    let sample = |n: usize| (0..40).map(move |c| if c < 2 { wave(n) } else { 0 });
    let sound: Vec<u8> = (0..48_000)
        .flat_map(sample)
        .flat_map(i16::to_le_bytes)
        .collect();
    let line = "-v error -f lavfi -i testsrc2=size=64x48:rate=25 -f s16le -ar 48000 -ac 40 \
        -i pipe:0 -t 1 -c:v libx264 -preset ultrafast -c:a pcm_s16le -f matroska pipe:1";
    let (made, _) = ffmpeg(&sound, line).await;
    let (host, _folder) = host_of("many.mkv", &made);
    let link = play(&host, "many.mkv", halves());
    until("a region", || host.stream("wall/left").is_some()).await;
    let recorded = record(&host.stream("wall/left").unwrap(), 400).await;
    let said = "-v info -f mpegts -i pipe:0 -vn -af volumedetect -f null -";
    let (_, said) = ffmpeg(&recorded, said).await;
    let level = said.split("mean_volume: ").nth(1).expect(&said);
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap();
    assert!((-14.0..-6.0).contains(&level), "a tone at -9 dBFS: {level}");
    within(link.stop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_video_is_said_to_be_none() {
    for (made_by, words) in [
        (
            "-v error -f lavfi -i testsrc2 -t 0 -c:v libx264 -movflags empty_moov -f mp4 pipe:1",
            "Cannot determine format of input stream",
        ),
        (
            "-v error -f lavfi -i anullsrc -t 1 -f matroska -c:a flac pipe:1",
            "matches no streams",
        ),
        (
            "-v error -f lavfi -i testsrc2 -frames:v 1 -c:v png -f image2pipe pipe:1",
            "Format not on whitelist",
        ),
    ] {
        let (host, _folder) = host_with("some.file", made_by).await;
        let link = play(&host, "some.file", halves());
        let error = || link.snapshot().status.last_error.unwrap_or_default();
        until(words, || !error().is_empty()).await;
        assert!(error().contains(words), "{}", error());
    }
    let (host, _folder) =
        host_with("x", "-v error -f lavfi -i testsrc2 -t 0.1 -f nut pipe:1").await;
    for (path, words) in [
        ("../../etc/passwd", "it leads out of the folder"),
        ("concat:x|x", "cannot open concat:x|x"),
    ] {
        let link = play(&host, path, halves());
        let error = || link.snapshot().status.last_error.unwrap_or_default();
        until(words, || !error().is_empty()).await;
        assert!(error().contains(words), "{}", error());
        within(link.stop()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_too_small_for_the_picture_is_named() {
    let mut host = Host::start();
    let camera = host.feed("live/cam", STILL);
    let from = SplitSource::Stream("live/cam".parse().unwrap());
    let mut regions = halves();
    regions.push(region("wall/dot", [0.5, 0.5, 0.001, 0.5], 0, (160, 120)));
    let link = split::start(host.wiring(&camera), spec(from, regions), &profiles(&host));
    until("an error", || {
        link.snapshot().status.state == LinkState::Failed
    })
    .await;
    let error = link.snapshot().status.last_error.unwrap();
    assert!(
        error.contains("region wall/dot: its part of a picture of 320x240"),
        "{error}"
    );
}
