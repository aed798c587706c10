//! Policies in Rust: built by Cargo into a core module, which is wrapped into a component.

use super::error::at;
use super::{BuildError, BuildOptions};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The target of every guest: it has no system to call, so no WASI comes in.
const TARGET: &str = "wasm32-unknown-unknown";

/// Small first, since every call maps the guest anew; a trap ends it, so nothing unwinds. Given
/// on the command line, so that a crate of its own needs no profile for it.
const PROFILE: &[&str] = &[
    "inherits=\"release\"",
    "opt-level=\"s\"",
    "lto=true",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=true",
    "debug=false",
];

/// Writes the component.
pub(super) fn build(options: &BuildOptions, output: &Path) -> Result<(), BuildError> {
    let module = run_cargo(options)?;
    let core = std::fs::read(&module).map_err(at(&module))?;
    std::fs::write(output, componentize(&core)?).map_err(at(output))
}

/// Wraps a core module, which carries its WIT world in a custom section, into a component.
fn componentize(core: &[u8]) -> Result<Vec<u8>, BuildError> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| BuildError::NotComponent(format!("{error:#}")))
}

/// The core module that Cargo made.
fn run_cargo(options: &BuildOptions) -> Result<PathBuf, BuildError> {
    let manifest = options.folder.join("Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .args([
            "rustc",
            "--lib",
            "--crate-type",
            "cdylib",
            "--profile",
            "plugin",
        ])
        .args(["--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(&manifest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    for setting in PROFILE {
        command
            .arg("--config")
            .arg(format!("profile.plugin.{setting}"));
    }
    if options.offline {
        command.arg("--offline");
    }
    if let Some(dir) = &options.target_dir {
        command.arg("--target-dir").arg(dir);
    }
    let mut child = command.spawn().map_err(BuildError::NoCargo)?;
    let mut module = None;
    for line in child
        .stdout
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufRead::lines)
    {
        let line = line.map_err(BuildError::NoCargo)?;
        module = made_module(&line, &manifest).or(module);
    }
    if !child.wait().map_err(BuildError::NoCargo)?.success() {
        return Err(BuildError::Cargo(options.folder.clone()));
    }
    module.ok_or_else(|| BuildError::NoModule(options.folder.clone()))
}

/// The module that one line of Cargo's messages reports for this crate.
fn made_module(line: &str, manifest: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let from = Path::new(message.get("manifest_path")?.as_str()?);
    // Cargo reports absolute paths, and the caller may have given another way to the same file.
    if from.canonicalize().ok()? != manifest.canonicalize().ok()? {
        return None;
    }
    let files = message.get("filenames")?.as_array()?;
    let mut files = files
        .iter()
        .filter_map(|file| Some(PathBuf::from(file.as_str()?)));
    files.find(|file| file.extension().is_some_and(|it| it == "wasm"))
}
