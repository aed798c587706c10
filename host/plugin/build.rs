//! Puts what plugin authors need into the library: the WIT files, the SDKs and the templates, so
//! that `pointsman plugin new` and `build` need no checkout.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Below the workspace's root.
const PARTS: &[&str] = &[
    "wit/1.0.0",
    "sdk/rust/Cargo.vendored.toml",
    "sdk/rust/src",
    "sdk/rust/templates",
    "sdk/js/package.json",
    "sdk/js/index.d.ts",
    "sdk/js/testing.d.ts",
    "sdk/js/src",
    "sdk/js/build",
    "sdk/js/templates",
    "sdk/python/pyproject.toml",
    "sdk/python/pointsman_sdk",
    "sdk/python/build",
    "sdk/python/templates",
];

/// What tools leave in these folders.
const LEFT_BY_TOOLS: &[&str] = &[
    "target",
    "node_modules",
    "__pycache__",
    ".venv",
    "Cargo.lock",
];

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var(name).map(PathBuf::from).map_err(io::Error::other);
    let root = variable("CARGO_MANIFEST_DIR")?
        .join("../..")
        .canonicalize()?;
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
        collect(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        // Writing into a `String` cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_bytes!({file:?})),");
    }
    list.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("kit.rs"), list)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if LEFT_BY_TOOLS.iter().any(|name| path.ends_with(name)) {
        return Ok(());
    }
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
