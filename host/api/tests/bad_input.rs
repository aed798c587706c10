//! Whatever a client sends: every fault is a problem document that names what is wrong, and
//! nothing is half made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::{Answer, Host};
use serde_json::{Value, json};

async fn post(host: &Host, path: &str, body: &str) -> Answer {
    host.send("POST", path, "", body.as_bytes()).await
}

/// A refusal as it has to be: a problem document that says where, if it is a field.
fn refused(answer: &Answer, what: &str) -> Value {
    assert!(
        (400..500).contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        answer.body
    );
    assert!(answer.head.contains("application/problem+json"), "{what}");
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status, "{what}");
    assert!(
        problem["type"].as_str().unwrap().starts_with("/problems/"),
        "{what}"
    );
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{what}");
    problem
}

fn names(problem: &Value, field: &str) -> bool {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .any(|error| error["field"].as_str().unwrap().contains(field))
}

fn source(source: Value) -> Value {
    json!({"name": "a", "sources": [source]})
}

fn output(url: &str) -> Value {
    json!({"name": "a", "outputs": [{"name": "x", "url": url}]})
}

#[tokio::test]
async fn each_bad_input_names_its_field_and_leaves_nothing() {
    let host = Host::start().await;
    let long = "a".repeat(300);
    let rows = [
        ("no name", json!({}), "name"),
        ("a number as name", json!({"name": 5}), "name"),
        ("null as name", json!({"name": null}), "name"),
        ("an empty name", json!({"name": ""}), "name"),
        ("a long name", json!({"name": long}), "name"),
        (
            "a path in a name",
            json!({"name": "../../etc/passwd"}),
            "name",
        ),
        ("a dot part", json!({"name": "live/./a"}), "name"),
        ("an absolute name", json!({"name": "/live/a"}), "name"),
        ("a backslash", json!({"name": "live\\a"}), "name"),
        ("Unicode", json!({"name": "live/bühne"}), "name"),
        ("a bidi override", json!({"name": "a\u{202e}b"}), "name"),
        ("a control character", json!({"name": "a\u{0}b"}), "name"),
        ("a line break", json!({"name": "a\nb"}), "name"),
        ("an escaped slash", json!({"name": "a%2Fb"}), "name"),
        (
            "sources of the wrong kind",
            json!({"name": "a", "sources": {}}),
            "sources",
        ),
        (
            "a source of the wrong kind",
            json!({"name": "a", "sources": [7]}),
            "sources[0]",
        ),
        (
            "an unknown source",
            source(json!({"type": "carrier-pigeon"})),
            "sources",
        ),
        (
            "an unknown member",
            json!({"name": "a", "colour": "red"}),
            "colour",
        ),
        (
            "a port that is none",
            source(json!({"type": "udp", "address": "127.0.0.1:99999"})),
            "sources",
        ),
        (
            "a negative port",
            source(json!({"type": "udp", "address": "127.0.0.1:-1"})),
            "sources",
        ),
        (
            "an unknown host",
            source(json!({"type": "udp", "address": "no such host:5000"})),
            "sources",
        ),
        ("a scheme that is none", output("gopher://h:1"), "url"),
        ("no URL", output(""), "url"),
        ("a URL without port", output("udp://127.0.0.1"), "url"),
        ("a huge port", output("udp://127.0.0.1:4294967296"), "url"),
        (
            "a negative port in a URL",
            output("srt://127.0.0.1:-9"),
            "url",
        ),
        (
            "a control character in a URL",
            output("udp://127.0.0.1:9\r\nx"),
            "url",
        ),
        (
            "a huge latency",
            output("srt://127.0.0.1:9?latency=99999999999999999999"),
            "url",
        ),
        (
            "an unknown parameter",
            output("srt://127.0.0.1:9?latecny=1"),
            "url",
        ),
        (
            "an output's odd name",
            json!({"name": "a", "outputs": [{"name": "x/y", "url": "udp://127.0.0.1:9"}]}),
            "name",
        ),
        (
            "enabled as text",
            json!({"name": "a", "outputs": [{"url": "udp://127.0.0.1:9", "enabled": "yes"}]}),
            "enabled",
        ),
        (
            "labels of numbers",
            json!({"name": "a", "labels": {"x": 1e308}}),
            "labels",
        ),
    ];
    for (what, body, field) in rows {
        let answer = post(&host, "/api/v1/inputs", &body.to_string()).await;
        let problem = refused(&answer, what);
        assert!(names(&problem, field), "{what}: {problem}");
        let inputs = host.get("/api/v1/inputs").await.json();
        assert_eq!(inputs["inputs"], json!([]), "{what}: something is left");
    }
}

