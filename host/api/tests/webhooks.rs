//! Webhooks, as their receivers see them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::Host;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// No condition takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of the Standard Webhooks specification's own example.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let line = |line: &&str| line.to_lowercase().starts_with(&format!("{name}:"));
        let line = self
            .head
            .lines()
            .find(line)
            .unwrap_or_else(|| panic!("{name} in {}", self.head));
        line.split_once(':').unwrap().1.trim()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver that answers with these, one after another, and with the last one ever after.
async fn receiver(answers: &'static [&'static str]) -> (String, mpsc::Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/hooks/hunter2?key=hunter2",
        listener.local_addr().unwrap()
    );
    let (sender, received) = mpsc::channel(64);
    tokio::spawn(async move {
        for n in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let whole = |text: &str| {
                let (head, body) = text.split_once("\r\n\r\n")?;
                let head = head.to_owned();
                let length = head.to_lowercase();
                let length = length
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"))?;
                let body = (body.len() >= length.trim().parse().ok()?).then(|| body.to_owned())?;
                Some(Received { head, body })
            };
            let request = loop {
                let mut buffer = [0; 4096];
                let count = socket.read(&mut buffer).await.unwrap();
                text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
                if let Some(request) = whole(&text) {
                    break request;
                }
                assert!(count > 0, "{text}");
            };
            let answer = answers.get(n).or(answers.last()).unwrap();
            let answer =
                format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
            if sender.send(request).await.is_err() {
                return;
            }
        }
    });
    (url, received)
}

async fn next(received: &mut mpsc::Receiver<Received>) -> Received {
    let next = tokio::time::timeout(PATIENCE, received.recv()).await;
    next.expect("in time").expect("a request")
}

async fn declare(host: &Host, body: Value) -> common::Answer {
    host.send("POST", "/api/v1/webhooks", "", body.to_string().as_bytes())
        .await
}

async fn deliveries(host: &Host, name: &str) -> Vec<Value> {
    let path = format!("/api/v1/webhooks/{name}/deliveries");
    let answer = host.get(&path).await.json();
    answer["deliveries"].as_array().unwrap().clone()
}

