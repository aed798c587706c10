//! The API against a host in this process, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use bytes::Bytes;
use common::{Host, MAX_PLUGIN_BYTES, fanout};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

#[tokio::test]
async fn every_fault_is_a_problem_document_with_a_type_that_explains_itself() {
    let host = Host::start().await;
    let large = vec![0; MAX_PLUGIN_BYTES + 1];
    let unknown = br#"{"plugin":"fanout","colour":"red"}"#;
    let absent = br#"{"plugin":"absent"}"#;
    let evil = "origin: http://evil.example\r\n";
    let rebound = "host: rebound.example\r\n";
    type Case<'a> = (&'a str, &'a str, &'a str, &'a [u8], u16, &'a str);
    let cases: [Case<'_>; 19] = [
        ("GET", "/nothing/here", "", b"", 404, "not-found"),
        (
            "POST",
            "/api/v1/streams",
            "",
            b"",
            405,
            "method-not-allowed",
        ),
        (
            "GET",
            "/api/v1/streams/live/none",
            "",
            b"",
            404,
            "unknown-stream",
        ),
        ("GET", "/api/v1/streams/a%20b", "", b"", 400, "bad-request"),
        ("GET", "/api/v1/streams/%ff", "", b"", 400, "bad-request"),
        (
            "GET",
            "/api/v1/plugins/none",
            "",
            b"",
            404,
            "unknown-plugin",
        ),
        (
            "PUT",
            "/api/v1/plugins/x",
            "",
            b"garbage",
            422,
            "plugin-invalid",
        ),
        ("PUT", "/api/v1/plugins/x", "", &large, 413, "too-large"),
        (
            "PUT",
            "/api/v1/plugins/a%2fb",
            "",
            b"garbage",
            400,
            "bad-request",
        ),
        (
            "POST",
            "/api/v1/plugins/none/rollback",
            "",
            b"",
            404,
            "unknown-plugin",
        ),
        (
            "DELETE",
            "/api/v1/plugins/none",
            "",
            b"",
            404,
            "unknown-plugin",
        ),
        (
            "PUT",
            "/api/v1/policies/routing",
            "",
            b"{\"plugin\"",
            400,
            "malformed-json",
        ),
        (
            "PUT",
            "/api/v1/policies/routing",
            "",
            unknown,
            422,
            "invalid-body",
        ),
        (
            "PUT",
            "/api/v1/policies/routing",
            "",
            absent,
            422,
            "invalid-document",
        ),
        (
            "PUT",
            "/api/v1/policies/dice",
            "",
            absent,
            400,
            "bad-request",
        ),
        (
            "DELETE",
            "/api/v1/policies/routing?streams=x",
            "",
            b"",
            404,
            "unknown-policy",
        ),
        (
            "GET",
            "/api/v1/decisions?limit=many",
            "",
            b"",
            400,
            "bad-request",
        ),
        (
            "PUT",
            "/api/v1/plugins/x",
            evil,
            b"garbage",
            403,
            "cross-site",
        ),
        (
            "PUT",
            "/api/v1/plugins/x",
            rebound,
            b"garbage",
            403,
            "foreign-host",
        ),
    ];
    for (method, path, headers, body, status, slug) in cases {
        let answer = host.send(method, path, headers, body).await;
        let case = format!("{method} {path} {headers}: {} {}", answer.head, answer.body);
        assert_eq!(answer.status, status, "{case}");
        assert!(
            answer
                .head
                .contains("content-type: application/problem+json"),
            "{case}"
        );
        let problem = answer.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{case}");
        assert_eq!(problem["status"], status, "{case}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.len() > 10),
            "{case}"
        );
        assert_eq!(
            host.get(problem["type"].as_str().unwrap()).await.status,
            200,
            "{case}"
        );
    }
    for path in [
        "/hls/none/index.m3u8",
        "/hls/none",
        "/hls/a..%2f/index.m3u8",
    ] {
        let problem = host.get(path).await.json();
        assert_eq!(
            host.get(problem["type"].as_str().unwrap()).await.status,
            200,
            "{problem}"
        );
    }
}

#[tokio::test]
async fn every_documented_operation_is_there() {
    let host = Host::start().await;
    let document = host.get("/api/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if path == "/api/v1/events" {
                continue; // has a test of its own: it never ends
            }
            let concrete = path.replace("{name}", "x").replace("{kind}", "routing");
            let concrete = concrete.replace("{slug}", "not-found");
            let answer = host.send(&method.to_uppercase(), &concrete, "", b"").await;
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(
                !answer.body.contains("/problems/not-found"),
                "{method} {path}"
            );
            assert!(operation["responses"].is_object() && operation["summary"].is_string());
        }
    }
}

