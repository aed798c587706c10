//! A publisher that leaves and comes back.

use crate::support::{Host, bounded, peer, until};
use std::time::Instant;
use tokio::process::Child;

/// FFmpeg sends three seconds of a moving picture and a tone, and says goodbye.
fn three_seconds(url: &str) -> Child {
    let args = "-v error -nostdin -re -f lavfi -i testsrc2=size=320x180:rate=25 -re -f lavfi \
                -i sine=frequency=440:sample_rate=48000 -t 3 -c:v libx264 -preset ultrafast \
                -tune zerolatency -g 25 -c:a aac -flush_packets 1 -f mpegts";
    let args: Vec<_> = args.split_whitespace().chain([url]).collect();
    peer("ffmpeg", &args)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_stays_while_a_publisher_leaves_and_returns_and_time_goes_on() {
    let host = Host::new().await;
    let url = host.url("publish:a", "");
    let mut first = three_seconds(&url);
    let stream = host.on_air("a").await;
    let read = host.url("read:a", "");
    let args = "-v error -nostdin -probesize 200000 -analyzeduration 1000000 -i";
    let args = args.split(' ').chain([&*read]);
    let rest = "-t 4.5 -map 0:v -map 0:a -f framecrc -";
    let player = peer("ffmpeg", &args.chain(rest.split(' ')).collect::<Vec<_>>());
    until("the player is in", || {
        stream.snapshot(Instant::now()).viewers.len() == 1
    })
    .await;
    bounded("the first ends", first.wait()).await.unwrap();
    let is_gone = || !stream.snapshot(Instant::now()).sources[0].connected;
    until("the publisher is gone", is_gone).await;
    let _second = three_seconds(&url);
    let played = bounded("the player ends", player.wait_with_output()).await;
    let played = played.unwrap();
    assert_eq!(String::from_utf8_lossy(&played.stderr), "");
    let text = String::from_utf8_lossy(&played.stdout).into_owned();
    let of = |stream: &str| text.lines().filter(|it| it.starts_with(stream)).count();
    // Four and a half seconds, of which neither publisher sent more than three.
    assert!(of("0,") >= 105 && of("1,") >= 195, "{text}");
    let snapshot = stream.snapshot(Instant::now());
    assert_eq!(snapshot.discontinuities, 1, "the return is marked");
}
