//! Publishers of what this host does not know.

use crate::house::{Bounds, Feed, House, bounded};
use crate::players::{Listener, head};
use model::Protocol;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_codecs_come_to_nothing_and_disturb_nobody() {
    let house = House::open(Bounds::default()).await;
    let mut feed = Feed::new(&house, "live/a", 400);
    feed.push(1);
    let mut witness = Listener::join(&house, "live/a").await;

    let mut publisher = TcpStream::connect(house.rtsp).await.unwrap();
    let sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n\
               a=rtpmap:96 VP8/90000\r\na=control:0\r\n";
    let request = format!(
        "ANNOUNCE rtsp://h/live/vp8 RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    publisher.write_all(request.as_bytes()).await.unwrap();
    let answer = head(&mut publisher).await;
    assert!(answer.starts_with("RTSP/1.0 415"), "{answer}");
    assert!(house.context.registry().get("live/vp8").is_none());

    // Sorenson's H.263, which Flash had first: its messages are no error, but no track either.
    let args = "-v error -nostdin -f lavfi -i testsrc2=size=320x180:rate=25 -t 4 -c:v flv1 -f flv";
    let ended = tokio::process::Command::new("ffmpeg")
        .args(args.split_whitespace())
        .arg(format!("rtmp://{}/live/flash", house.rtmp))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status();
    bounded("the publisher", ended).await.unwrap();
    let made = house
        .context
        .counters()
        .of(Protocol::Rtmp)
        .connections
        .get();
    assert_eq!(made, 2, "the witness and the publisher");
    let stream = house.context.registry().get("live/flash");
    let told = stream.map(|stream| stream.snapshot(std::time::Instant::now()));
    let tracks = told.map_or(0, |told| {
        let sources = told.sources.iter();
        sources.map(|source| source.tracks.len()).sum()
    });
    assert_eq!(tracks, 0);

    feed.push(10);
    witness.hears(feed.next - 1).await;
    assert!(witness.missed_nothing());
    house.context.close().await;
}
