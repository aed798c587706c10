//! An author's tools on what a running host logged, and on keys.

use peers::herd::Herd;
use peers::{Host, product, until};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn pointsman(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(product::pointsman());
    command
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

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
    let desk = tempfile::tempdir().unwrap();
    let desk = desk.path();
    std::fs::write(desk.join("log.jsonl"), &log).unwrap();
    std::fs::write(desk.join("fanout.wasm"), product::fanout()).unwrap();
    std::fs::write(
        desk.join("hostile.wasm"),
        product::component("host/plugin/tests/hostile"),
    )
    .unwrap();

    let same = pointsman(desk, &["replay", "log.jsonl", "--component", "fanout.wasm"]);
    assert_eq!(code(&same), 0, "{}\n{log}", said(&same));
    assert!(said(&same).contains(" 0 would differ"), "{}", said(&same));

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
    let other = pointsman(desk, &other);
    assert_eq!(code(&other), 3, "{}", said(&other));
    let document: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(
        document["differences"][0]["subject"], "herd/0",
        "{document}"
    );
    assert_eq!(
        document["differing"],
        document["differences"].as_array().unwrap().len()
    );

    std::fs::write(desk.join("log.jsonl"), "no log\n").unwrap();
    let none = pointsman(desk, &["replay", "log.jsonl", "--component", "fanout.wasm"]);
    assert_eq!(code(&none), 2, "{}", said(&none));
    assert!(said(&none).contains("line 1"), "{}", said(&none));
}

#[test]
fn a_host_that_trusts_a_key_takes_only_what_it_signed() {
    let desk = tempfile::tempdir().unwrap();
    let desk = desk.path();
    for name in ["ours", "theirs"] {
        assert_eq!(code(&pointsman(desk, &["keygen", name])), 0);
    }
    let public = std::fs::read_to_string(desk.join("ours.pub")).unwrap();
    let line = public.lines().nth(1).unwrap();
    // Its own folder of plugins stays empty: what is there is not signed.
    let plugins = desk.join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    let host = Host::start_with_plugins(&plugins, &format!("trusted_keys = [\"{line}\"]\n"));
    std::fs::write(desk.join("p.wasm"), product::fanout()).unwrap();
    let install = ["install", "p", "p.wasm", "--api", &host.http.base];
    let unsigned = pointsman(desk, &install);
    assert_eq!(code(&unsigned), 1, "{}", said(&unsigned));
    assert!(
        said(&unsigned).contains("pointsman plugin sign"),
        "{}",
        said(&unsigned)
    );
    assert_eq!(
        code(&pointsman(desk, &["sign", "p.wasm", "--key", "theirs.key"])),
        0
    );
    let foreign = pointsman(desk, &install);
    assert_eq!(code(&foreign), 1, "{}", said(&foreign));
    assert_eq!(
        code(&pointsman(desk, &["sign", "p.wasm", "--key", "ours.key"])),
        0
    );
    assert_eq!(
        code(&pointsman(desk, &["verify", "p.wasm", "--key", "ours.pub"])),
        0
    );
    let signed = pointsman(desk, &install);
    assert_eq!(code(&signed), 0, "{}", said(&signed));
    host.stop();
}
