//! Clients that are slow, wrong, too long or too many.

use crate::support::{Host, OCTETS, TUS, form, plain, read_answer, settings, until};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use videos::Settings;

const FORM: &str = "POST /api/v1/videos HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";

/// Nothing is left of an upload.
async fn nothing_left(host: &Host) {
    until("nothing is left", || host.unfinished().is_empty()).await;
    assert!(host.visible().is_empty() && host.listed().is_empty());
}

#[tokio::test]
async fn whoever_sends_too_slowly_is_let_go() {
    let hasty = Settings {
        patience: Duration::from_millis(300),
        max_unfinished: 1,
        ..settings()
    };
    let host = Host::with(hasty).await;
    let (kind, body) = form("a.mp4", &[7; 100_000]);
    let length = body.len();
    // A form that stops within the file, and one that stops within its headers.
    for sent in [10_000, 20] {
        let mut socket = host.connect().await;
        let head = format!("{FORM}{kind}content-length: {length}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body[..sent]).await.unwrap();
        read_answer(&mut socket).await.is_problem(408, "timeout");
        nothing_left(&host).await;
    }
    // Over tus it may come again with the rest.
    let at = host.announce(1_000).await;
    let mut socket = host.connect().await;
    let head = format!(
        "PATCH {at} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{TUS}{OCTETS}upload-offset: 0\r\n\
         content-length: 1000\r\n\r\nabc"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    read_answer(&mut socket).await.is_problem(408, "timeout");
    assert_eq!(host.offset(&at).await, 3);
}

#[tokio::test]
async fn a_body_that_ends_early_leaves_nothing() {
    let host = Host::start().await;
    let (kind, body) = form("a.mp4", &plain().await);
    // Cut off by its sender.
    let mut socket = host.connect().await;
    let head = format!("{FORM}{kind}content-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body[..body.len() - 200]).await.unwrap();
    until("it has begun", || !host.unfinished().is_empty()).await;
    drop(socket);
    nothing_left(&host).await;
    // Without its closing boundary.
    let open = host
        .ask("POST /api/v1/videos", &kind, &body[..body.len() - 12])
        .await;
    open.is_problem(400, "bad-request");
    for (kind, body) in [
        ("", b"".as_slice()),
        ("content-type: video/mp4\r\n", b"x"),
        ("content-type: multipart/form-data\r\n", b"x"),
    ] {
        let other = host.ask("POST /api/v1/videos", kind, body).await;
        other.is_problem(415, "unsupported-media");
    }
    let (kind, _) = form("a.mp4", b"");
    for body in [
        "",
        "--bound--\r\n",
        "no form at all",
        "--bound\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nx\r\n--bound--\r\n",
    ] {
        let empty = host
            .ask("POST /api/v1/videos", &kind, body.as_bytes())
            .await;
        empty.is_problem(400, "bad-request");
    }
    nothing_left(&host).await;
}

#[tokio::test]
async fn what_is_too_long_is_refused_by_its_head_or_when_it_is() {
    let small = Settings {
        max_bytes: 100_000,
        ..settings()
    };
    let host = Host::with(small).await;
    let (kind, body) = form("a.mp4", &[7; 200_000]);
    host.ask("POST /api/v1/videos", &kind, &body)
        .await
        .is_problem(413, "too-large");
    // One that does not say how long it is.
    let mut socket = host.connect().await;
    let head = format!(
        "{FORM}{kind}transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // Refused while it is sent.
    let _ = socket.write_all(&body).await;
    let _ = socket.write_all(b"\r\n0\r\n\r\n").await;
    read_answer(&mut socket).await.is_problem(413, "too-large");
    nothing_left(&host).await;
    let at = host.announce(10).await;
    host.patch(&at, 0, "", &[7; 11])
        .await
        .is_problem(413, "too-large");
    let mut socket = host.connect().await;
    let head = format!(
        "PATCH {at} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{TUS}{OCTETS}upload-offset: 0\r\n\
         transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n6\r\nfghijk\r\n0\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    read_answer(&mut socket).await.is_problem(413, "too-large");
    assert_eq!(
        host.offset(&at).await,
        0,
        "what came is not what was announced"
    );
}

#[tokio::test]
async fn headers_of_a_form_without_an_end_are_not_gathered() {
    let host = Host::start().await;
    let kind = "content-type: multipart/form-data; boundary=bound\r\n";
    let mut endless = b"--bound\r\ncontent-disposition: ".to_vec();
    endless.resize(3 << 20, b'a');
    let refused = host.ask("POST /api/v1/videos", kind, &endless).await;
    refused.is_problem(400, "bad-request");
    assert!(refused.text().contains("1 MiB"), "{}", refused.text());
    // The same as a field that nobody asked for.
    let mut other = b"--bound\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n".to_vec();
    other.resize(3 << 20, b'a');
    let refused = host.ask("POST /api/v1/videos", kind, &other).await;
    refused.is_problem(400, "bad-request");
    nothing_left(&host).await;
}

#[tokio::test]
async fn uploads_are_bounded_in_number_in_size_and_by_the_disk() {
    let host = Host::start().await;
    let announced = async |length| host.create(length, "").await;
    for _ in 0..4 {
        assert_eq!(announced(60 << 20).await.status, 201);
    }
    announced(1).await.is_problem(503, "overloaded");
    let (kind, body) = form("a.mp4", b"x");
    host.ask("POST /api/v1/videos", &kind, &body)
        .await
        .is_problem(503, "overloaded");
    let few = Settings {
        max_unfinished_bytes: 100 << 20,
        ..settings()
    };
    let host = Host::with(few).await;
    assert_eq!(host.create(60 << 20, "").await.status, 201);
    host.create(60 << 20, "")
        .await
        .is_problem(503, "overloaded");
    let full = Settings {
        keep_free_bytes: u64::MAX,
        ..settings()
    };
    let host = Host::with(full).await;
    host.create(1, "").await.is_problem(507, "no-space");
    host.ask("POST /api/v1/videos", &kind, &body)
        .await
        .is_problem(507, "no-space");
    nothing_left(&host).await;
}