#[tokio::test]
async fn a_refused_component_leaves_the_one_before_in_force_and_rollback_goes_back() {
    let host = Host::start().await;
    let component = fanout().await;
    let path = "/api/v1/plugins/fanout";
    let first = host.send("PUT", path, "", &component).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let sha256 = first.json()["sha256"].clone();
    let bound = host
        .send(
            "PUT",
            "/api/v1/policies/routing",
            "",
            br#"{"plugin":"fanout"}"#,
        )
        .await;
    assert_eq!(bound.status, 200, "{}", bound.body);

    let refused = host
        .send("PUT", path, "", &component[..component.len() / 2])
        .await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.json()["type"], "/problems/plugin-invalid");
    assert_eq!(host.get(path).await.json()["sha256"], sha256);

    // A custom section more makes other bytes of the same policy.
    let variant = [&component[..], &[0, 3, 1, b'v', 1]].concat();
    let second = host.send("PUT", path, "", &variant).await.json();
    assert_eq!(second["replaced_sha256"], sha256);
    let back = host
        .send("POST", &format!("{path}/rollback"), "", b"")
        .await;
    assert_eq!(
        (back.status, &back.json()["sha256"]),
        (200, &sha256),
        "{}",
        back.body
    );

    let in_use = host.send("DELETE", path, "", b"").await;
    assert_eq!(
        (in_use.status, in_use.json()["code"].as_str()),
        (409, Some("plugin-in-use"))
    );
    assert_eq!(
        host.send("DELETE", "/api/v1/policies/routing", "", b"")
            .await
            .status,
        204
    );
    assert_eq!(host.send("DELETE", path, "", b"").await.status, 204);
}

#[tokio::test]
async fn streams_and_metrics_show_what_flows() {
    let host = Host::start().await;
    let mut source = host.publish("live/cam1");
    source.push_ts(two_seconds().await.chunks(1316).map(Bytes::copy_from_slice));
    let stream = host.get("/api/v1/streams/live/cam1").await.json();
    let video = json!({ "codec": "h264", "width": 160, "height": 90, "fps": 25.0 });
    assert_eq!(stream["video"], video, "{stream}");
    assert_eq!(stream["audio"]["sample_rate_hz"], 48_000);
    assert_eq!(stream["sources"][0]["on_air"], true);
    assert_eq!(stream["watch"]["hls"], "/hls/live/cam1/index.m3u8");
    assert_eq!(
        stream["watch"]["srt"],
        "srt://localhost:8890?streamid=read:live/cam1"
    );
    assert_eq!(stream["viewers"], json!([]));
    let list = host.get("/api/v1/streams").await.json();
    assert_eq!(list["streams"][0]["name"], "live/cam1");

    let metrics = host.get("/metrics").await.body;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {metrics}"))
            .trim()
            .parse::<f64>()
            .unwrap()
    };
    assert_eq!(value("pointsman_streams"), 1.0);
    let bytes = value(
        "pointsman_source_bytes_total{stream=\"live/cam1\",source=\"publish\",protocol=\"srt\"}",
    );
    assert!(bytes > 10_000.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    every_sample_belongs_to_the_family_above_it(&metrics);
}

fn every_sample_belongs_to_the_family_above_it(metrics: &str) {
    let mut seen = std::collections::BTreeSet::new();
    let mut family = "";
    for line in metrics.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
            assert!(seen.insert(family), "{family} is split");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert!(
                kind.starts_with(family) && kind.ends_with(['r', 'e']),
                "{line}"
            );
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(name, family, "{line}");
            assert!(
                line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn events_arrive_as_they_happen_and_shutdown_ends_them_and_idle_connections_at_once() {
    let host = Host::start().await;
    let _idle = TcpStream::connect(host.address).await.unwrap();
    let mut listener = TcpStream::connect(host.address).await.unwrap();
    listener
        .write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut seen = String::new();
    read_until(&mut listener, &mut seen, "text/event-stream").await;
    let _source = host.publish("live/cam1");
    read_until(
        &mut listener,
        &mut seen,
        r#""type":"stream_started","stream":"live/cam1"}"#,
    )
    .await;
    let begun = Instant::now();
    host.shutdown.cancel();
    host.server.await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    listener
        .read_to_string(&mut seen)
        .await
        .expect("the stream of events is ended, not cut");
}

async fn read_until(socket: &mut TcpStream, seen: &mut String, wanted: &str) {
    let deadline = Duration::from_secs(5);
    let mut buffer = [0; 4096];
    while !seen.contains(wanted) {
        let read = tokio::time::timeout(deadline, socket.read(&mut buffer)).await;
        let count = read
            .unwrap_or_else(|_| panic!("{wanted} in {seen}"))
            .unwrap();
        assert!(count > 0, "{wanted} in {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

async fn two_seconds() -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=160x90:rate=25",
        ])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=sample_rate=48000",
            "-t",
            "2",
            "-c:v",
            "libx264",
        ])
        .args([
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            "-f",
            "mpegts",
            "-",
        ])
        .output()
        .await
        .expect("ffmpeg is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