/// What another implementation of the scheme signs.
fn signed_by_python(request: &Received) -> String {
    const PROGRAM: &str = "import sys,hmac,hashlib,base64\n\
        key=base64.b64decode(sys.argv[1])\n\
        print('v1,'+base64.b64encode(hmac.new(key,sys.stdin.buffer.read(),hashlib.sha256).digest()).decode())";
    let mut python = Command::new("python3")
        .args(["-c", PROGRAM, SECRET.strip_prefix("whsec_").unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let signed = format!(
        "{}.{}.{}",
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
        request.body
    );
    python
        .stdin
        .take()
        .unwrap()
        .write_all(signed.as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn an_event_is_signed_and_sent_again_under_the_same_id_until_it_is_taken() {
    let host = Host::start().await;
    let (url, mut received) = receiver(&["500 No", "503 Later", "204 Fine"]).await;
    let answer = declare(&host, json!({"name": "pager", "url": url, "secret": SECRET, "events": ["stream_started"], "streams": "live/*"})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert!(
        answer.head.contains("location: /api/v1/webhooks/pager"),
        "{}",
        answer.head
    );
    assert!(
        !answer.body.contains("hunter2") && !answer.body.contains("whsec"),
        "{}",
        answer.body
    );
    let _other = host.publish("other/a");
    let _source = host.publish("live/a");
    let first = next(&mut received).await;
    assert_eq!(
        (&first.json()["type"], &first.json()["stream"]),
        (&"stream_started".into(), &"live/a".into())
    );
    for request in [
        &first,
        &next(&mut received).await,
        &next(&mut received).await,
    ] {
        assert_eq!(
            request.header("webhook-id"),
            first.json()["id"].as_str().unwrap()
        );
        assert_eq!(
            request.header("webhook-signature"),
            signed_by_python(request)
        );
        assert_eq!(request.body, first.body);
    }
    let tried = tokio::time::timeout(PATIENCE, async {
        loop {
            let tried = deliveries(&host, "pager").await;
            if tried.len() == 3 {
                return tried;
            }
        }
    });
    let tried = tried.await.expect("in time");
    let tried: Vec<_> = tried
        .iter()
        .map(|it| (&it["attempt"], &it["status"], &it["delivered"]))
        .collect();
    assert_eq!(
        tried,
        [
            (&json!(3), &json!(204), &json!(true)),
            (&json!(2), &json!(503), &json!(false)),
            (&json!(1), &json!(500), &json!(false)),
        ]
    );
    let list = host.get("/api/v1/webhooks").await.json();
    assert_eq!(
        (
            &list["webhooks"][0]["delivered"],
            &list["webhooks"][0]["retries"]
        ),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn a_webhook_is_tried_out_changed_and_taken_back() {
    let host = Host::start().await;
    let (url, mut received) = receiver(&["200 Fine"]).await;
    let spec = json!({"name": "pager", "url": url, "enabled": false});
    assert_eq!(declare(&host, spec.clone()).await.status, 201);
    assert_eq!(declare(&host, spec).await.status, 409);
    let tried = host
        .send("POST", "/api/v1/webhooks/pager/test", "", b"")
        .await
        .json();
    assert_eq!(
        (&tried["delivered"], &tried["status"]),
        (&json!(true), &json!(200)),
        "{tried}"
    );
    let request = next(&mut received).await;
    assert_eq!(request.json()["type"], "webhook_test");
    assert!(
        !request.head.to_lowercase().contains("webhook-signature"),
        "{}",
        request.head
    );

    // Masked as it was shown, the address stays what it was.
    let shown = host.get("/api/v1/webhooks/pager").await.json();
    let patch = json!({"enabled": true, "url": shown["url"]}).to_string();
    let changed = host
        .send("PATCH", "/api/v1/webhooks/pager", "", patch.as_bytes())
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let _source = host.publish("live/a");
    assert_eq!(next(&mut received).await.json()["webhook"], Value::Null);
    let export = host.send("POST", "/api/v1/export", "", b"").await;
    assert!(
        !export.body.contains("hunter2") && export.body.contains("pager"),
        "{}",
        export.body
    );

    assert_eq!(
        host.send("DELETE", "/api/v1/webhooks/pager", "", b"")
            .await
            .status,
        204
    );
    for (method, path) in [
        ("GET", ""),
        ("GET", "/deliveries"),
        ("POST", "/test"),
        ("DELETE", ""),
    ] {
        let path = format!("/api/v1/webhooks/pager{path}");
        let answer = host.send(method, &path, "", b"").await;
        assert_eq!(
            (answer.status, &answer.json()["type"]),
            (404, &json!("/problems/unknown-webhook"))
        );
    }
}

#[tokio::test]
async fn it_is_sent_nowhere_that_is_closed_and_follows_nobody() {
    let host = Host::start().await;
    let closed =
        json!({"name": "closed", "url": "http://169.254.169.254/latest", "enabled": false});
    assert_eq!(declare(&host, closed).await.status, 201);
    let tried = host
        .send("POST", "/api/v1/webhooks/closed/test", "", b"")
        .await
        .json();
    assert_eq!(
        (&tried["delivered"], &tried["status"]),
        (&json!(false), &Value::Null)
    );
    assert!(
        tried["error"].as_str().unwrap().contains("link-local"),
        "{tried}"
    );

    let (target, mut reached) = receiver(&["200 Fine"]).await;
    let moved: &'static str =
        Box::leak(format!("307 Moved\r\nlocation: {target}").into_boxed_str());
    let answers: &'static [&'static str] = Box::leak(Box::new([moved]));
    let (url, _received) = receiver(answers).await;
    assert_eq!(
        declare(
            &host,
            json!({"name": "moved", "url": url, "enabled": false})
        )
        .await
        .status,
        201
    );
    let tried = host
        .send("POST", "/api/v1/webhooks/moved/test", "", b"")
        .await
        .json();
    assert_eq!(
        (&tried["delivered"], &tried["status"]),
        (&json!(false), &json!(307))
    );
    assert!(reached.try_recv().is_err());
}

#[tokio::test]
async fn every_fault_of_a_webhook_is_told() {
    let host = Host::start().await;
    let answer = declare(
        &host,
        json!({"name": "x", "url": "ftp://h/", "secret": "short", "events": ["nonsense"]}),
    )
    .await;
    assert_eq!(answer.status, 422);
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let fields: Vec<_> = errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["url", "secret", "events"]);
}
