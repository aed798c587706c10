//! Pictures out: shared, newest first, and never waiting for anybody.

use crate::support::{Host, ffmpeg, next_picture, pictures, until};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_viewer_gets_the_picture_held_and_then_each_as_it_comes() {
    let (host, pictures) = (Host::start().await, pictures("320x180", 4).await);
    assert_eq!(host.post("a/b", &pictures[0]).await.status, 200);
    let (head, mut viewer) = host.open("a/b").await;
    assert!(head.contains("content-type: multipart/x-mixed-replace; boundary=frame"));
    assert!(head.contains("no-store") && head.contains("access-control-allow-origin: *"));
    assert_eq!(next_picture(&mut viewer, true).await, pictures[0]);
    let (_, mut late) = host.open("a/b").await;
    assert_eq!(next_picture(&mut late, true).await, pictures[0]);
    for picture in &pictures[1..] {
        assert_eq!(host.post("a/b", picture).await.status, 200);
        assert_eq!(next_picture(&mut viewer, false).await, *picture);
        assert_eq!(next_picture(&mut late, false).await, *picture);
    }
    assert_eq!(host.viewers("a/b"), 2);
    drop((viewer, late));
    until("they are counted out", || host.viewers("a/b") == 0).await;
}

#[tokio::test]
async fn a_viewer_that_does_not_read_skips_pictures_and_holds_none() {
    let host = Host::start().await;
    // Large ones: what the two ends' sockets hold is soon full.
    let noise = "-f lavfi -i testsrc2=size=1920x1080,noise=alls=100:allf=t -frames:v 1 -c:v mjpeg -q:v 2 -f mjpeg";
    let pictures = [ffmpeg(noise).await, ffmpeg(noise).await];
    assert!(pictures[0].len() > 500_000, "{}", pictures[0].len());
    assert_eq!(host.post("cam", &pictures[0]).await.status, 200);
    let (_, mut slow) = host.open("cam").await;
    next_picture(&mut slow, true).await;
    let (_, mut fast) = host.open("cam").await;
    next_picture(&mut fast, true).await;
    let name = "cam".parse().unwrap();
    let begun = Instant::now();
    let mut sent = 0;
    while host.service.publisher(&name).unwrap().skipped < 20 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{sent} sent");
        let answer = host.post("cam", &pictures[sent % 2]).await;
        if answer.status == 200 {
            sent += 1;
            next_picture(&mut fast, false).await;
        }
    }
    let snapshot = host.context.registry().get("cam").unwrap();
    let snapshot = snapshot.snapshot(Instant::now());
    let lost: Vec<_> = snapshot.viewers.iter().map(|it| it.lost_items).collect();
    assert!(lost[0] >= 20, "{lost:?}");
    assert_eq!(lost[1], 0, "nobody else is slowed");
    assert!(
        snapshot.held_bytes <= 17 << 20,
        "{} held",
        snapshot.held_bytes
    );
    // What it reads at last is what its connection held, and then the newest.
    let mut rest = vec![0; 64 << 10];
    while slow.read(&mut rest).await.unwrap() == rest.len() {}
}

#[tokio::test]
async fn who_asks_for_nothing_or_for_no_pictures_is_told() {
    let host = Host::start().await;
    let answer = host.get("/stream/absent").await;
    assert_eq!(answer.status, 404);
    assert!(answer.head.contains("application/problem+json"));
    assert_eq!(host.get("/stream/a//b").await.status, 400);
    let answer = host.ask("DELETE /stream/a HTTP/1.1", b"").await;
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
}