#[tokio::test]
async fn what_is_taken_already_is_refused_with_a_name() {
    let host = Host::start().await;
    let at = |name: &str, address: &str| {
        json!({"name": name, "sources": [{"type": "udp", "address": address}]}).to_string()
    };
    let first = post(&host, "/api/v1/inputs", &at("a", "127.0.0.1:15000")).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let same_name = post(&host, "/api/v1/inputs", &at("a", "127.0.0.1:15001")).await;
    assert_eq!(refused(&same_name, "a name twice")["code"], "input-exists");
    let same_port = post(&host, "/api/v1/inputs", &at("b", "127.0.0.1:15000")).await;
    assert!(names(&refused(&same_port, "a port twice"), "sources"));
    let twice = json!({"name": "c", "outputs": [
        {"name": "x", "url": "udp://127.0.0.1:9"}, {"name": "x", "url": "udp://127.0.0.1:10"}]});
    let twice = post(&host, "/api/v1/inputs", &twice.to_string()).await;
    assert!(names(&refused(&twice, "an output twice"), "outputs"));
    let inputs = host.get("/api/v1/inputs").await.json();
    assert_eq!(inputs["inputs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn more_than_the_limits_is_refused_as_a_whole() {
    let host = Host::start().await;
    let inputs: Vec<_> = (0..100_000)
        .map(|n| json!({"name": format!("i{n}")}))
        .collect();
    let document = json!({"inputs": inputs}).to_string();
    let answer = post(&host, "/api/v1/apply", &document).await;
    refused(&answer, "100,000 inputs");
    let inputs: Vec<_> = (0..2_000)
        .map(|n| json!({"name": format!("i{n}")}))
        .collect();
    let answer = post(
        &host,
        "/api/v1/apply",
        &json!({"inputs": inputs}).to_string(),
    )
    .await;
    refused(&answer, "2,000 inputs");
    let outputs: Vec<_> = (0..30)
        .map(|n| json!({"name": format!("o{n}"), "url": format!("udp://127.0.0.1:{}", 9000 + n)}))
        .collect();
    let body = json!({"name": "a", "outputs": outputs}).to_string();
    refused(&post(&host, "/api/v1/inputs", &body).await, "30 outputs");
    assert_eq!(host.get("/api/v1/inputs").await.json()["inputs"], json!([]));
}

#[tokio::test]
async fn what_is_no_json_or_no_request_is_refused() {
    let host = Host::start().await;
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "nul",
        "[]",
        "7",
        "\"a\"",
        "{\"name\": \"a\"} x",
        &deep,
        "\u{feff}{}",
    ] {
        let what: String = body.chars().take(20).collect();
        refused(&post(&host, "/api/v1/inputs", body).await, &what);
    }
    let not_text = host
        .send("POST", "/api/v1/inputs", "", b"{\"name\": \"\xff\"}")
        .await;
    refused(&not_text, "not UTF-8");
    for path in [
        "/api/v1/inputs/%00",
        "/api/v1/inputs/%ff",
        "/api/v1/inputs/..%2F..%2Fetc",
        "/api/v1/inputs/a/outputs/%0a",
        "/api/v1/streams/%e2%80%ae",
        "/api/v1/nothing",
        "/problems/nothing",
    ] {
        refused(&host.get(path).await, path);
    }
    let odd_tag = "if-match: not a tag\r\n";
    let answer = host.send("DELETE", "/api/v1/inputs/a", odd_tag, b"").await;
    assert_eq!(refused(&answer, "If-Match")["status"], 400);
    let answer = host.send("PATCH", "/api/v1/inputs", "", b"{}").await;
    assert_eq!(refused(&answer, "a method that is none")["status"], 405);
}
