//! FFmpeg on both sides.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test that cannot go on says so.

mod udp_support;

use std::process::Stdio;
use tokio::process::{Child, Command};
use udp_support::{Host, PATIENCE, free_port, stream_connected, until};

fn ffmpeg(args: &[&str]) -> Child {
    Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg is installed")
}

/// Sends a moving picture and a tone for as long as it lives.
fn publisher(url: &str) -> Child {
    ffmpeg(&[
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-g",
        "25",
        "-c:a",
        "aac",
        "-f",
        "mpegts",
        url,
    ])
}

/// Decodes 50 pictures, two seconds, from the first that can be decoded: when the decoder joins
/// is its own affair. The times of pictures and of sound frames, each in its own unit.
async fn decode(url: &str) -> [Vec<i64>; 2] {
    let input = format!("{url}?timeout=10000000&fifo_size=50000");
    let child = ffmpeg(&[
        "-i",
        &input,
        "-map",
        "0:v",
        "-map",
        "0:a",
        "-frames:v",
        "50",
        "-f",
        "framecrc",
        "-",
    ]);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("the decoder ends")
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // A line is: stream, dts, pts, duration, size, checksum.
    ["0", "1"].map(|stream| {
        text.lines()
            .map(|line| line.split(',').map(str::trim).collect::<Vec<_>>())
            .filter(|fields| fields[0] == stream)
            .map(|fields| fields[2].parse().unwrap())
            .collect()
    })
}

/// Whether each time is one `step` after the one before.
fn regular(times: &[i64], step: i64) -> bool {
    times.windows(2).all(|pair| pair[1] - pair[0] == step)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_is_taken_in_and_two_ffmpegs_decode_what_goes_out() {
    let host = Host::new();
    let port = free_port();
    let _source = host.source(&format!("udp://127.0.0.1:{port}"));
    until("the source listens", || stream_connected(&host.stream)).await;
    let outputs = [free_port(), free_port()].map(|port| format!("udp://127.0.0.1:{port}"));
    let _links = outputs.each_ref().map(|url| host.output("out", url));
    let _publisher = publisher(&format!("udp://127.0.0.1:{port}?pkt_size=1316"));
    let (a, b) = tokio::join!(decode(&outputs[0]), decode(&outputs[1]));
    for [video, audio] in [a, b] {
        assert_eq!(video.len(), 50);
        // Of 93; FFmpeg ends with the last picture, and sound is coded a little later.
        assert!(audio.len() >= 80, "{} sound frames", audio.len());
        assert!(regular(&video, 1), "{video:?}");
        assert!(regular(&audio, 1024), "{audio:?}");
    }
    let sources = host.stream.snapshot(std::time::Instant::now()).sources;
    assert_eq!(
        (sources[0].continuity_errors, sources[0].skipped_bytes),
        (0, 0)
    );
    let codecs: Vec<_> = sources[0].tracks.iter().map(|track| track.codec).collect();
    assert_eq!(codecs, ["h264", "aac"]);
}
