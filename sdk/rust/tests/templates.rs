//! Each template builds and passes its own tests as it stands.

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
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["test", "--quiet", "--manifest-path"])
            .arg(folder.join("Cargo.toml"));
        cargo.arg("--target-dir").arg(desk.join("target"));
        let ran = cargo.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(
            ran.status.success(),
            "{kind}: {said}{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        assert!(said.contains("1 passed"), "{kind}: {said}");
    }
}
