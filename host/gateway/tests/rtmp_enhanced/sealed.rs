//! RTMPS: FFmpeg publishes and plays under TLS, and a certificate is replaced meanwhile.

use crate::tls_support::{Shown, certificate};
use crate::{Host, bounded};
use gateway::rtmp;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

async fn open(host: &Host, shown: Arc<Shown>) -> SocketAddr {
    let on = rtmp::Config::new(([127, 0, 0, 1], 0).into());
    rtmp::serve_tls(&host.context, on, shown.config())
        .await
        .unwrap()
}

fn ffmpeg(args: &str, url: &str) -> Child {
    Command::new("ffmpeg")
        .args(args.split_whitespace())
        .arg(url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What the server's certificate says of itself, by openssl.
async fn subject(address: SocketAddr) -> String {
    let args = ["s_client", "-connect", &address.to_string()];
    let output = Command::new("openssl")
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = bounded("openssl", output).await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_publishes_and_plays_under_tls() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open().await;
    let shown = Arc::new(Shown(Mutex::new(certificate(dir.path(), "one.test"))));
    let address = open(&host, shown.clone()).await;
    let url = format!("rtmps://{address}/live/sealed");
    let publisher = ffmpeg(
        "-v error -re -f lavfi -i testsrc2=size=128x72:rate=25 -f lavfi -i sine=sample_rate=48000 \
         -c:v libx264 -preset ultrafast -g 25 -c:a aac -f flv",
        &url,
    );
    bounded("the publisher", async {
        while host.context.registry().get("live/sealed").is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // Decodes two seconds, over TLS as well.
    let count = "-v error -count_frames -read_intervals %+2 -show_entries \
                 stream=codec_name,nb_read_frames -of csv=p=0";
    let probe = Command::new("ffprobe")
        .args(count.split_whitespace())
        .arg(&url)
        .kill_on_drop(true)
        .output();
    let output = bounded("the player", probe).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let frames = |codec: &str| -> u32 {
        let line = told.lines().find(|line| line.starts_with(codec)).unwrap();
        line.rsplit(',').next().unwrap().parse().unwrap()
    };
    assert!(output.stderr.is_empty(), "{output:?}");
    assert!(frames("h264") >= 40 && frames("aac") >= 70, "{told}");

    assert!(subject(address).await.contains("one.test"));
    *shown.0.lock().unwrap() = certificate(dir.path(), "two.test");
    assert!(subject(address).await.contains("two.test"));
    drop(publisher);
    host.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_no_tls_is_hung_up_on_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open().await;
    let shown = Arc::new(Shown(Mutex::new(certificate(dir.path(), "one.test"))));
    let address = open(&host, shown).await;
    let mut plain = TcpStream::connect(address).await.unwrap();
    // The first byte of a plain RTMP handshake, and part of its noise.
    plain.try_write(&[3; 200]).unwrap();
    let mut answer = Vec::new();
    let _ = bounded("the end", plain.read_to_end(&mut answer)).await;
    // An alert at most: no RTMP.
    assert!(answer.len() < 16, "{answer:?}");
    bounded("the count", async {
        while host
            .context
            .counters()
            .of(model::Protocol::Rtmp)
            .refused
            .get()
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    host.context.close().await;
}
