//! The SDK and the host each read fixtures, since neither sees the other: what one takes for a
//! fixture, so does the other. That both name the same answers right is shown where the SDK's
//! conformance fixtures are run natively and as components.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Whether the host and the SDK take a text for a fixture.
fn taken(text: &str) -> (bool, bool) {
    (
        plugin::Fixture::parse(text).is_ok(),
        pointsman_sdk::testing::Fixture::parse(text).is_ok(),
    )
}

/// Every fixture below a folder of the repository.
fn below(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder),
    ];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let of_fixtures = folder.components().any(|it| it.as_os_str() == "fixtures");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules"].contains(&name.as_str()) {
                folders.push(path);
            } else if of_fixtures && name.ends_with(".json") && !name.ends_with(".schema.json") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_fixture_of_the_repository_is_one_to_both() {
    let found: Vec<_> = ["sdk", "examples", "plugins"]
        .into_iter()
        .flat_map(below)
        .collect();
    assert!(found.len() > 30, "only {}", found.len());
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(taken(&text), (true, true), "{}", path.display());
    }
}

#[test]
fn both_take_the_same_for_a_fixture() {
    let good = json!({
        "question": { "kind": "routing", "input": { "stream": "live/a" } },
        "config": { "x": 1 },
        "library": [{ "id": "a" }],
        "kv": { "k": [1, 2] },
        "http": [{ "url": "http://a/", "method": "POST", "status": 204, "headers": { "A": "b" }, "body": [1] }],
        "expect": { "output": { "on_air": null } },
    });
    assert_eq!(taken(&good.to_string()), (true, true));
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        changed.to_string()
    };
    let good_too = [
        with("/expect", json!({ "error": "no" })),
        with("/question/input/sources", Value::Null),
        with("/question/input/labels", json!({ "a": "b" })),
        with("/config", Value::Null),
        with("/library", Value::Null),
        with("/library/0/tags", Value::Null),
        with("/kv/k", Value::Null),
        with("/http/0/body", json!("text")),
    ];
    for text in good_too {
        assert_eq!(taken(&text), (true, true), "{text}");
    }
    let bad = [
        "{}".to_owned(),
        "[]".to_owned(),
        String::new(),
        with("/confg", json!({})),
        with("/question/kind", json!("rooting")),
        with("/question/input/stream", json!(7)),
        with("/question/input/sources", json!(["a"])),
        with("/library", json!({})),
        with("/kv", json!([])),
        with("/http", json!([{ "status": 200 }])),
        with("/http/0/code", json!(200)),
        with("/http/0/status", json!(70_000)),
        with("/expect", json!({})),
        with("/expect", json!({ "output": [] })),
        with("/expect", json!({ "output": {}, "error": "" })),
    ];
    for text in bad {
        assert_eq!(taken(&text), (false, false), "{text}");
    }
}
