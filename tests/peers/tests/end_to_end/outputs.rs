//! Outputs over REST, each with a life of its own: what is done to one is not seen at the others.

use peers::beat::{Beat, Sink};
use peers::{Host, Peer, ports, until, until_some};
use serde_json::{Value, json};

const INPUT: &str = "live/beat";

/// Datagrams, of 200 a second, that have to arrive before the next thing is done.
const A_WHILE: u64 = 150;

fn host_with_input(config: &str) -> (Host, u16) {
    let port = ports::free();
    let host = Host::start(config);
    let input = json!({ "name": INPUT, "sources": [{ "type": "udp", "address": format!("127.0.0.1:{port}") }] });
    let (status, answer) = host.http.post_json("/api/v1/inputs", &input);
    assert_eq!(status, 201, "{answer}");
    ports::until_listened(port);
    (host, port)
}

fn path(output: &str) -> String {
    format!("/api/v1/inputs/{INPUT}/outputs/{output}")
}

fn add(host: &Host, output: Value) -> (u16, Value) {
    let outputs = format!("/api/v1/inputs/{INPUT}/outputs");
    host.http.post_json(&outputs, &output)
}

fn await_state(host: &Host, output: &str, state: &str) -> Value {
    until_some(&format!("{output} is {state}"), || {
        let view = host.http.json(&path(output))?;
        (view["state"] == state).then_some(view)
    })
}

/// An SRT listener that hands on what comes to a UDP port.
fn srt_listener(port: u16, to: u16) -> Peer {
    let peer = Peer::start(&format!(
        "srt-live-transmit -q srt://127.0.0.1:{port}?mode=listener udp://127.0.0.1:{to}"
    ));
    ports::until_listened(port);
    peer
}

#[test]
fn what_is_done_to_one_output_is_not_seen_at_the_others() {
    let (host, port) = host_with_input("");
    let (left, right, far, changed) = (Sink::open(), Sink::open(), Sink::open(), Sink::open());
    let srt = ports::free();
    let _listener = srt_listener(srt, far.port);
    let others = [("left", &left), ("right", &right), ("far", &far)];
    for (name, url) in [
        ("left", format!("udp://127.0.0.1:{}", left.port)),
        ("right", format!("udp://127.0.0.1:{}", right.port)),
        ("far", format!("srt://127.0.0.1:{srt}?latency=500")),
    ] {
        let (status, answer) = add(&host, json!({ "name": name, "url": url }));
        assert_eq!(status, 201, "{answer}");
    }
    let beat = Beat::to(port);
    let since = others.map(|(name, _)| await_state(&host, name, "live")["since_unix_ms"].clone());
    let a_while = |after: &str| {
        let from = beat.next();
        for (name, sink) in others {
            until(&format!("{name} goes on after {after}"), || {
                sink.newest().is_some_and(|newest| newest >= from + A_WHILE)
            });
        }
    };
    a_while("the start");

    let url = |sink: &Sink| format!("udp://127.0.0.1:{}", sink.port);
    let dead = format!("udp://127.0.0.1:{}", ports::free());
    let (status, answer) = add(&host, json!({ "name": "mine", "url": url(&changed) }));
    assert_eq!(status, 201, "{answer}");
    await_state(&host, "mine", "live");
    a_while("one is added");
    let patch = |change: Value| {
        let (status, answer) = host.http.patch_json(&path("mine"), &change);
        assert_eq!(status, 200, "{answer}");
    };
    patch(json!({ "retry": { "attempts": 2, "initial_ms": 50 } }));
    a_while("its tries are changed");
    patch(json!({ "url": dead }));
    await_state(&host, "mine", "exhausted");
    a_while("its target is gone");
    let post = |verb: &str| {
        let (status, answer) = host
            .http
            .post_json(&format!("{}/{verb}", path("mine")), &json!({}));
        assert_eq!(status, 200, "{verb}: {answer}");
    };
    post("retry");
    a_while("it is tried again");
    post("stop");
    await_state(&host, "mine", "stopped");
    a_while("it is stopped");
    patch(json!({ "url": url(&changed) }));
    post("start");
    await_state(&host, "mine", "live");
    a_while("it is started");
    assert_eq!(host.http.delete(&path("mine")), 204);
    a_while("it is taken back");

    for ((name, sink), since) in others.into_iter().zip(since) {
        let view = await_state(&host, name, "live");
        assert_eq!(sink.missing(), 0, "{name}: {view}");
        let untouched = (&view["reconnects"], &view["drops"], &view["since_unix_ms"]);
        assert_eq!(untouched, (&0.into(), &0.into(), &since), "{name}");
    }
    let far = host.http.json(&path("far")).unwrap_or_default();
    assert!(far["srt"]["rtt_ms"].as_f64() > Some(0.0), "{far}");
    assert_eq!(far["srt"]["lost_packets"], 0, "{far}");
    host.stop();
}

