//! Those who would harm: each ends only itself.

use crate::support::{Host, ffmpeg, next_picture, pictures, read_answer, until, within};
use gateway::mjpeg::Settings;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const FORM: &str = "content-type: multipart/form-data; boundary=b";
const MIXED: &str = "content-type: multipart/x-mixed-replace; boundary=b";

fn request(kind: &str) -> String {
    format!("POST /publish/cam HTTP/1.1\r\n{kind}")
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused_with_what_is_wrong() {
    let (host, good) = (Host::start().await, pictures("64x48", 1).await);
    let huge = {
        let mut data = good[0].clone();
        let sof = data.windows(2).position(|it| it == [0xFF, 0xC0]).unwrap();
        data[sof + 5..sof + 9].fill(0xFF);
        data
    };
    let cut = &good[0][..good[0].len() - 2];
    let part = |head: &str| [b"--b\r\n", head.as_bytes(), b"\r\n\r\n", &good[0]].concat();
    let cases: [(&str, Vec<u8>, u16, &str); 12] = [
        ("content-type: image/jpeg", huge, 413, "65535x65535"),
        ("content-type: image/jpeg", cut.to_vec(), 400, "cut short"),
        ("content-type: image/jpeg", b"hello".to_vec(), 415, "FF D8"),
        ("content-type: image/jpeg", Vec::new(), 400, "no picture"),
        ("content-type: image/png", good[0].clone(), 415, "image/png"),
        (
            "content-type: text/plain",
            good[0].clone(),
            415,
            "text/plain",
        ),
        (
            "content-type: multipart/form-data",
            Vec::new(),
            400,
            "boundary",
        ),
        (FORM, b"--b--\r\n".to_vec(), 400, "field frame"),
        (FORM, good[0].clone(), 400, "no boundary --b"),
        (
            FORM,
            part("Content-Length: 99999999999999999999"),
            400,
            "Content-Length",
        ),
        (
            MIXED,
            part("Content-Length: 10485761"),
            413,
            "bytes allowed",
        ),
        (
            MIXED,
            part(&format!("x: {}", "a".repeat(9000))),
            400,
            "headers of a part",
        ),
    ];
    for (kind, body, status, word) in cases {
        let answer = host.ask(&request(kind), &body).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.text());
        assert!(answer.text().contains(word), "{kind}: {}", answer.text());
    }
    let none = host.context.registry().list().is_empty();
    assert!(none, "who sends no picture makes no stream");
    assert_eq!(host.post("cam", &good[0]).await.status, 200);
}

#[tokio::test]
async fn a_picture_that_comes_by_drops_is_given_up() {
    let settings = Settings {
        picture_timeout: Duration::from_millis(300),
        ..Settings::default()
    };
    let (host, picture) = (Host::with(settings).await, pictures("64x48", 1).await);
    let mut socket = TcpStream::connect(host.address).await.unwrap();
    let head = format!(
        "{}\r\nhost: x\r\ncontent-length: 999999\r\nconnection: close\r\n\r\n",
        request("content-type: image/jpeg")
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = socket.split();
    let dripping = async {
        for drop in picture[0].chunks(1) {
            if writing.write_all(drop).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 4096];
    let answered = within(tokio::io::AsyncReadExt::read(&mut reading, &mut answer));
    let read = tokio::select! {
        read = answered => read.unwrap(),
        () = dripping => 0,
    };
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(host.context.registry().list().is_empty());
}

#[tokio::test]
async fn a_viewer_that_takes_nothing_is_let_go() {
    let settings = Settings {
        stall: Duration::from_millis(500),
        ..Settings::default()
    };
    let host = Host::with(settings).await;
    let noise = "-f lavfi -i testsrc2=size=1920x1080,noise=alls=100:allf=t -frames:v 1 \
                 -c:v mjpeg -q:v 2 -f mjpeg";
    let picture = ffmpeg(noise).await;
    assert_eq!(host.post("cam", &picture).await.status, 200);
    let (_, mut viewer) = host.open("cam").await;
    next_picture(&mut viewer, true).await;
    let begun = Instant::now();
    while host.viewers("cam") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        host.post("cam", &picture).await;
    }
}

#[tokio::test]
async fn a_boundary_that_never_closes_keeps_nothing_beyond_the_limit() {
    let settings = Settings {
        max_frame_bytes: 64 << 10,
        ..Settings::default()
    };
    let host = Host::with(settings).await;
    let body = [b"--b\r\n\r\n".to_vec(), vec![b'a'; 1 << 20]].concat();
    let answer = host.ask(&request(MIXED), &body).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let said = "content-type: image/jpeg";
    let endless = [vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 2], vec![0xFF; 1 << 20]].concat();
    let answer = host.ask(&request(said), &endless).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
}

#[tokio::test]
async fn a_form_that_says_it_is_too_long_is_refused_before_it_is_read() {
    let host = Host::start().await;
    let mut socket = TcpStream::connect(host.address).await.unwrap();
    let head = format!(
        "{}\r\nhost: x\r\ncontent-length: 999999999999\r\n\r\n",
        request(FORM)
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut socket).await.status, 413);
    assert!(host.context.registry().list().is_empty());
}

#[tokio::test]
async fn a_thousand_names_at_once_fill_the_places_and_no_more() {
    let (host, picture) = (Host::start().await, pictures("64x48", 1).await);
    let mut refused = 0;
    for chunk in (0..1000).collect::<Vec<_>>().chunks(50) {
        let names: Vec<_> = chunk.iter().map(|n| format!("cam{n}")).collect();
        let posts = names.iter().map(|name| host.post(name, &picture[0]));
        for answer in futures_util::future::join_all(posts).await {
            match answer.status {
                200 => {}
                503 => refused += 1,
                other => panic!("{other}: {}", answer.text()),
            }
        }
    }
    assert_eq!(refused, 950);
    assert_eq!(host.context.registry().list().len(), 50);
    assert_eq!(host.service.publishers().len(), 50);
    assert_eq!(host.post("cam0", &picture[0]).await.status, 200);
}

#[tokio::test]
async fn one_who_breaks_off_within_a_picture_takes_nobody_along() {
    let (host, pictures) = (Host::start().await, pictures("64x48", 2).await);
    assert_eq!(host.post("cam", &pictures[0]).await.status, 200);
    let (_, mut viewer) = host.open("cam").await;
    next_picture(&mut viewer, true).await;
    for _ in 0..20 {
        let mut socket = TcpStream::connect(host.address).await.unwrap();
        let head = format!(
            "{}\r\nhost: x\r\ncontent-length: 500000\r\n\r\n",
            request(FORM)
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(b"--b\r\nContent-Disp").await.unwrap();
    }
    assert_eq!(host.post("cam", &pictures[1]).await.status, 200);
    assert_eq!(next_picture(&mut viewer, false).await, pictures[1]);
    let counted = || {
        host.service
            .publisher(&"cam".parse().unwrap())
            .map(|it| it.frames)
    };
    until("the publisher goes on", || counted() == Some(2)).await;
}
