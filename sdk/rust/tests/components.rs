//! A component exports the kinds that it asked for and imports what it uses, nothing else.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_component::{ComponentEncoder, DecodedWasm};

/// As `pointsman plugin build` does it.
const PROFILE: [&str; 7] = [
    "inherits=\"release\"",
    "opt-level=\"s\"",
    "lto=true",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=true",
    "debug=false",
];

/// Bytes of a component that a small policy may have: each call maps them anew.
const SMALL: usize = 100 << 10;
/// Bytes of one that does more.
const USUAL: usize = 200 << 10;
/// Bytes of one with seven kinds of cryptography.
const CRYPTO: usize = 600 << 10;

/// Builds a guest crate, given relative to this one, into a component.
fn build(folder: &str) -> Vec<u8> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join("Cargo.toml");
    // The folder that the host's own tests build guests in.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "rustc",
            "--quiet",
            "--lib",
            "--crate-type",
            "cdylib",
            "--profile",
            "plugin",
        ])
        .args(["--target", "wasm32-unknown-unknown"])
        .args(PROFILE.map(|it| format!("--config=profile.plugin.{it}")))
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target);
    assert!(cargo.status().unwrap().success(), "{folder} was not built");
    let name = Path::new(folder)
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace('-', "_");
    let module: PathBuf = target
        .join("wasm32-unknown-unknown/plugin")
        .join(format!("{name}.wasm"));
    let module = std::fs::read(module).unwrap();
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .unwrap()
}

/// Names of the interfaces of our package that a component imports and exports. Of others there
/// are none.
fn interfaces(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap() else {
        panic!("a WIT package is no component");
    };
    let world = &resolve.worlds[world];
    let names = |keys: Vec<String>| {
        let ours = |name: &String| {
            let name = name.strip_prefix("pointsman:policy/").unwrap();
            name.strip_suffix("@1.0.0").unwrap().to_owned()
        };
        keys.iter().map(ours).collect()
    };
    let imports = world
        .imports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    let exports = world
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    (names(imports), names(exports))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_policy_of_one_kind_exports_it_and_imports_what_it_calls() {
    for (folder, kind, imports) in [
        // A panic's text goes to the log.
        ("examples/first-heard", "routing", &["log"][..]),
        ("examples/least-played", "selection", &["library", "log"]),
        ("examples/even-grid", "layout", &["log"]),
        ("examples/stream-key", "auth", &["log"]),
    ] {
        let component = build(folder);
        let expected = (set(imports), set(&["metadata", kind]));
        assert_eq!(interfaces(&component), expected, "{folder}");
        assert!(
            component.len() < SMALL,
            "{folder} has {} bytes",
            component.len()
        );
    }
}

#[test]
fn a_policy_of_every_kind_is_one_component() {
    let kinds = set(&["metadata", "routing", "selection", "layout", "auth"]);
    let imports = set(&["log", "clock", "random", "kv", "http", "library"]);
    assert_eq!(interfaces(&build("tests/everything")), (imports, kinds));
}

#[test]
fn shipped_plugins_import_what_they_call_and_stay_small() {
    for (name, kind, imports, limit) in [
        ("fanout", "routing", &["log"][..], USUAL),
        ("lru", "selection", &["library", "log"], USUAL),
        (
            "shuffle",
            "selection",
            &["kv", "library", "log", "random"],
            USUAL,
        ),
        ("grid", "layout", &["log"], USUAL),
        ("keys", "auth", &["log"], CRYPTO),
    ] {
        let component = build(&format!("../../plugins/{name}"));
        assert_eq!(
            interfaces(&component),
            (set(imports), set(&["metadata", kind])),
            "{name}"
        );
        println!("{name}: {} bytes", component.len());
        assert!(
            component.len() < limit,
            "{name} has {} bytes",
            component.len()
        );
    }
}
