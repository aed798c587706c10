//! Real FFmpegs, fed, watched, ill-treated and ended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on says so.

use bytes::BytesMut;
use ffmpeg::{Census, Error, Ffmpeg, Job, Output, QUIET, Trouble, words};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// How long anything may take on a busy machine.
const BOUND: Duration = Duration::from_secs(30);

/// A picture of 64x48 as planes of 4:2:0.
const PICTURE_BYTES: usize = 64 * 48 * 3 / 2;

fn quiet(line: &'static str) -> Vec<String> {
    words(QUIET).chain(words(line)).collect()
}

fn job(census: &Census) -> Job {
    Job::new(census, "test", "live/cam")
}

/// One that goes on for ever, at rest most of the time.
fn endless(job: Job) -> Ffmpeg {
    let arguments = quiet("-re -f lavfi -i testsrc2=size=64x48:rate=25 -f null -");
    job.start(arguments, Stdio::null()).unwrap()
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(BOUND, what).await;
    waited.expect("it took too long")
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + BOUND;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn read_all(output: &mut Output) -> BytesMut {
    let mut all = BytesMut::new();
    while within(output.read(&mut all)).await.unwrap() > 0 {}
    all
}

fn signal(pid: u32, name: &str) {
    let mut kill = std::process::Command::new("kill");
    let sent = kill.arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(sent.unwrap().success());
}

/// Runs it to its end, which has to be a bad one.
async fn trouble_of(arguments: Vec<String>, stdin: &[u8]) -> Error {
    let mut ffmpeg = job(&Census::default())
        .start(arguments, Stdio::piped())
        .unwrap();
    // It may be gone before it has read all.
    let _ = ffmpeg.stdin().unwrap().write_all(stdin).await;
    within(ffmpeg.finish()).await.unwrap_err()
}

#[tokio::test]
async fn raw_pictures_go_in_and_out_by_several_pipes() {
    let census = Census::default();
    let mut job = job(&census);
    let mut extra = job.input().unwrap();
    let (mut plain, mut upside_down) = (job.output().unwrap(), job.output().unwrap());
    let mut arguments = quiet("-f rawvideo -pix_fmt yuv420p -s 64x48 -i");
    arguments.push(extra.name());
    arguments.extend(words("-map 0:v -f rawvideo"));
    arguments.push(plain.name());
    arguments.extend(words("-map 0:v -vf vflip -f rawvideo"));
    arguments.push(upside_down.name());
    let ffmpeg = job.start(arguments, Stdio::null()).unwrap();
    // Another child has none of its ends, so they close with the one they are for.
    let mut other = endless(Job::new(&census, "other", "live/other"));

    let picture: Vec<u8> = (0..PICTURE_BYTES).map(|n| (n / 64) as u8).collect();
    within(extra.write_all(&picture)).await.unwrap();
    drop(extra);
    let (first, second) = tokio::join!(read_all(&mut plain), read_all(&mut upside_down));
    assert!(first[..] == picture[..], "{} bytes", first.len());
    let rows = |all: &[u8]| {
        all[..64 * 48]
            .chunks(64)
            .map(|row| row[0])
            .collect::<Vec<_>>()
    };
    let turned: Vec<u8> = rows(&first).into_iter().rev().collect();
    assert_eq!(rows(&second), turned);
    within(ffmpeg.finish()).await.unwrap();
    other.end().await;
}

#[tokio::test]
async fn the_census_shows_who_runs_what_it_costs_and_how_far_it_is() {
    let census = Census::default();
    let mut ffmpeg = endless(job(&census));
    until("a report", || {
        let seen = census.list();
        let progress = seen[0].progress.unwrap_or_default();
        progress.frames > 5 && progress.speed.is_some() && seen[0].rss_bytes > 1_000_000
    })
    .await;
    let seen = census.list().remove(0);
    assert_eq!((seen.what, seen.of.as_str()), ("test", "live/cam"));
    assert_eq!(seen.trouble, None);
    assert!(seen.uptime_ms > 0 && seen.since_unix_ms > 1_600_000_000_000);
    assert!((0.0..400.0).contains(&seen.cpu_percent), "{seen:?}");
    let progress = seen.progress.unwrap();
    assert!(progress.out_time_us.unwrap() > 100_000, "{progress:?}");
    ffmpeg.end().await;
    drop(ffmpeg);
    assert_eq!(census.list(), []);
}

#[tokio::test]
async fn each_kind_of_trouble_is_told_from_the_others() {
    let cases: [(&'static str, &[u8], Trouble); 6] = [
        (
            "-f mpegts -i pipe:0 -f null -",
            &[0x11; 100_000],
            Trouble::BadInput,
        ),
        ("-f mpegts -i pipe:0 -f null -", &[], Trouble::BadInput),
        (
            "-f lavfi -i testsrc2 -frames:v 1 -c:v libx999 -f null -",
            &[],
            Trouble::MissingCodec,
        ),
        (
            "-vaapi_device /dev/dri/none -f lavfi -i testsrc2 -frames:v 1 -f null -",
            &[],
            Trouble::NoDevice,
        ),
        (
            "-y -f lavfi -i testsrc2 -frames:v 9 -f rawvideo /dev/full",
            &[],
            Trouble::DiskFull,
        ),
        (
            "-max_alloc 2000 -f rawvideo -pix_fmt gray -s 64x64 -i pipe:0 -f null -",
            &[0; 100_000],
            Trouble::OutOfMemory,
        ),
    ];
    for (line, stdin, expected) in cases {
        let error = trouble_of(quiet(line), stdin).await;
        assert_eq!(error.trouble(), Some(expected), "{line}: {error}");
    }
}

#[tokio::test]
async fn one_that_is_killed_or_stopped_is_found_within_two_seconds() {
    for (name, expected) in [
        ("KILL", Trouble::Killed { signal: 9 }),
        ("STOP", Trouble::Stopped),
    ] {
        let census = Census::default();
        let mut ffmpeg = endless(job(&census));
        until("a report", || census.list()[0].progress.is_some()).await;
        let began = Instant::now();
        signal(census.list()[0].pid, name);
        let read = within(ffmpeg.read(&mut BytesMut::new())).await;
        assert_eq!(read.unwrap(), 0);
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        let error = within(ffmpeg.explain()).await;
        assert_eq!(error.trouble(), Some(expected), "{error}");
    }
}

#[tokio::test]
async fn one_that_makes_nothing_of_what_it_is_given_is_ended() {
    let stall = Duration::from_secs(1);
    let job = job(&Census::default()).watched(stall);
    let arguments = quiet("-f mpegts -i pipe:0 -f null -");
    let mut ffmpeg = job.start(arguments, Stdio::piped()).unwrap();
    let mut stdin = ffmpeg.stdin().unwrap();
    let mut null = [0xff; 188];
    null[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    let feed = async {
        while stdin.write_all(&null).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(feed).await;
    let error = within(ffmpeg.explain()).await;
    assert_eq!(
        error.trouble(),
        Some(Trouble::Stalled { seconds: 1 }),
        "{error}"
    );
}

/// Half as fast as its media, whatever the machine.
#[tokio::test]
async fn what_this_machine_cannot_carry_is_said() {
    let job = job(&Census::default()).paced(Duration::from_secs(3));
    let line = "-f rawvideo -pix_fmt yuv420p -s 64x48 -r 25 -i pipe:0 \
        -vf realtime=speed=0.5 -f null -";
    let mut ffmpeg = job.start(quiet(line), Stdio::piped()).unwrap();
    let mut stdin = ffmpeg.stdin().unwrap();
    let picture = [0x80; PICTURE_BYTES];
    let feed = async { while stdin.write_all(&picture).await.is_ok() {} };
    within(feed).await;
    let error = within(ffmpeg.explain()).await;
    let Some(Trouble::TooSlow { percent }) = error.trouble() else {
        panic!("{error}")
    };
    assert!((20..80).contains(&percent), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("this machine cannot carry it: 0."),
        "{error}"
    );
}

/// What it is given comes at half its rate: that is nobody's fault.
#[tokio::test]
async fn one_that_waits_for_media_is_not_too_slow() {
    let census = Census::default();
    let job = job(&census).paced(Duration::from_secs(1));
    let line = "-f rawvideo -pix_fmt yuv420p -s 64x48 -r 25 -i pipe:0 -f null -";
    let mut ffmpeg = job.start(quiet(line), Stdio::piped()).unwrap();
    let mut stdin = ffmpeg.stdin().unwrap();
    let picture = [0x80; PICTURE_BYTES];
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        within(stdin.write_all(&picture)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    drop(stdin);
    within(ffmpeg.finish()).await.unwrap();
}
