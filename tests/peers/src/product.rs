//! What is under test: the program and the shipped plugin, built once for a run of the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The program `pointsman`, built with the profile of these tests.
///
/// Cargo gives the path of a program to tests of its own package only, hence the question.
/// A program built elsewhere, of a release archive for example, is tested by naming it in the
/// variable `POINTSMAN_UNDER_TEST`.
///
/// # Panics
/// When it does not build.
pub fn pointsman() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("POINTSMAN_UNDER_TEST") {
            return program.into();
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--package",
            "pointsman",
            "--message-format",
            "json",
        ]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        cargo.current_dir(ROOT).stderr(Stdio::inherit());
        let built = cargo.output().expect("cargo runs");
        assert!(built.status.success(), "pointsman does not build");
        let messages = String::from_utf8_lossy(&built.stdout);
        let program = messages.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_program = message["target"]["name"] == "pointsman";
            let path = message["executable"].as_str()?;
            is_program.then(|| PathBuf::from(path))
        });
        program.expect("cargo names the program it built")
    })
}

/// The program at the lowest priority, for what takes all of a processor: neither media of other
/// tests nor a host's own compiler, which runs at that priority, has to wait for it.
pub fn tool() -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(pointsman());
    command
}

/// Builds the plugin of a folder with the program under test, a path from the workspace or an
/// absolute one.
///
/// # Panics
/// When it does not build.
pub fn component(folder: &str) -> Vec<u8> {
    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("plugin.wasm");
    let mut build = tool();
    build
        .args(["plugin", "build", "--quiet", folder, "--out"])
        .arg(&file);
    build.arg("--target-dir").arg(guests());
    let built = build.current_dir(ROOT).status().expect("pointsman runs");
    assert!(built.success(), "{folder} does not build");
    std::fs::read(file).expect("it was built")
}

/// Where Cargo builds guests: the folder that the host's own tests use, so that each is built once.
pub fn guests() -> PathBuf {
    target().join("tmp").join("guests")
}

/// The folder with the shipped plugin, `fanout.wasm`.
///
/// # Panics
/// When it does not build.
pub fn plugins() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = target().join("tmp").join("peers-plugins");
        let built = tool()
            .args(["plugin", "build", "--quiet", "plugins/fanout", "--out"])
            .arg(&folder)
            .arg("--target-dir")
            .arg(guests())
            .current_dir(ROOT)
            .status()
            .expect("pointsman runs");
        assert!(built.success(), "plugins/fanout does not build");
        folder
    })
}

/// Cargo's folder that the program was built in.
fn target() -> &'static Path {
    let target = pointsman().ancestors().nth(2);
    target.expect("target/PROFILE/pointsman")
}

/// The shipped plugin's component.
///
/// # Panics
/// When it does not build.
pub fn fanout() -> Vec<u8> {
    std::fs::read(plugins().join("fanout.wasm")).expect("fanout.wasm was built")
}

/// A component that does the same and yet is another: a custom section, which nothing reads,
/// holds the number.
pub fn variant(component: &[u8], number: u32) -> Vec<u8> {
    const NAME: &[u8] = b"variant";
    let mut bytes = component.to_vec();
    // Section 0, its size, its name with length (WebAssembly core specification, 5.5.3); all
    // lengths are below 128 and so one byte in LEB128.
    bytes.extend([0, 1 + NAME.len() as u8 + 4, NAME.len() as u8]);
    bytes.extend(NAME);
    bytes.extend(number.to_le_bytes());
    bytes
}
