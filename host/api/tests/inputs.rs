//! Inputs, outputs and the whole document over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::{Answer, Host};
use serde_json::{Value, json};

async fn send(host: &Host, method: &str, path: &str, body: Value) -> Answer {
    host.send(method, path, "", body.to_string().as_bytes())
        .await
}

fn etag(answer: &Answer) -> String {
    let line = answer.head.lines().find(|line| line.starts_with("etag: "));
    line.expect("an ETag").replace("etag: ", "")
}

/// The fields that a problem document names.
fn fields(answer: &Answer) -> Vec<String> {
    let problem = answer.json();
    let errors = problem["errors"].as_array().expect("errors").clone();
    let field = |error: Value| error["field"].as_str().unwrap().to_owned();
    errors.into_iter().map(field).collect()
}

#[tokio::test]
async fn an_input_is_declared_shown_changed_and_taken_back() {
    let host = Host::start().await;
    let body = json!({"name": "live/cam1", "sources": [{"type": "udp"}, {"type": "publish"}],
        "outputs": [{"url": "srt://127.0.0.1:9?passphrase=hunter2hunter2"}], "labels": {"room": "2"}});
    let made = send(&host, "POST", "/api/v1/inputs", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(
        made.head.contains("location: /api/v1/inputs/live%2fcam1"),
        "{}",
        made.head
    );
    let view = made.json();
    assert_eq!(view["id"], "live/cam1");
    let address = view["sources"][0]["address"].as_str().unwrap().to_owned();
    assert_eq!(
        view["send"][0]["url"],
        format!("udp://{address}?pkt_size=1316")
    );
    assert_eq!(view["watch"]["hls"], "/hls/live/cam1/index.m3u8");
    assert_eq!(view["outputs"][0]["name"], "srt-1");
    assert!(!made.body.contains("hunter2"), "{}", made.body);

    let again = send(&host, "POST", "/api/v1/inputs", body).await;
    assert_eq!(
        (again.status, &again.json()["code"]),
        (409, &json!("input-exists"))
    );

    for path in ["/api/v1/inputs/live/cam1", "/api/v1/inputs/live%2Fcam1"] {
        let one = host.get(path).await;
        assert_eq!(
            (one.status, etag(&one)),
            (200, etag(&made)),
            "{path}: {}",
            one.body
        );
    }
    let patch = json!({"labels": {"room": null, "floor": "3"}});
    let changed = send(&host, "PATCH", "/api/v1/inputs/live/cam1", patch).await;
    assert_eq!(
        (changed.status, &changed.json()["labels"]),
        (200, &json!({"floor": "3"}))
    );
    assert_eq!(
        changed.json()["sources"][0]["address"],
        address,
        "its port stays"
    );

    let stale = format!("if-match: {}\r\n", etag(&made));
    let refused = host
        .send("DELETE", "/api/v1/inputs/live/cam1", &stale, b"")
        .await;
    assert_eq!(refused.status, 412, "{}", refused.body);
    let newest = format!("if-match: {}\r\n", etag(&changed));
    let gone = host
        .send("DELETE", "/api/v1/inputs/live/cam1", &newest, b"")
        .await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    assert_eq!(host.get("/api/v1/inputs/live/cam1").await.status, 404);
    assert_eq!(host.get("/api/v1/inputs").await.json()["inputs"], json!([]));
}

#[tokio::test]
async fn an_output_lives_a_life_of_its_own() {
    let host = Host::start().await;
    send(
        &host,
        "POST",
        "/api/v1/inputs",
        json!({"name": "live/cam1"}),
    )
    .await;
    let outputs = "/api/v1/inputs/live/cam1/outputs";
    let secret = json!({"name": "hall", "url": "srt://127.0.0.1:9?passphrase=hunter2hunter2", "enabled": false});
    let made = send(&host, "POST", outputs, secret).await;
    assert_eq!(
        (made.status, &made.json()["state"]),
        (201, &json!("stopped")),
        "{}",
        made.body
    );
    assert!(
        made.head
            .contains("location: /api/v1/inputs/live%2fcam1/outputs/hall"),
        "{}",
        made.head
    );
    let twice = send(
        &host,
        "POST",
        outputs,
        json!({"name": "hall", "url": "udp://127.0.0.1:9"}),
    )
    .await;
    assert_eq!(
        (twice.status, &twice.json()["code"]),
        (409, &json!("output-exists"))
    );
    let beside = send(&host, "POST", outputs, json!({"url": "udp://127.0.0.1:9"})).await;
    assert_eq!(beside.json()["name"], "udp-1");
    let list = host.get(outputs).await.json();
    assert_eq!(list["outputs"].as_array().unwrap().len(), 2);

    // What was shown masked may come back so, and means what it meant.
    let shown = host.get(&format!("{outputs}/hall")).await.json();
    let masked = shown["url"].as_str().unwrap();
    assert!(masked.contains("passphrase=***"), "{masked}");
    let patch = json!({"url": masked, "enabled": true});
    let changed = send(&host, "PATCH", &format!("{outputs}/hall"), patch).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let spec = host
        .control
        .output(&"live/cam1".parse().unwrap(), &"hall".parse().unwrap())
        .unwrap();
    assert!(
        spec.url.contains("hunter2hunter2") && spec.enabled,
        "{spec:?}"
    );

    let renamed = send(
        &host,
        "PATCH",
        &format!("{outputs}/hall"),
        json!({"name": "foyer"}),
    )
    .await;
    assert_eq!(
        (renamed.status, fields(&renamed)),
        (422, vec!["output.name".to_owned()])
    );

    let stopped = send(&host, "POST", &format!("{outputs}/hall/stop"), json!({})).await;
    assert_eq!(
        (stopped.status, &stopped.json()["enabled"]),
        (200, &json!(false))
    );
    let idle = send(&host, "POST", &format!("{outputs}/hall/retry"), json!({})).await;
    assert_eq!(
        (idle.status, &idle.json()["code"]),
        (409, &json!("not-running")),
        "{}",
        idle.body
    );
    let started = send(&host, "POST", &format!("{outputs}/hall/start"), json!({})).await;
    assert_eq!(
        (started.status, &started.json()["enabled"]),
        (200, &json!(true))
    );

    assert_eq!(
        host.send("DELETE", &format!("{outputs}/hall"), "", b"")
            .await
            .status,
        204
    );
    assert_eq!(host.get(&format!("{outputs}/hall")).await.status, 404);
    assert_eq!(host.get(&format!("{outputs}/udp-1")).await.status, 200);
}

#[tokio::test]
async fn all_faults_of_a_body_are_named_at_once_and_nothing_is_half_made() {
    let host = Host::start().await;
    let faulty = json!({"name": "live/cam1", "colour": "red",
        "sources": [{"type": "udp", "address": 5}, {"type": "pigeon"}],
        "outputs": [{"name": "a/b", "url": "udp://h:1"}, {"url": "***"}]});
    let refused = send(&host, "POST", "/api/v1/inputs", faulty).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(
        fields(&refused),
        ["sources[0]", "sources[1]", "outputs[0].name", "colour"]
    );
    // Their form is right, their sense is not.
    let senseless = json!({"name": "live/cam1", "sources": [{"type": "udp", "address": "127.0.0.1:99999"}],
        "outputs": [{"name": "a", "url": "gopher://h:1"}, {"name": "b", "url": "srt://h:1?latency=-5"}]});
    let refused = send(&host, "POST", "/api/v1/inputs", senseless).await;
    assert_eq!(
        fields(&refused),
        ["sources[0]", "outputs[a].url", "outputs[b].url"],
        "{}",
        refused.body
    );
    for name in ["", "../etc", "a b", "a//b", "caf\u{e9}", "a\u{0}b"] {
        let refused = send(&host, "POST", "/api/v1/inputs", json!({ "name": name })).await;
        assert_eq!(
            (refused.status, fields(&refused)),
            (422, vec!["name".to_owned()]),
            "{name:?}"
        );
    }
    let masked = json!({"name": "a", "outputs": [{"name": "x", "url": "rtmp://h/app/***"}]});
    let refused = send(&host, "POST", "/api/v1/inputs", masked).await;
    assert_eq!(fields(&refused), ["outputs[x].url"]);
    for (body, status) in [("[", 400), ("[]", 422), ("7", 422), ("null", 422)] {
        let refused = host
            .send("POST", "/api/v1/inputs", "", body.as_bytes())
            .await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    let headers = "if-match: yesterday\r\n";
    let refused = host.send("DELETE", "/api/v1/inputs/a", headers, b"").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(host.get("/api/v1/inputs").await.json()["inputs"], json!([]));
    assert_eq!(
        host.get("/api/v1/streams").await.json()["streams"],
        json!([])
    );
}

#[tokio::test]
async fn a_document_is_tried_applied_and_exported() {
    let host = Host::start().await;
    let document = json!({"policies": [], "inputs": [{"name": "live/cam1", "sources": [{"type": "publish"}],
        "outputs": [{"name": "hall", "url": "srt://127.0.0.1:9?passphrase=hunter2hunter2", "enabled": false}],
        "labels": {}}]});
    let tried = send(
        &host,
        "POST",
        "/api/v1/apply?dry_run=true",
        document.clone(),
    )
    .await;
    assert_eq!(
        (tried.status, &tried.json()["applied"]),
        (200, &json!(false)),
        "{}",
        tried.body
    );
    assert_eq!(host.get("/api/v1/inputs").await.json()["inputs"], json!([]));
    let applied = send(&host, "POST", "/api/v1/apply", document.clone()).await;
    assert_eq!(applied.json()["changes"], tried.json()["changes"]);
    assert_eq!(applied.json()["changes"][0]["item"], "input live/cam1");

    let whole = host
        .send("POST", "/api/v1/export?secrets=true", "", b"")
        .await;
    assert_eq!(whole.json(), document);
    let masked = host.send("POST", "/api/v1/export", "", b"").await;
    assert!(!masked.body.contains("hunter2"), "{}", masked.body);
    // What was exported is what is in force, masked or not.
    for document in [&whole, &masked] {
        let again = send(&host, "POST", "/api/v1/apply", document.json()).await;
        assert_eq!(
            (again.status, &again.json()["changes"]),
            (200, &json!([])),
            "{}",
            again.body
        );
    }
    let faulty = json!({"inputs": [{"name": "new"}, {"name": "bad", "outputs": [{"name": "x", "url": "nonsense"}]}], "extra": 1});
    let refused = send(&host, "POST", "/api/v1/apply", faulty).await;
    assert_eq!(
        (refused.status, fields(&refused)),
        (422, vec!["extra".to_owned()])
    );
    let stale = "if-match: \"00\"\r\n";
    let refused = host.send("POST", "/api/v1/apply", stale, b"{}").await;
    assert_eq!(refused.status, 412, "{}", refused.body);
    assert_eq!(
        host.get("/api/v1/inputs").await.json()["inputs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
