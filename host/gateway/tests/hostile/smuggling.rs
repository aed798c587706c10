//! Requests over HTTP that two readers could understand in two ways.
//!
//! One request must never be taken for two, nor two for one: whoever is behind a proxy would be
//! answered with what another asked for.

use crate::house::{Bounds, House, bounded};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is answered to these bytes and to an honest request behind them, until the host hangs up.
async fn said(house: &House, wire: &[u8]) -> String {
    let mut socket = TcpStream::connect(house.http).await.unwrap();
    let wire = [wire, LAST.as_bytes()].concat();
    let (mut reading, mut writing) = socket.split();
    let mut said = Vec::new();
    bounded("the end", async {
        // Who is refused may be hung up on before all is written.
        let _ = tokio::join!(writing.write_all(&wire), reading.read_to_end(&mut said));
    })
    .await;
    String::from_utf8_lossy(&said).into_owned()
}

fn statuses(said: &str) -> Vec<&str> {
    let answers = said.split("HTTP/1.1 ").skip(1);
    answers.map(|answer| &answer[..3]).collect()
}

/// Would be answered by 404, with its name.
const HIDDEN: &str = "GET /live/hidden.mp4 HTTP/1.1\r\nhost: x\r\n\r\n";

const LAST: &str = "GET /live/last.mp4 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_length_is_in_doubt_is_refused_and_what_is_behind_it_not_read() {
    let house = House::open(Bounds::default()).await;
    for doubt in [
        "content-length: 3\r\ncontent-length: 4\r\n",
        "content-length: +3\r\n",
        "content-length: 3, 4\r\n",
        "content-length: 0x3\r\n",
        "content-length: -1\r\n",
        "content-length: 18446744073709551616\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding\r\n : chunked\r\n",
        "x: a\r\n transfer-encoding: chunked\r\n",
        "x: a\0b\r\n",
        "x: a\rtransfer-encoding: chunked\r\n",
    ] {
        let wire = format!("POST /publish/cam HTTP/1.1\r\nhost: x\r\n{doubt}\r\n0\r\n\r\n{HIDDEN}");
        let said = said(&house, wire.as_bytes()).await;
        assert_eq!(statuses(&said), ["400"], "{doubt:?}: {said}");
    }
    for line in [
        "GET /live/a.mp4 HTTP/1.1 HTTP/1.1",
        "GET /live/a b.mp4 HTTP/1.1",
        "GET /live/a.mp4 HTTP/3.0",
        "GET\t/live/a.mp4\tHTTP/1.1",
        "\x16\x03\x01",
    ] {
        let wire = format!("{line}\r\nhost: x\r\n\r\n{HIDDEN}");
        let said = said(&house, wire.as_bytes()).await;
        assert_eq!(statuses(&said), ["400"], "{line:?}: {said}");
    }
    assert!(house.context.registry().list().is_empty());
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_lengths_the_chunks_hold_and_a_body_is_never_a_request() {
    let house = House::open(Bounds::default()).await;
    let post = "POST /publish/cam HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\n";
    let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    let short = "content-length: 3\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    let honest = said(&house, HIDDEN.as_bytes()).await;
    assert!(honest.contains("hidden"), "{honest}");
    for wire in [
        // Within the chunks is no request, wherever Content-Length says that the body ends. Who
        // says both is answered and hung up on (RFC 9112 §6.1).
        format!("{post}{short}{chunked}\r\n{chunk}"),
        format!("{post}{chunked}{short}\r\n{chunk}"),
    ] {
        let said = said(&house, wire.as_bytes()).await;
        assert_eq!(statuses(&said), ["415"], "{wire}{said}");
        assert!(said.to_lowercase().contains("connection: close"), "{said}");
    }
    // Nor within a body of a known length.
    let wire = format!("{post}content-length: {}\r\n\r\n{HIDDEN}", HIDDEN.len());
    let told = said(&house, wire.as_bytes()).await;
    assert_eq!(statuses(&told)[0], "415", "{wire}{told}");
    assert!(!told.contains("hidden"), "{wire}{told}");
    // A chunk whose length overflows is no chunk, and ends the connection.
    let wire = format!("{post}{chunked}\r\nfffffffffffffffff\r\n{HIDDEN}");
    let said = said(&house, wire.as_bytes()).await;
    assert!(!said.contains("hidden") && !said.contains("last"), "{said}");
    assert!(house.context.registry().list().is_empty());
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_a_row_are_answered_in_their_order_up_to_the_first_garbage() {
    let house = House::open(Bounds::default()).await;
    let good = "GET /hls/none/index.m3u8 HTTP/1.1\r\nhost: x\r\n\r\n";
    let wire = format!("{good}{good}\0\0garbage\r\n\r\n{good}");
    let told = said(&house, wire.as_bytes()).await;
    assert_eq!(statuses(&told), ["404", "404", "400"], "{told}");
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1 << 20));
    let head = good.trim_end();
    let many = format!("{head}\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for wire in [long, many] {
        let told = said(&house, wire.as_bytes()).await;
        // A reset may overtake the answer.
        let statuses = statuses(&told);
        let refused = statuses.is_empty() || ["414", "431"].contains(&statuses[0]);
        assert!(refused && statuses.len() < 2, "{told}");
    }
    house.context.close().await;
}
