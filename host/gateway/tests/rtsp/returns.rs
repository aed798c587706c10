//! A publisher that leaves and comes back.

use crate::support::*;
use std::time::Instant;
use tokio::process::Child;

fn three_seconds(url: &str) -> Child {
    let mut args = source(H264, AAC);
    args.extend(["-t", "3", "-f", "rtsp", "-rtsp_transport", "tcp", url].map(str::to_owned));
    spawn("ffmpeg", &args)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_stays_while_a_publisher_leaves_and_returns_and_time_goes_on() {
    let house = House::start().await;
    let url = house.url("a");
    let mut first = three_seconds(&url);
    house.on_air("a").await;
    let args = "-v error -nostdin -rtsp_transport tcp -i URL -t 4.5 -map 0:v -map 0:a \
                -f framecrc -";
    let args: Vec<_> = args
        .split_whitespace()
        .map(|word| if word == "URL" { &*url } else { word })
        .collect();
    let returning = async {
        until("the player", || house.viewers("a") == 1).await;
        bounded("the first ends", first.wait()).await.unwrap();
        let stream = house.context.registry().get("a").unwrap();
        let is_gone = || !stream.snapshot(Instant::now()).sources[0].connected;
        until("the publisher is gone", is_gone).await;
        (three_seconds(&url), stream)
    };
    let (played, (_second, stream)) = tokio::join!(run("ffmpeg", &args), returning);
    let complaints = String::from_utf8_lossy(&played.stderr);
    assert_eq!(complaints, "");
    let text = String::from_utf8_lossy(&played.stdout).into_owned();
    let of = |stream: &str| text.lines().filter(|it| it.starts_with(stream)).count();
    // Four and a half seconds, of which neither publisher sent more than three.
    assert!(of("0,") >= 100 && of("1,") >= 190, "{text}");
    assert_eq!(stream.snapshot(Instant::now()).discontinuities, 1);
}
