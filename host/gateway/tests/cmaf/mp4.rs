//! Endless MP4 and transport streams over HTTP and WebSocket.

use crate::support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_the_endless_file_without_a_complaint() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let url = host.url(&format!("/live/{NAME}.mp4"));
    let (frames, complaints) = ffmpeg(&["-i", &url, "-t", "4", "-f", "framecrc", "-"]).await;
    assert_eq!(complaints, "");
    assert_played(&frames, 4);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_the_endless_transport_stream_without_a_complaint() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let url = host.url(&format!("/live/{NAME}.ts"));
    let (frames, complaints) = ffmpeg(&["-i", &url, "-t", "4", "-f", "framecrc", "-"]).await;
    assert_eq!(complaints, "");
    assert_played(&frames, 4);
    host.close().await;
}

/// Opens `/live/NAME.EXTENSION` as a WebSocket.
pub(crate) async fn upgraded(host: &Host, extension: &str) -> TcpStream {
    let mut socket = TcpStream::connect(host.address).await.unwrap();
    let request = format!(
        "GET /live/{NAME}.{extension} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transport_stream_begins_with_its_tables_and_then_a_key_frame() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let mut socket = upgraded(&host, "ts").await;
    let (kind, tables) = message(&mut socket).await;
    assert_eq!((kind, tables.len() % 188), (2, 0));
    let pid = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    let pids: Vec<_> = tables.chunks(188).map(pid).collect();
    assert_eq!(pids, [0, 0x1000], "PAT and PMT as FFmpeg numbers them");
    let (kind, packets) = message(&mut socket).await;
    assert_eq!((kind, packets.len() % 188), (2, 0));
    let video = packets.chunks(188).find(|packet| pid(packet) == 0x100);
    let video = video.unwrap();
    assert_eq!(video[3] & 0x20, 0x20, "an adaptation field");
    assert_eq!(video[5] & 0x40, 0x40, "random_access_indicator");
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_told_the_codecs_then_gets_the_header_and_parts() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let mut socket = upgraded(&host, "mp4").await;
    let (kind, text) = message(&mut socket).await;
    let told = r#"{"mime":"video/mp4; codecs=\"avc1.42C00C, mp4a.40.2\""}"#;
    assert_eq!((kind, text.as_slice()), (1, told.as_bytes()));
    let (kind, header) = message(&mut socket).await;
    assert_eq!((kind, &header[4..8]), (2, &b"ftyp"[..]));
    for _ in 0..6 {
        let (kind, part) = message(&mut socket).await;
        assert_eq!((kind, &part[4..8]), (2, &b"moof"[..]));
    }
    assert_eq!(host.viewers(), 1);
    drop(socket);
    let gone = async {
        while host.viewers() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("who left is not counted");
    host.close().await;
}

/// One message of a server: not masked, in one frame (RFC 6455 §5.2).
pub(crate) async fn message(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let kind = socket.read_u8().await.unwrap() & 0x0f;
    let len = match socket.read_u8().await.unwrap() {
        126 => u64::from(socket.read_u16().await.unwrap()),
        127 => socket.read_u64().await.unwrap(),
        short => u64::from(short),
    };
    let mut payload = vec![0; len as usize];
    socket.read_exact(&mut payload).await.unwrap();
    (kind, payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_streams_that_are_there_have_a_file() {
    let host = Host::start().await;
    for (path, status) in [
        ("/live/none.mp4", 404),
        ("/live/none.ts", 404),
        ("/live/none.m4s", 404),
        ("/live/none", 404),
        ("/live/a//b.mp4", 400),
    ] {
        let answer = host.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            answer.head.contains("application/problem+json"),
            "{}",
            answer.head
        );
    }
    host.close().await;
}
