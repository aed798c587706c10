//! A policy means the same in every language: the SDKs' examples, as components, pass the same
//! fixtures.

use peers::product;
use std::path::Path;

const POLICIES: [&str; 4] = ["first-heard", "least-played", "even-grid", "stream-key"];

fn passes(lang: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let desk = tempfile::tempdir().unwrap();
    for policy in POLICIES {
        let component = desk.path().join(format!("{policy}.wasm"));
        let built = product::component(&format!("sdk/{lang}/examples/{policy}"));
        std::fs::write(&component, built).unwrap();
        let mut test = product::tool();
        test.args(["plugin", "test"]).arg(&component);
        test.arg("--fixtures")
            .arg(root.join("sdk/fixtures").join(policy));
        let tested = test.output().unwrap();
        let said = String::from_utf8_lossy(&tested.stdout);
        assert!(tested.status.success(), "{policy} in {lang}:\n{said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.contains(" 0 failed") && !last.starts_with("0 passed"),
            "{said}"
        );
    }
}

#[test]
fn rust_components_pass_the_conformance_fixtures() {
    passes("rust");
}

#[test]
fn javascript_components_pass_the_conformance_fixtures() {
    passes("js");
}

#[test]
fn python_components_pass_the_conformance_fixtures() {
    passes("python");
}
