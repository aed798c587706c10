//! What an author without Rust meets: the SDKs, templates and examples, by their languages' own tools.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const KINDS: [&str; 4] = ["routing", "selection", "layout", "auth"];

/// A path below the project's root.
fn root(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap().join(path)
}

/// Runs a program in a folder; it has to succeed. Returns what it said.
fn run(program: impl AsRef<Path>, folder: &Path, arguments: &[&str]) -> String {
    let program = program.as_ref();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let said = said.concat();
    assert!(
        ran.status.success(),
        "{} {arguments:?} in {}:\n{said}",
        program.display(),
        folder.display()
    );
    said
}

fn pointsman(folder: &Path, arguments: &[&str]) -> String {
    run(env!("CARGO_BIN_EXE_pointsman"), folder, arguments)
}

/// Builds a plugin and runs its fixtures through the real engine.
fn passes_fixtures(folder: &Path) {
    let said = pointsman(folder, &["plugin", "test", "."]);
    assert!(
        said.contains(" 0 failed") && !said.contains("0 passed"),
        "{said}"
    );
}

/// A new plugin of each kind.
fn templates(lang: &str) -> (TempDir, Vec<PathBuf>) {
    let desk = tempfile::tempdir().unwrap();
    let new = |kind: &&str| {
        let name = format!("my-{kind}");
        pointsman(
            desk.path(),
            &["plugin", "new", &name, "--kind", kind, "--lang", lang],
        );
        desk.path().join(name)
    };
    let folders = KINDS.iter().map(new).collect();
    (desk, folders)
}

/// A copy of an example in JavaScript, with the SDK linked as `npm install` does it.
fn example_in_js(name: &str) -> (TempDir, PathBuf) {
    let desk = tempfile::tempdir().unwrap();
    let folder = desk.path().join(name);
    copy(&root("examples/plugins").join(name), &folder);
    let scope = folder.join("node_modules/@pointsman");
    fs::create_dir_all(&scope).unwrap();
    symlink(root("sdk/js"), scope.join("sdk")).unwrap();
    (desk, folder)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true if entry.file_name() == "node_modules" => {}
            true => copy(&path, &to),
            false => drop(fs::copy(path, to).unwrap()),
        }
    }
}

/// The TypeScript compiler, from where `scripts/setup.sh` puts it.
fn tsc() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let tools = variable("POINTSMAN_TOOLS").or_else(|| Some(cache()?.join("pointsman/tools")));
    let tsc = tools.unwrap().join("node_modules/.bin/tsc");
    assert!(
        tsc.is_file(),
        "no TypeScript compiler at {}: run scripts/setup.sh test",
        tsc.display()
    );
    tsc
}

#[test]
fn the_sdk_for_javascript_passes_its_unit_tests() {
    let said = run("node", &root("sdk/js"), &["--test", "test/"]);
    assert!(
        said.contains("# pass") && said.contains("# fail 0"),
        "{said}"
    );
}

#[test]
fn the_types_for_typescript_are_what_policies_need() {
    run(tsc(), &root("sdk/js"), &["--project", "types"]);
    let (_desk, folder) = example_in_js("follow-the-sun");
    run(tsc(), &folder, &["--project", "."]);
}

#[test]
fn the_sdk_for_python_passes_its_unit_tests() {
    let said = run("python3", &root("sdk/python"), &["-m", "unittest"]);
    assert!(said.contains("OK"), "{said}");
}

/// As components, templates are built by the end-to-end tests.
#[test]
fn templates_in_javascript_pass_their_unit_tests() {
    let (_desk, folders) = templates("js");
    for folder in folders {
        let said = run("node", &folder, &["--test"]);
        assert!(said.contains("# pass 2"), "{said}");
    }
}

#[test]
fn templates_in_python_pass_their_unit_tests() {
    let (_desk, folders) = templates("python");
    for folder in folders {
        let said = run("python3", &folder, &["-m", "unittest"]);
        assert!(
            said.contains("Ran 2 tests") && said.contains("OK"),
            "{said}"
        );
    }
}

#[test]
fn examples_in_javascript_and_typescript_pass_their_tests() {
    let (_desk, folder) = example_in_js("active-speaker");
    run("node", &folder, &["--test"]);
    passes_fixtures(&folder);
    let (_desk, folder) = example_in_js("follow-the-sun");
    passes_fixtures(&folder);
}

#[test]
fn an_example_in_python_passes_its_tests() {
    let folder = root("examples/plugins/themed-playlist");
    run("python3", &folder, &["-m", "unittest"]);
    passes_fixtures(&folder);
}

/// What `pointsman plugin build` says of a folder with these files, which it does not build.
fn refusal(files: &[(&str, &str)], change: impl FnOnce(&mut Command)) -> String {
    let desk = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(desk.path().join(name), text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
    command
        .args(["plugin", "build", "."])
        .current_dir(desk.path());
    change(&mut command);
    let ran = command.output().unwrap();
    assert!(!ran.status.success());
    assert!(ran.stdout.is_empty());
    String::from_utf8_lossy(&ran.stderr).into_owned()
}

#[test]
fn a_tool_that_is_missing_is_named_with_the_command_that_installs_it() {
    let without = |command: &mut Command| {
        command
            .env("POINTSMAN_TOOLS", "/nonexistent/tools")
            .env("XDG_CACHE_HOME", "/nonexistent");
    };
    let js = refusal(&[("policy.js", "")], without);
    assert!(
        js.contains("npm install --prefix /nonexistent/tools componentize-qjs@"),
        "{js}"
    );
    let python = refusal(&[("policy.py", "")], without);
    assert!(
        python.contains("/nonexistent/tools/python/bin/pip install componentize-py=="),
        "{python}"
    );
}

#[test]
fn a_policy_that_is_none_is_told_before_anything_is_compiled() {
    let js = |text| refusal(&[("policy.js", text)], |_| {});
    assert!(js("export default { }").contains("does not export a policy"));
    assert!(js("export default (").contains("policy.js:1:16"));
    assert!(js("import x from 'no-such-package'; export default x;").contains("no-such-package"));
    let empty = "import { definePolicy } from '@pointsman/sdk'; export default definePolicy({ name: 'a', version: '1' });";
    assert!(js(empty).contains("a function for at least one kind"));
    let python = |text| refusal(&[("policy.py", text)], |_| {});
    assert!(python("").contains("has no `policy = Policy(...)`"));
    assert!(python("import no_such_module").contains("no_such_module"));
    let empty = "from pointsman_sdk import Policy\npolicy = Policy(name='a', version='1')";
    assert!(python(empty).contains("decides nothing"));
}
