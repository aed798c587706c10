//! Pictures in: the three forms of a body, who a publisher is, and when it goes.

use crate::support::{Host, next_picture, pictures, read_answer, until, within};
use gateway::mjpeg::Settings;
use hub::Start;
use media::Codec;
use model::Protocol;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn single_pictures_belong_together_and_are_frames_of_a_stream() {
    let (host, pictures) = (Host::start().await, pictures("320x180", 3).await);
    let answer = host.post("live/yard/cam1", &pictures[0]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let size = pictures[0].len();
    let expected = format!(
        "{{\"status\":\"success\",\"stream\":\"live/yard/cam1\",\"frame_size\":{size},\"frames\":1}}"
    );
    assert_eq!(answer.text(), expected);

    let stream = host.context.registry().get("live/yard/cam1").unwrap();
    let mut frames = stream.read_frames(Start::RandomAccess);
    for picture in &pictures[1..] {
        assert_eq!(host.post("live/yard/cam1", picture).await.status, 200);
    }
    let mut before = None;
    for picture in &pictures {
        let frame = frames.recv().await.unwrap();
        assert_eq!(frame.payload, picture);
        assert!(frame.random_access && Some(frame.dts) > before);
        before = Some(frame.dts);
        let Codec::Mjpeg { video } = frame.tracks.video().unwrap().codec else {
            panic!("{:?}", frame.tracks)
        };
        assert_eq!((video.width, video.height), (320, 180));
    }
    let source = &stream.snapshot(Instant::now()).sources[0];
    assert!(source.connected, "still, between two requests");
    assert_eq!(source.protocol, Protocol::Mjpeg);
    let publishers = host.service.publishers();
    assert_eq!(publishers.len(), 1);
    assert_eq!(publishers[0].frames, 3);
    assert!(publishers[0].last_frame_unix_ms >= Some(publishers[0].since_unix_ms));
}

#[tokio::test]
async fn a_form_a_run_and_a_long_multipart_stream_are_taken() {
    let (host, pictures) = (Host::start().await, pictures("64x48", 2).await);
    let part = |head: &str, picture: &[u8]| {
        [
            format!("--b\r\n{head}\r\n\r\n").as_bytes(),
            picture,
            b"\r\n",
        ]
        .concat()
    };
    let field = "Content-Disposition: form-data; name=\"frame\"; filename=\"f.jpg\"";
    let form = [part(field, &pictures[0]), b"--b--\r\n".to_vec()].concat();
    let head = "POST /publish/form HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=b";
    let answer = host.ask(head, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let head = "POST /publish/run HTTP/1.1";
    let answer = host.ask(head, &pictures.concat()).await;
    assert!(answer.text().contains("\"frames\":2"), "{}", answer.text());

    let mut socket = TcpStream::connect(host.address).await.unwrap();
    let head = "POST /publish/long HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
                content-type: multipart/x-mixed-replace; boundary=b\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    for (sent, picture) in (1..).zip(&pictures) {
        let length = format!("Content-Length: {}", picture.len());
        let body = part(&length, picture);
        let chunk = format!("{:x}\r\n", body.len());
        let chunk = [chunk.as_bytes(), &body, b"\r\n"].concat();
        socket.write_all(&chunk).await.unwrap();
        let frames = || {
            host.service
                .publisher(&"long".parse().unwrap())
                .map(|it| it.frames)
        };
        until("a part is taken as it comes", || frames() == Some(sent)).await;
    }
    drop(socket);
    let gone = || host.service.publisher(&"long".parse().unwrap()).is_none();
    until("the publisher goes with its connection", gone).await;
}

#[tokio::test]
async fn an_idle_publisher_goes_and_a_returning_one_takes_its_place() {
    let settings = Settings {
        idle: Duration::from_millis(300),
        ..Settings::default()
    };
    let (host, picture) = (Host::with(settings).await, pictures("64x48", 1).await);
    assert_eq!(host.post("a", &picture[0]).await.status, 200);
    until("it is let go", || host.service.publishers().is_empty()).await;
    let stream = host.context.registry().get("a").unwrap();
    assert!(!stream.snapshot(Instant::now()).sources[0].connected);
    assert_eq!(host.post("a", &picture[0]).await.status, 200);
    assert_eq!(host.service.publishers().len(), 1);
}

#[tokio::test]
async fn a_viewer_stays_while_a_publisher_leaves_and_returns_and_time_goes_on() {
    let settings = Settings {
        idle: Duration::from_millis(300),
        ..Settings::default()
    };
    let (host, pictures) = (Host::with(settings).await, pictures("64x48", 4).await);
    assert_eq!(host.post("a", &pictures[0]).await.status, 200);
    let stream = host.context.registry().get("a").unwrap();
    let mut frames = stream.read_frames(hub::Start::RandomAccess);
    let (_, mut socket) = host.open("a").await;
    assert_eq!(next_picture(&mut socket, true).await, pictures[0]);
    let mut last = within(frames.recv()).await.unwrap();
    for picture in &pictures[1..] {
        until("it is let go", || host.service.publishers().is_empty()).await;
        assert!(!stream.snapshot(Instant::now()).sources[0].connected);
        assert_eq!(host.post("a", picture).await.status, 200);
        assert_eq!(next_picture(&mut socket, false).await, *picture);
        let frame = within(frames.recv()).await.unwrap();
        assert_eq!(frame.epoch, last.epoch + 1, "each return is marked");
        assert!(frame.dts > last.dts, "time goes on: {last:?} {frame:?}");
        last = frame;
    }
}

#[tokio::test]
async fn what_is_above_the_rate_is_left_out_and_counted() {
    let settings = Settings {
        max_fps: 2,
        ..Settings::default()
    };
    let (host, picture) = (Host::with(settings).await, pictures("64x48", 1).await);
    let body = picture[0].repeat(20);
    let answer = host.ask("POST /publish/fast HTTP/1.1", &body).await;
    assert!(answer.text().contains("\"frames\":1}"), "{}", answer.text());
    assert_eq!(host.post("one", &picture[0]).await.status, 200);
    assert_eq!(host.post("one", &picture[0]).await.status, 429);
    let counted = host.service.publisher(&"one".parse().unwrap()).unwrap();
    assert_eq!((counted.frames, counted.too_fast), (1, 1));
}

#[tokio::test]
async fn a_name_that_somebody_feeds_is_not_given_away() {
    let (host, picture) = (Host::start().await, pictures("64x48", 1).await);
    let _rtmp = host.source("live/show", Protocol::Rtmp);
    let answer = host.post("live/show", &picture[0]).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(answer.text().contains("it has a publisher already"));
    assert_eq!(host.post("cam", &picture[0]).await.status, 200);
    let head = "POST /publish/cam HTTP/1.1\r\nauthorization: Bearer other";
    assert_eq!(host.ask(head, &picture[0]).await.status, 409);
}

#[tokio::test]
async fn a_removed_publisher_ends_with_its_stream_and_may_come_again() {
    let (host, picture) = (Host::start().await, pictures("64x48", 1).await);
    let name = "cam".parse().unwrap();
    assert!(!host.service.remove(&name));
    assert_eq!(host.post("cam", &picture[0]).await.status, 200);
    let (_, mut viewer) = host.open("cam").await;
    next_picture(&mut viewer, true).await;
    assert!(host.service.remove(&name));
    assert!(host.context.registry().get("cam").is_none());
    let rest = read_to_close(&mut viewer).await;
    assert_eq!(rest, 0, "the viewer's connection ends");
    until("it is gone", || host.service.publisher(&name).is_none()).await;
    assert_eq!(host.post("cam", &picture[0]).await.status, 200);
}

async fn read_to_close(socket: &mut TcpStream) -> usize {
    use tokio::io::AsyncReadExt;
    let mut rest = Vec::new();
    crate::support::within(socket.read_to_end(&mut rest))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_long_stream_is_told_when_its_publisher_was_removed() {
    let (host, picture) = (Host::start().await, pictures("64x48", 1).await);
    let mut socket = TcpStream::connect(host.address).await.unwrap();
    let head = "POST /publish/cam HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\
                connection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&picture[0]).await.unwrap();
    let name = "cam".parse().unwrap();
    let frames = || host.service.publisher(&name).map(|it| it.frames);
    until("the picture is taken", || frames() == Some(1)).await;
    host.service.remove(&name);
    assert_eq!(read_answer(&mut socket).await.status, 409);
}
