//! Each template, and each example in Rust, builds and passes its own tests as it stands.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Copies a template with its placeholders filled in, as `pointsman plugin new` does.
fn copy(from: &Path, to: &Path, name: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (
            entry.as_ref().unwrap(),
            to.join(entry.as_ref().unwrap().file_name()),
        );
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to, name);
            continue;
        }
        let sdk = format!("path = {:?}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("{{name}}", name).replace("{{sdk}}", &sdk);
        assert!(
            !text.contains("{{"),
            "{}: unknown placeholder",
            entry.path().display()
        );
        fs::write(to, text).unwrap();
    }
}

#[test]
fn templates_pass_their_tests_as_they_stand() {
    let desk = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates");
    for kind in ["routing", "selection", "layout", "auth"] {
        let folder = desk.join(kind);
        let _ = fs::remove_dir_all(&folder); // of an earlier run
        let template = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("templates")
            .join(kind);
        copy(&template, &folder, &format!("my-{kind}"));
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
        // The versions that the repository was built with, so that nothing is fetched.
        fs::copy(lock, folder.join("Cargo.lock")).unwrap();
        let said = test(&folder);
        assert!(said.contains("1 passed"), "{kind}: {said}");
    }
}

#[test]
fn examples_pass_their_tests() {
    for name in ["failover-hysteresis", "night-switch", "webhook-auth"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
        let said = test(&folder.join(name));
        assert!(said.contains("test result: ok"), "{name}: {said}");
        assert!(!said.contains(" 0 passed"), "{name}: {said}");
    }
}

/// Runs the tests of a crate that stands alone; they have to pass. Returns what Cargo said.
fn test(folder: &Path) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates/target");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["test", "--quiet", "--lib", "--manifest-path"])
        .arg(folder.join("Cargo.toml"));
    let ran = cargo.arg("--target-dir").arg(target).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {said}{told}", folder.display());
    said
}
