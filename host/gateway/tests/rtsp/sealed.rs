//! RTSPS: FFmpeg publishes and plays under TLS, and this host pushes to a server that it trusts.

use crate::support::*;
use crate::tls_support::{self, Shown, certificate, connect};
use gateway::{rtsp, start_output};
use model::{LinkState, Protocol, Retry};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::sign::CertifiedKey;

/// Tells a test that it runs as a host which trusts the certificate in that folder.
const TRUSTED: &str = "POINTSMAN_TEST_TRUSTED";

async fn open(house: &House, shown: Arc<CertifiedKey>) -> SocketAddr {
    let shown = Arc::new(Shown(Mutex::new(shown)));
    let on = rtsp::Config::new(([127, 0, 0, 1], 0).into());
    let served = rtsp::serve_tls(&house.context, on, shown.config()).await;
    served.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_publishes_and_plays_under_tls() {
    let (dir, house) = (tempfile::tempdir().unwrap(), House::start().await);
    let address = open(&house, certificate(dir.path(), "one.test")).await;
    let url = format!("rtsps://{address}/live/sealed");
    let _publisher = publish(&url, "tcp", H264, AAC);
    house.on_air("live/sealed").await;
    assert_eq!(house.codecs("live/sealed"), ["h264", "aac"]);
    // In the clear, the stream is the same one.
    for url in [url, house.url("live/sealed")] {
        let (pictures, samples, complaints) = decoded(&url, "tcp").await;
        assert!((45..=51).contains(&pictures), "{pictures} {complaints}");
        assert!(samples > 80_000, "{samples} {complaints}");
        assert_eq!(complaints, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_tls_no_packet_travels_in_the_clear() {
    let (dir, house) = (tempfile::tempdir().unwrap(), House::start().await);
    let address = open(&house, certificate(dir.path(), "one.test")).await;
    let _publisher = publish(&house.url("a"), "tcp", H264, AAC);
    house.on_air("a").await;
    let mut player = connect(dir.path(), address).await;
    let url = format!("rtsps://{address}/a");
    for (request, status) in [
        (format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n"), 200),
        (
            format!(
                "SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n\
                 Transport: RTP/AVP;unicast;client_port=40010-40011\r\n\r\n"
            ),
            461,
        ),
    ] {
        player.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = bounded("an answer", player.read(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned();
        assert!(
            answer.starts_with(&format!("RTSP/1.0 {status}")),
            "{request}{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_no_tls_is_hung_up_on_and_counted() {
    let (dir, house) = (tempfile::tempdir().unwrap(), House::start().await);
    let address = open(&house, certificate(dir.path(), "one.test")).await;
    let mut plain = TcpStream::connect(address).await.unwrap();
    let asked = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    plain.write_all(asked).await.unwrap();
    let mut answer = Vec::new();
    let _ = bounded("the end", plain.read_to_end(&mut answer)).await;
    // An alert at most: no RTSP.
    assert!(answer.len() < 16, "{answer:?}");
    let refused = || house.context.counters().of(Protocol::Rtsp).refused.get();
    until("the count", || refused() == 1).await;
}

/// Whom this process trusts is found out once, so the test is run by a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_pushed_to_a_server_that_the_host_trusts() {
    if let Some(dir) = std::env::var_os(TRUSTED) {
        return push_to(&PathBuf::from(dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path(), "one.test");
    let name = "sealed::a_stream_is_pushed_to_a_server_that_the_host_trusts";
    let run = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(TRUSTED, dir.path())
        .env("SSL_CERT_FILE", dir.path().join("cert.pem"))
        .kill_on_drop(true)
        .output();
    let output = bounded("the push", run).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("1 passed"), "{told}");
}

async fn push_to(dir: &Path) {
    let (server, own) = (House::start().await, House::start().await);
    let address = open(&server, tls_support::open(dir)).await;
    let _publisher = publish(&own.url("a"), "tcp", H264, OPUS);
    own.on_air("a").await;
    let stream = own.context.registry().get("a").unwrap();
    let push = |name: &str, url: String| {
        let (stream, output) = (stream.clone(), name.parse().unwrap());
        let endpoint = url.parse().unwrap();
        start_output(&own.context, stream, output, endpoint, Retry::default())
    };
    let link = push(
        "one",
        format!("rtsps://localhost:{}/by/tls", address.port()),
    );
    server.on_air("by/tls").await;
    assert_eq!(link.snapshot().status.state, LinkState::Live);
    let (pictures, samples, complaints) = decoded(&server.url("by/tls"), "tcp").await;
    assert!(pictures >= 45, "{pictures} {complaints}");
    assert!(samples > 80_000, "{samples} {complaints}");
    // Another server, for which nobody vouches.
    let strange = tempfile::tempdir().unwrap();
    let address = open(&server, certificate(strange.path(), "two.test")).await;
    let other = push(
        "two",
        format!("rtsps://localhost:{}/by/two", address.port()),
    );
    let told = || format!("{:?}", other.snapshot().status);
    until("the refusal", || told().contains("TLS with localhost")).await;
    assert!(server.context.registry().get("by/two").is_none());
}
