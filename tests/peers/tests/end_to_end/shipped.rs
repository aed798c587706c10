//! The policies that we ship, and the examples in Rust, as components in a running host.

use peers::{Host, ports, product, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A policy, what it is asked, and a place in its answer with what is right there.
struct Case {
    folder: &'static str,
    kind: &'static str,
    config: Value,
    input: Value,
    right: (&'static str, Value),
}

fn source(id: &str) -> Value {
    json!({ "id": id, "title": id, "connected": true, "width": 1280, "height": 720 })
}

fn camera(id: &str, packet_age_ms: u64) -> Value {
    json!({ "id": id, "protocol": "udp", "connected": true, "packet_age_ms": packet_age_ms,
            "on_air": id == "main", "uptime_ms": 60_000, "bitrate_bps": 1_000_000 })
}

fn routings() -> [Case; 3] {
    [
        Case {
            folder: "plugins/fanout",
            kind: "routing",
            config: json!({ "rules": [{ "serve": ["hls"] }] }),
            input: json!({ "stream": "live/a" }),
            right: ("/serve/0", "hls".into()),
        },
        Case {
            folder: "examples/plugins/failover-hysteresis",
            kind: "routing",
            // Trouble counts at once.
            config: json!({ "trouble_ms": 0 }),
            input: json!({ "stream": "live/a", "sources": [camera("main", 9_000), camera("spare", 5)] }),
            right: ("/on_air", "spare".into()),
        },
        Case {
            folder: "examples/plugins/night-switch",
            kind: "routing",
            config: json!({ "night": { "from": "00:00", "to": "23:59" },
                            "night_url": "udp://127.0.0.1:9" }),
            input: json!({ "stream": "live/a", "sources": [camera("main", 5)] }),
            right: ("/on_air", "main".into()),
        },
    ]
}

fn others() -> [Case; 4] {
    let request = json!({ "channel": "channels/one" });
    let scene = json!({ "name": "wall/lobby", "canvas": { "width": 1_280, "height": 720 },
        "sources": [source("a"), source("b"), source("c"), source("d")] });
    let publish = json!({ "action": "publish", "protocol": "srt", "stream": "live/a",
        "peer_ip": "192.0.2.7", "token": "x7f3k2" });
    let rule =
        json!({ "actions": ["publish"], "keys": [{ "key": "x7f3k2", "as_stream": "live/cam1" }] });
    [
        Case {
            folder: "plugins/lru",
            kind: "selection",
            config: json!({ "segment_ms": 20_000 }),
            input: request.clone(),
            // The long one's second part was never played.
            right: ("/start_ms", json!(20_000)),
        },
        Case {
            folder: "plugins/shuffle",
            kind: "selection",
            config: json!({ "tag": "short", "seed": 7 }),
            input: request,
            right: ("/asset", "short".into()),
        },
        Case {
            folder: "plugins/grid",
            kind: "layout",
            config: json!({ "mode": "grid" }),
            input: scene,
            right: (
                "/tiles/3/area",
                json!({ "x": 640.0, "y": 360.0, "width": 640.0, "height": 360.0 }),
            ),
        },
        Case {
            folder: "plugins/keys",
            kind: "auth",
            config: json!({ "rules": [rule] }),
            input: publish,
            right: ("/stream", "live/cam1".into()),
        },
    ]
}

#[test]
fn shipped_policies_and_examples_decide_in_a_running_host() {
    let host = Host::start("");
    let played = json!([{ "start_ms": 0, "end_ms": 20_000, "played_unix_ms": 900 }]);
    let library = json!([
        { "id": "long", "duration_ms": 40_000, "last_played_unix_ms": 900, "segments": played },
        { "id": "short", "duration_ms": 20_000, "tags": ["short"], "last_played_unix_ms": 1_000,
          "segments": [{ "start_ms": 0, "end_ms": 20_000, "played_unix_ms": 1_000 }] },
    ]);
    for case in routings().into_iter().chain(others()) {
        let (status, answer) = host
            .http
            .put_plugin("shipped", &product::component(case.folder));
        assert_eq!(status, 200, "{}: {answer}", case.folder);
        let policy = json!({ "plugin": "shipped", "streams": "*", "config": case.config });
        let path = format!("/api/v1/policies/{}", case.kind);
        let (status, answer) = host.http.put_json(&path, &policy);
        assert_eq!(status, 200, "{}: {answer}", case.folder);
        let trial = host.http.dry_run(case.kind, &case.input, &library);
        let (place, right) = case.right;
        let found = trial["answer"].pointer(place);
        assert_eq!(found, Some(&right), "{}: {trial}", case.folder);
        assert_eq!(trial["decided_by"], "plugin", "{}: {trial}", case.folder);
        // A component without the kind would be refused while this policy is bound.
        assert_eq!(host.http.delete(&path), 204);
    }
    host.stop();
}

/// A web service that lets in whoever shows `anna`, and counts who was asked about.
fn service() -> u16 {
    let port = ports::free();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    // Ends with the process.
    std::thread::spawn(move || {
        for host in listener.incoming().flatten() {
            // Whoever hangs up gets no answer.
            let _ = judge(host);
        }
    });
    port
}

fn judge(mut host: TcpStream) -> std::io::Result<()> {
    let mut request = BufReader::new(host.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        request.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body)?;
    let verdict = json!({ "allow": asked["token"] == "anna", "reason": "the service says so" });
    let (verdict, close) = (verdict.to_string(), "connection: close");
    let length = verdict.len();
    let answer = format!("HTTP/1.1 200 OK\r\n{close}\r\ncontent-length: {length}\r\n\r\n{verdict}");
    host.write_all(answer.as_bytes())
}

/// The double grant, with real peers: the component asks for `http`, the operator names the host.
#[test]
fn a_webhook_lets_in_whom_its_service_knows_where_the_operator_grants_it() {
    let component = product::component("examples/plugins/webhook-auth");
    let url = format!("http://127.0.0.1:{}/", service());
    let grants = "[plugins.grants]\ngranted = [\"private:127.0.0.1\"]\nelsewhere = [\"hooks.example.com\"]\n";
    let host = Host::start_with_plugins(product::plugins(), grants);
    let policy = |plugin: &str| {
        let config = json!({ "url": url });
        let policy =
            json!({ "plugin": plugin, "streams": format!("{plugin}/*"), "config": config });
        let (status, answer) = host.http.put_plugin(plugin, &component);
        assert_eq!(status, 200, "{answer}");
        let (status, answer) = host.http.put_json("/api/v1/policies/auth", &policy);
        assert_eq!(status, 200, "{answer}");
    };
    policy("granted");
    policy("elsewhere");
    // Whoever is let in is told that nobody feeds the stream.
    let watch = |stream: &str, token: &str| {
        let path = format!("/hls/{stream}/index.m3u8?token={token}");
        host.http.get(&path).unwrap().0
    };
    assert_eq!(watch("granted/a", "anna"), 404);
    assert_eq!(watch("granted/a", "otto"), 403);
    assert_eq!(watch("elsewhere/a", "anna"), 403);
    until("the reasons are in the log", || {
        let found = host.http.json("/api/v1/decisions?kind=auth");
        let text = found.unwrap_or_default().to_string();
        text.contains("the service says so") && text.contains("does not allow")
    });
    host.stop();
}
