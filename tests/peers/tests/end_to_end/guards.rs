//! What keeps a bad plugin from harm, as its operator sees it: the way back, the breaker, limits.

use peers::{Desk, Events, Host, product, until};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

/// A host with the guest that misbehaves, which judges who may watch.
fn host_with_hostile(config: &str) -> Host {
    let host = Host::start_with_plugins(product::plugins(), config);
    let hostile = product::component("host/plugin/tests/hostile");
    let (status, answer) = host.http.put_plugin("hostile", &hostile);
    assert_eq!(status, 200, "{answer}");
    host
}

fn bind(host: &Host, kind: &str, act: &str) {
    let policy = json!({ "plugin": "hostile", "streams": "live/*", "config": { "act": act } });
    let path = format!("/api/v1/policies/{kind}");
    let (status, answer) = host.http.put_json(&path, &policy);
    assert_eq!(status, 200, "{answer}");
}

fn plugin(host: &Host) -> Value {
    let view = host.http.json("/api/v1/plugins/hostile");
    view.unwrap_or_default()
}

/// Asks to watch, as another viewer for each token. One that begins with `panic` makes the guest
/// panic; for others it says no in order.
fn ask(host: &Host, token: &str) {
    let path = format!("/hls/live/none/index.m3u8?token={token}");
    assert_eq!(host.http.get(&path).unwrap().0, 403);
}

/// As [`ask`], from another address of this machine.
fn ask_from(address: Ipv4Addr, host: &Host, token: &str) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    let authority = host.http.base.trim_start_matches("http://");
    let api: SocketAddr = authority.parse().unwrap();
    socket.connect(&api.into()).unwrap();
    let mut socket = TcpStream::from(socket);
    let head = format!(
        "GET /hls/live/none/index.m3u8?token={token} HTTP/1.1\r\nhost: {authority}\r\n\
         connection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn a_new_version_that_fails_is_taken_back_by_itself() {
    let host = host_with_hostile("");
    let events = Events::of(&host.http);
    let good = plugin(&host)["sha256"].clone();
    bind(&host, "auth", "fickle");
    let hostile = product::component("host/plugin/tests/hostile");
    let (status, installed) = host
        .http
        .put_plugin("hostile", &product::variant(&hostile, 1));
    assert_eq!(status, 200, "{installed}");
    assert_eq!(plugin(&host)["on_probation"], true);
    // Five viewers, since one alone cannot have a version taken back; and never two in a row, so
    // that the breaker has no part in it.
    for n in 0..5 {
        ask(&host, &format!("refuse{n}"));
        ask_from(Ipv4Addr::new(127, 0, 0, 2 + n), &host, &format!("panic{n}"));
    }
    let back = events.await_one("plugin_rolled_back", "hostile");
    assert_eq!((&back["from"], &back["to"]), (&installed["sha256"], &good));
    let told = back["why"].as_str().unwrap_or_default();
    assert!(told.contains("the points are frozen"), "{back}");
    until("the version before is active", || {
        let shown = plugin(&host);
        shown["sha256"] == good && shown["last_rolled_back"]["why"] == told
    });
    let shown = plugin(&host);
    assert_eq!(
        (&shown["state"], &shown["on_probation"]),
        (&"active".into(), &false.into())
    );
    host.stop();
}

#[test]
fn a_plugin_that_fails_again_and_again_is_left_alone_and_tried_again() {
    let host = host_with_hostile("");
    let events = Events::of(&host.http);
    bind(&host, "auth", "fickle");
    for n in 0..5 {
        ask(&host, &format!("panic{n}"));
    }
    let opened = events.await_one("plugin_breaker_opened", "hostile");
    assert!(
        opened["why"]
            .as_str()
            .unwrap_or_default()
            .contains("frozen"),
        "{opened}"
    );
    // Who asks meanwhile is turned away at once. It may be over already on a machine that is busy.
    ask(&host, "refuse-while-open");
    until("it is asked again", || {
        ask(&host, "refuse");
        let told = events.told();
        told.iter().any(|it| it["type"] == "plugin_breaker_closed")
    });
    let shown = plugin(&host);
    assert_eq!(
        (&shown["state"], &shown["breaker"]),
        (&"active".into(), &Value::Null)
    );
    assert_eq!(
        host.http.metric("pointsman_plugin_breaker_open", "hostile"),
        0.0
    );
    host.stop();
}

#[test]
fn limits_of_the_configuration_hold_for_the_plugin_that_they_name() {
    let host = host_with_hostile(
        "[plugins.limits]\ndeadline_ms = 40\n[plugins.overrides.hostile]\n\
         memory_bytes = 8388608\nreturned_bytes = 65536\nlog_lines_per_second = 3\n\
         kv_keys = 7\nkv_bytes = 100000\ninstances = 2\n",
    );
    let limits = plugin(&host)["limits"].clone();
    for (key, value) in [
        ("deadline_ms", 40),
        ("memory_bytes", 8 << 20),
        ("returned_bytes", 64 << 10),
        ("log_lines_per_second", 3),
        ("kv_keys", 7),
        ("kv_bytes", 100_000),
        ("instances", 2),
    ] {
        assert_eq!(limits[key], value, "{key}: {limits}");
    }
    let trial = |act: &str| {
        bind(&host, "routing", act);
        let state = json!({ "stream": "live/a" });
        host.http.dry_run("routing", &state, &json!([]))
    };
    for (act, told) in [
        ("loop", "40 ms"),
        ("hog", "8388608 bytes"),
        ("giant", "65536"),
    ] {
        let trial = trial(act);
        let message = trial["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(told), "{act}: {trial}");
    }
    let flooded = trial("kv-flood");
    assert_eq!(flooded["answer"]["reason"], "7 entries", "{flooded}");
    assert_eq!(trial("log-flood")["error"], Value::Null);
    let desk = Desk::new();
    let logs = desk.run(&["logs", "hostile", "--api", &host.http.base]);
    let lines = logs
        .lines()
        .filter(|line| line.contains("warn  line "))
        .count();
    // A machine that is busy may see a second window begin amid the flood.
    assert!((1..=6).contains(&lines), "{logs}");
    host.stop();
}