#[test]
fn another_rule_about_tries_leaves_a_live_output_alone() {
    let (host, port) = host_with_input("");
    let sink = Sink::open();
    let url = format!("udp://127.0.0.1:{}", sink.port);
    assert_eq!(add(&host, json!({ "name": "out", "url": url })).0, 201);
    let beat = Beat::to(port);
    let before = await_state(&host, "out", "live");
    let retry = json!({ "attempts": 5, "cap_ms": 1_000 });
    let (status, answer) = host
        .http
        .patch_json(&path("out"), &json!({ "retry": retry }));
    assert_eq!((status, &answer["retry"]), (200, &retry), "{answer}");
    let from = beat.next();
    until("it goes on", || sink.newest() >= Some(from + A_WHILE));
    assert_eq!(sink.missing(), 0);
    let after = await_state(&host, "out", "live");
    assert_eq!(after["since_unix_ms"], before["since_unix_ms"]);
    assert_eq!(after["reconnects"], 0);
    let (status, exported) = host.http.post_json("/api/v1/export", &json!({}));
    let output = &exported["inputs"][0]["outputs"][0];
    assert_eq!((status, &output["retry"]), (200, &retry), "{exported}");
    host.stop();
}

#[test]
fn a_dead_peer_uses_up_its_attempts_and_a_retry_brings_it_back() {
    let (host, port) = host_with_input("");
    let _beat = Beat::to(port);
    let (sink, srt) = (Sink::open(), ports::free());
    let url = format!("srt://127.0.0.1:{srt}?timeout=300");
    let retry = json!({ "initial_ms": 50, "attempts": 3, "jitter_percent": 0 });
    let (status, answer) = add(&host, json!({ "name": "out", "url": url, "retry": retry }));
    assert_eq!(status, 201, "{answer}");
    let view = await_state(&host, "out", "exhausted");
    assert_eq!(
        (&view["attempt"], &view["retry"]),
        (&3.into(), &retry),
        "{view}"
    );
    assert!(view["next_attempt_unix_ms"].is_null(), "{view}");
    assert!(
        view["last_error"]
            .as_str()
            .is_some_and(|told| !told.is_empty()),
        "{view}"
    );
    assert!(view["last_error_unix_ms"].is_u64(), "{view}");

    let listener = srt_listener(srt, sink.port);
    let (status, answer) = host
        .http
        .post_json(&format!("{}/retry", path("out")), &json!({}));
    assert_eq!(status, 200, "{answer}");
    await_state(&host, "out", "live");
    until("media arrives", || sink.newest().is_some());

    drop(listener);
    await_state(&host, "out", "exhausted");
    // One attempt more is allowed: it is made without anybody asking.
    let _listener = srt_listener(srt, sink.port);
    let more = json!({ "retry": { "attempts": 100 } });
    assert_eq!(host.http.patch_json(&path("out"), &more).0, 200);
    await_state(&host, "out", "live");

    let wrong =
        json!({ "retry": { "attempts": 0, "factor": 11, "initial_ms": 900, "cap_ms": 800 } });
    let (status, problem) = host.http.patch_json(&path("out"), &wrong);
    assert_eq!(status, 422, "{problem}");
    for field in ["retry.attempts", "retry.factor", "retry.cap_ms"] {
        assert!(problem.to_string().contains(field), "{field}: {problem}");
    }
    host.stop();
}

#[test]
fn an_output_is_live_only_while_its_stream_flows() {
    let (host, port) = host_with_input("");
    let sink = Sink::open();
    let url = format!("udp://127.0.0.1:{}", sink.port);
    assert_eq!(add(&host, json!({ "name": "out", "url": url })).0, 201);
    await_state(&host, "out", "source_lost");
    let beat = Beat::to(port);
    await_state(&host, "out", "live");
    let next = beat.next();
    drop(beat);
    await_state(&host, "out", "source_lost");
    let _beat = Beat::from(port, next);
    let view = await_state(&host, "out", "live");
    assert_eq!(view["reconnects"], 0, "{view}");
    host.stop();
}

#[test]
fn what_may_not_be_called_is_not_called() {
    let lists = "[egress]\ndeny = [\"127.0.0.0/8\", \"::1\"]\n";
    let (host, port) = host_with_input(lists);
    let _beat = Beat::to(port);
    let sink = Sink::open();
    for (url, why) in [
        (format!("udp://127.0.0.1:{}", sink.port), "127.0.0.0/8"),
        (
            format!("udp://[::ffff:127.0.0.1]:{}", sink.port),
            "127.0.0.0/8",
        ),
        ("rtmp://169.254.169.254/live/key".to_owned(), "link_local"),
        ("srt://[fe80::1]:9000".to_owned(), "link_local"),
    ] {
        let (status, problem) = add(&host, json!({ "name": "out", "url": url }));
        assert_eq!(status, 422, "{url}: {problem}");
        let told = problem.to_string();
        assert!(
            told.contains("outputs[out].url") && told.contains(why),
            "{told}"
        );
    }
    // Names are known for what they are when they are called.
    for (name, url) in [
        ("udp", format!("udp://localhost:{}", sink.port)),
        ("srt", "srt://localhost:9000".to_owned()),
        ("rtmp", "rtmp://2130706433/live/key".to_owned()),
    ] {
        let (status, answer) = add(&host, json!({ "name": name, "url": url }));
        assert_eq!(status, 201, "{answer}");
        let view = await_state(&host, name, "failed");
        let told = view["last_error"].as_str().unwrap_or_default();
        assert!(told.contains("[egress] deny"), "{told}");
    }
    assert_eq!(sink.newest(), None);
    // To listen is not to call.
    let listens = format!("srt://127.0.0.1:{}?mode=listener", ports::free());
    let (status, answer) = add(&host, json!({ "name": "listens", "url": listens }));
    assert_eq!(status, 201, "{answer}");
    host.stop();
}
