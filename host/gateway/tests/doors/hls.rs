//! HLS: every request stands for itself, and the doorman is asked once for each viewer.

use crate::{House, PATIENCE, refusal};
use gateway::hls;
use model::Protocol;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn open(house: &House) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = hls::router(&house.context).into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = house.context.shutdown().clone().cancelled_owned();
    house.context.tasks().spawn(async move {
        let server = axum::serve(listener, app).with_graceful_shutdown(shutdown);
        server.await.unwrap();
    });
    address
}

/// Status, head and body.
async fn get(address: SocketAddr, path: &str, headers: &str) -> (u16, String, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

/// A stream with segments enough to be played, and some more to come.
async fn on_air(house: &House, name: &str) -> hub::Source {
    let mut source = house.publish(name);
    for second in 0..3 {
        source.push_frames(crate::sound(second, 64));
    }
    source
}

/// The playlist, once there is one.
async fn playlist(
    address: SocketAddr,
    source: &mut hub::Source,
    path: &str,
    headers: &str,
) -> String {
    let asking = get(address, path, headers);
    let feeding = async {
        // The window begins with the first request; what is on air before it is not in it.
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        for second in 3.. {
            ticks.tick().await;
            source.push_frames(crate::sound(second, 64));
        }
    };
    let (status, head, body) = tokio::select! {
        answer = asking => answer,
        () = feeding => unreachable!("it feeds for ever"),
        () = tokio::time::sleep(PATIENCE) => panic!("no playlist"),
    };
    assert_eq!(status, 200, "{head}");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_asked_for_credentials_and_wrong_ones_are_forbidden() {
    let house = House::new();
    let address = open(&house).await;
    let mut source = on_air(&house, "closed/a").await;
    let path = "/hls/closed/a/ts.m3u8";
    let (status, head, body) = get(address, path, "").await;
    assert_eq!(status, 401, "{body}");
    assert!(head.contains("www-authenticate: basic"), "{head}");
    assert!(body.contains("/problems/unauthorized"), "{body}");
    for (path, headers) in [
        ("/hls/closed/a/ts.m3u8?token=bad", ""),
        (path, "authorization: Bearer bad\r\n"),
        (path, "authorization: Basic am9lOmJhZA==\r\n"),
        ("/hls/closed/a/1.ts?token=bad", ""),
    ] {
        let (status, head, body) = get(address, path, headers).await;
        assert_eq!(status, 403, "{path} {headers}");
        assert!(!head.contains("www-authenticate"), "{head}");
        assert!(body.contains("/problems/forbidden"), "{body}");
    }
    assert_eq!(house.refused(Protocol::Hls), 5);
    // joe:good
    let basic = "authorization: Basic am9lOmdvb2Q=\r\n";
    playlist(address, &mut source, path, basic).await;
    let last = house.clerk.asked().pop().unwrap();
    assert_eq!(
        (last.user.as_deref(), last.token.as_deref()),
        (Some("joe"), Some("good"))
    );
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_asked_about_once_and_its_segments_carry_its_token() {
    let house = House::new();
    let address = open(&house).await;
    let mut source = on_air(&house, "closed/a").await;
    let path = "/hls/closed/a/ts.m3u8?token=good";
    let text = playlist(address, &mut source, path, "user-agent: one\r\n").await;
    let segment = text.lines().find(|line| line.contains(".ts")).unwrap();
    assert!(segment.ends_with("?token=good"), "{text}");
    let segment = format!("/hls/closed/a/{segment}");
    for _ in 0..3 {
        let (status, ..) = get(address, &segment, "user-agent: one\r\n").await;
        assert_eq!(status, 200);
    }
    assert_eq!(house.clerk.asked().len(), 1, "{:?}", house.clerk.asked());
    let (status, ..) = get(address, &segment, "user-agent: two\r\n").await;
    assert_eq!(
        (status, house.clerk.asked().len()),
        (200, 2),
        "another viewer"
    );
    let bare = segment.split('?').next().unwrap();
    let (status, ..) = get(address, bare, "user-agent: one\r\n").await;
    assert_eq!(status, 401, "without the token it is nobody");
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_whose_time_is_over_does_not_come_back_as_if_it_were_new() {
    let house = House::new();
    let address = open(&house).await;
    let mut events = house.events();
    let mut source = on_air(&house, "brief/a").await;
    let path = "/hls/brief/a/ts.m3u8";
    let began = Instant::now();
    playlist(address, &mut source, path, "").await;
    while get(address, path, "").await.0 == 200 {
        assert!(began.elapsed() < PATIENCE, "it is never cut off");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(refusal(&mut events).await, "cut-off-duration");
    assert_eq!(get(address, path, "").await.0, 403);
    assert_eq!(house.clerk.asked().len(), 1);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_asked_about_again_when_its_time_to_live_ends() {
    let house = House::new();
    let address = open(&house).await;
    house.clerk.lease(1);
    let mut source = on_air(&house, "leased/a").await;
    let path = "/hls/leased/a/ts.m3u8";
    let began = Instant::now();
    playlist(address, &mut source, path, "").await;
    while get(address, path, "").await.0 == 200 {
        assert!(began.elapsed() < PATIENCE, "it is renewed for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let renewals = house.clerk.asked();
    assert_eq!(renewals.iter().filter(|ask| ask.renewal).count(), 2);
    assert_eq!(
        get(address, path, "").await.0,
        200,
        "asked about as if it were new"
    );
    house.context.close().await;
}
