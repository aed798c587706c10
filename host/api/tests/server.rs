//! What stands in front of the routes: TLS, foreign sites, rates, bodies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use api::tls::{Files, Tls};
use common::Host;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Writes a new pair, and returns the certificate for clients to trust.
fn write_pair(dir: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("cert.pem"), pair.cert.pem()).unwrap();
    pair.cert.der().clone()
}

/// The start of the answer to `GET /health`, if the peer's certificate is the trusted one.
async fn health(address: SocketAddr, trusted: &CertificateDer<'static>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let mut socket = connector.connect(name, socket).await.ok()?;
    let request = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn https_shows_the_newest_certificate_that_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let first = write_pair(dir.path());
    let files = Files {
        certificate: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
    };
    let tls = Tls::open(files).await.unwrap();
    let (shown, watched) = (Some(tls.clone()), tls.clone());
    let host = Host::start_with(|settings| api::Settings {
        tls: shown,
        ..settings
    })
    .await;
    let stop = host.shutdown.clone();
    tokio::spawn(async move { watched.watch(stop).await });

    // Somebody who never shakes hands, and somebody who speaks something else, are in nobody's way.
    let _silent = TcpStream::connect(host.address).await.unwrap();
    let mut plain = TcpStream::connect(host.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told).await;
    assert!(!told.starts_with(b"HTTP"), "no answer without TLS");
    let answer = health(host.address, &first).await.expect("a handshake");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let second = write_pair(dir.path());
    let taken_up = async {
        while health(host.address, &second).await.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), taken_up)
        .await
        .expect("the new certificate is shown");

    // Half a file: it is looked at every two seconds, and nothing may change, however long one waits.
    std::fs::write(dir.path().join("cert.pem"), "-----BEGIN CERT").unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(health(host.address, &second).await.is_some());
    host.shutdown.cancel();
    host.server.await.unwrap();
}

#[tokio::test]
async fn a_pair_that_does_not_go_together_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write_pair(dir.path());
    let key = std::fs::read(dir.path().join("key.pem")).unwrap();
    write_pair(dir.path());
    std::fs::write(dir.path().join("key.pem"), key).unwrap();
    let open = |certificate: &str| {
        Tls::open(Files {
            certificate: dir.path().join(certificate),
            key: dir.path().join("key.pem"),
        })
    };
    let told = open("cert.pem").await.unwrap_err().to_string();
    assert!(
        told.contains("cert.pem") && told.contains("key.pem"),
        "{told}"
    );
    let told = open("none.pem").await.unwrap_err().to_string();
    assert!(told.contains("none.pem"), "{told}");
    let told = open("key.pem").await.unwrap_err().to_string();
    assert!(told.contains("no certificate"), "{told}");
}

#[tokio::test]
async fn pages_of_listed_sites_may_ask_and_change_and_others_may_not() {
    let host = Host::start_with(|settings| api::Settings {
        cors: vec!["https://dash.example".parse().unwrap()],
        ..settings
    })
    .await;
    let from = "origin: https://dash.example\r\n";
    let asks = format!("{from}access-control-request-method: PATCH\r\n");
    let asked = host.send("OPTIONS", "/api/v1/inputs/x", &asks, b"").await;
    assert_eq!(asked.status, 204, "{}", asked.head);
    for line in [
        "access-control-allow-origin: https://dash.example",
        "access-control-allow-methods: get, post, put, patch, delete",
        "vary: origin",
    ] {
        assert!(asked.head.contains(line), "{}", asked.head);
    }
    assert!(!asked.head.contains("credentials"), "{}", asked.head);
    let body = br#"{"name": "live/cam1"}"#;
    let made = host.send("POST", "/api/v1/inputs", from, body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.head.contains("access-control-expose-headers: etag"));

    let foreign = "origin: https://evil.example\r\naccess-control-request-method: PATCH\r\n";
    let asked = host.send("OPTIONS", "/api/v1/inputs/x", foreign, b"").await;
    assert!(
        !asked.head.contains("access-control-allow"),
        "{}",
        asked.head
    );
    let refused = host.send("POST", "/api/v1/inputs", foreign, body).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
}

#[tokio::test]
async fn pages_of_other_sites_publish_nothing_unless_they_are_listed() {
    let host = Host::start_with(|settings| api::Settings {
        cors: vec!["https://dash.example".parse().unwrap()],
        ..settings
    })
    .await;
    let picture = b"no picture, and never looked at";
    for (headers, status, kind) in [
        ("origin: https://evil.example\r\n", 403, "cross-site"),
        ("sec-fetch-site: cross-site\r\n", 403, "cross-site"),
        ("host: evil.example\r\n", 403, "foreign-host"),
        ("origin: https://dash.example\r\n", 415, "unsupported-media"),
        ("", 415, "unsupported-media"),
    ] {
        let answer = host.send("POST", "/publish/cam", headers, picture).await;
        assert_eq!(answer.status, status, "{headers}: {}", answer.body);
        assert!(answer.body.contains(kind), "{headers}: {}", answer.body);
    }
    // Whoever may watch may do so from any page.
    let watched = host.send(
        "GET",
        "/hls/cam/index.m3u8",
        "origin: https://evil.example\r\n",
        b"",
    );
    assert_eq!(watched.await.status, 404);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let host = Host::start_with(|settings| api::Settings {
        rate: Some(1),
        ..settings
    })
    .await;
    let first = host.get("/api/v1/streams").await;
    assert!(
        first
            .head
            .contains("ratelimit-policy: \"client\";q=10;w=10")
    );
    assert!(
        first.head.contains("ratelimit: \"client\";r="),
        "{}",
        first.head
    );
    let mut refused = None;
    for _ in 0..40 {
        let answer = host.get("/api/v1/streams").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a refusal within four times the share");
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.json()["type"], "/problems/too-many-requests");
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    assert!(refused.head.contains("r=0;"), "{}", refused.head);
    let media = host.get("/hls/live/cam1/index.m3u8").await;
    assert_eq!(media.status, 404, "media is not counted");
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_refused_where_it_becomes_too_large() {
    let host = Host::start().await;
    let known = format!("content-length: {}", 100 << 20);
    let (piece, chunk) = ([b' '; 0x10000].to_vec(), chunk());
    let of = |path, length, piece| (path, length, piece);
    for (path, length, piece) in [
        of("/api/v1/inputs", known.as_str(), &piece),
        of("/api/v1/apply", known.as_str(), &piece),
        of("/api/v1/inputs", "transfer-encoding: chunked", &chunk),
    ] {
        let mut socket = TcpStream::connect(host.address).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{length}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let (mut answer, mut body) = socket.split();
        let mut start = [0; 12];
        let sending = async {
            let mut sent = 0;
            while sent < 1_600 && body.write_all(piece).await.is_ok() {
                sent += 1;
            }
            sent
        };
        let read = answer.read_exact(&mut start);
        let (sent, read) = tokio::join!(sending, read);
        read.expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 413", "{path} {length}");
        assert!(sent < 1_600, "it was read to its end");
    }
}

fn chunk() -> Vec<u8> {
    [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat()
}
