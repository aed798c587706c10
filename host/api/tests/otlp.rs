//! What a collector of figures and traces is sent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::Host;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// No condition takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A collector: the path, head and body of what it is sent.
async fn collector() -> (String, mpsc::Receiver<(String, String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel(256);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let (mut bytes, mut buffer) = (Vec::new(), [0; 16384]);
                loop {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let whole = text.split_once("\r\n\r\n").and_then(|(head, body)| {
                        let lower = head.to_lowercase();
                        let length = lower
                            .lines()
                            .find_map(|it| it.strip_prefix("content-length: "))?;
                        let length: usize = length.parse().ok()?;
                        Some((lower, serde_json::from_str(body.get(..length)?).ok()?))
                    });
                    if let Some((head, body)) = whole {
                        let path = head.split(' ').nth(1).unwrap().to_owned();
                        let _ = sender.send((path, head, body)).await;
                        bytes.clear();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        socket.write_all(answer).await.unwrap();
                    }
                    match socket.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                    }
                }
            });
        }
    });
    (endpoint, received)
}

#[tokio::test]
async fn a_collector_is_sent_figures_and_the_traces_of_requests() {
    let (endpoint, mut received) = collector().await;
    let otlp = api::Otlp {
        endpoint,
        headers: BTreeMap::from([("x-key".to_owned(), "k".to_owned())]),
        interval: Duration::from_millis(200),
    };
    let host = Host::start_with(|settings| api::Settings {
        otlp: Some(otlp),
        ..settings
    })
    .await;
    let _source = host.publish("live/a");
    let parent = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    assert_eq!(
        host.send("GET", "/api/v1/inputs/secret-name", parent, b"")
            .await
            .status,
        404
    );
    let (mut figures, mut traced) = (false, false);
    let waited = tokio::time::timeout(PATIENCE, async {
        while !(figures && traced) {
            let (path, head, body) = received.recv().await.unwrap();
            assert!(head.contains("x-key: k") && head.contains("content-type: application/json"));
            if path == "/v1/metrics" {
                let scope = &body["resourceMetrics"][0]["scopeMetrics"][0];
                let metrics = scope["metrics"].as_array().unwrap();
                let streams = metrics
                    .iter()
                    .find(|it| it["name"] == "pointsman_streams")
                    .unwrap();
                figures |= streams["gauge"]["dataPoints"][0]["asDouble"] == 1.0;
            } else {
                assert_eq!(path, "/v1/traces");
                let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
                let request = spans.as_array().unwrap().iter();
                let mut request = request.filter(|span| span["name"] == "GET /api/v1/inputs/{id}");
                if let Some(span) = request.next() {
                    assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
                    let times = ["startTimeUnixNano", "endTimeUnixNano"]
                        .map(|time| span[time].as_str().unwrap().parse::<u64>().unwrap());
                    assert!(times[0] > 1_600_000_000_000_000_000 && times[0] <= times[1]);
                    assert!(!body.to_string().contains("secret-name"));
                    traced = true;
                }
            }
        }
    });
    waited.await.expect("in time");
}
