//! An author's tools on what a running host logged, and on keys.

use peers::herd::Herd;
use peers::{Desk, Host, product, until};
use serde_json::Value;

#[test]
fn a_hosts_log_is_replayed_by_the_same_component_and_by_another() {
    let mut herd = Herd::of(1);
    let policy = "[[policies]]\nkind = \"routing\"\nplugin = \"fanout\"\nstreams = \"herd/*\"\n";
    let host = Host::start(&format!("{policy}{}", herd.inputs()));
    herd.start(&host);
    let mut log = String::new();
    until("decisions are logged", || {
        let found = host
            .http
            .get("/api/v1/decisions?plugin=fanout&format=jsonl&limit=1000");
        log = found.map(|(_, text)| text).unwrap_or_default();
        log.contains("\"decided_by\":\"plugin\"")
    });
    host.stop();
    let desk = Desk::new();
    desk.put("log.jsonl", &log);
    desk.put("fanout.wasm", product::fanout());
    desk.put(
        "hostile.wasm",
        product::component("host/plugin/tests/hostile"),
    );

    let same = desk.run(&["replay", "log.jsonl", "--component", "fanout.wasm"]);
    assert!(same.contains(" 0 would differ"), "{same}\n{log}");

    let behaves = r#"{"act": "behave"}"#;
    let other = [
        "replay",
        "log.jsonl",
        "--component",
        "hostile.wasm",
        "--config",
        behaves,
        "--json",
    ];
    let other = desk.runs(&other);
    assert_eq!(other.code, 3, "{}", other.said);
    let document: Value = serde_json::from_slice(&other.out).unwrap();
    assert_eq!(
        document["differences"][0]["subject"], "herd/0",
        "{document}"
    );
    assert_eq!(
        document["differing"],
        document["differences"].as_array().unwrap().len()
    );

    desk.put("log.jsonl", "no log\n");
    let none = desk.runs(&["replay", "log.jsonl", "--component", "fanout.wasm"]);
    assert_eq!(none.code, 2, "{}", none.said);
    assert!(none.said.contains("line 1"), "{}", none.said);
}

#[test]
fn a_host_that_trusts_a_key_takes_only_what_it_signed() {
    let desk = Desk::new();
    for name in ["ours", "theirs"] {
        desk.run(&["keygen", name]);
    }
    let public = std::fs::read_to_string(desk.path("ours.pub")).unwrap();
    let line = public.lines().nth(1).unwrap();
    // Its own folder of plugins stays empty: what is there is not signed.
    let plugins = desk.path("plugins");
    std::fs::create_dir(&plugins).unwrap();
    let host = Host::start_with_plugins(&plugins, &format!("trusted_keys = [\"{line}\"]\n"));
    desk.put("p.wasm", product::fanout());
    let install = ["install", "p", "p.wasm", "--api", &host.http.base];
    let unsigned = desk.runs(&install);
    assert_eq!(unsigned.code, 1, "{}", unsigned.said);
    assert!(
        unsigned.said.contains("pointsman plugin sign"),
        "{}",
        unsigned.said
    );
    desk.run(&["sign", "p.wasm", "--key", "theirs.key"]);
    let foreign = desk.runs(&install);
    assert_eq!(foreign.code, 1, "{}", foreign.said);
    desk.run(&["sign", "p.wasm", "--key", "ours.key"]);
    desk.run(&["verify", "p.wasm", "--key", "ours.pub"]);
    desk.run(&install);
    host.stop();
}

#[test]
fn a_component_is_checked_and_measured_on_its_authors_desk() {
    let desk = Desk::new();
    desk.put("good.wasm", product::fanout());
    desk.put("bad.wasm", &product::fanout()[..1_000]);
    let checked = desk.run(&["check", "good.wasm"]);
    assert!(checked.contains("routing"), "{checked}");
    let refused = desk.runs(&["check", "bad.wasm"]);
    assert_eq!(refused.code, 1, "{}", refused.said);
    let fixture = |on_air: &str| {
        format!(
            r#"{{ "question": {{ "kind": "routing", "input": {{ "stream": "live/a" }} }},
                 "expect": {{ "output": {{ "on_air": {on_air} }} }} }}"#
        )
    };
    desk.put("right.json", fixture("null"));
    desk.put("wrong.json", fixture("\"main\""));
    let bench =
        |fixture: &str| desk.runs(&["bench", "good.wasm", "--fixture", fixture, "--calls", "20"]);
    let measured = bench("right.json");
    assert_eq!(measured.code, 0, "{}", measured.said);
    assert!(
        measured.said.contains("calls a second"),
        "{}",
        measured.said
    );
    let wrong = bench("wrong.json");
    assert_eq!(wrong.code, 1, "{}", wrong.said);
    assert!(wrong.said.contains("on_air"), "{}", wrong.said);
}
