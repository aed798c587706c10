//! Policies in JavaScript and TypeScript: bundled by esbuild, compiled with QuickJS by
//! componentize-qjs. What is done with them says `sdk/js/build/build.mjs`.

use super::error::at;
use super::flatten::flatten;
use super::tools::Places;
use super::{BuildError, BuildOptions, Language, kit, script};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where a policy is that no package.json names.
const ENTRIES: &[&str] = &["policy.js", "policy.ts", "policy.mjs"];

/// Writes the component.
pub(super) fn build(options: &BuildOptions, output: &Path) -> Result<(), BuildError> {
    let places = Places::of(&options.folder);
    let node = places.program("node")?;
    let (esbuild, componentize) = (places.npm("esbuild")?, places.npm("componentize-qjs")?);
    let desk = tempfile::tempdir().map_err(at(&options.folder))?;
    let (sdk, wit) = (desk.path().join("sdk"), desk.path().join("wit"));
    kit::write("sdk/js", &sdk).map_err(at(&sdk))?;
    kit::write("wit/1.0.0", &wit).map_err(at(&wit))?;
    let script = sdk.join("build/build.mjs");
    let entry = entry(&options.folder)?;
    let work = [
        ("entry", entry.as_path()),
        ("sdk", &sdk),
        ("wit", &wit),
        ("out", output),
        ("esbuild", &esbuild),
        ("componentize", &componentize),
    ];
    script::run(Language::Js, &node, &script, &work, options)?;
    let component = std::fs::read(output).map_err(at(output))?;
    match flatten(&component) {
        Ok(flat) => std::fs::write(output, flat).map_err(at(output)),
        // It works as it is. Another version of the tools may link in another way.
        Err(reason) => {
            tracing::warn!(%reason, "the component is left in parts: each call will take longer");
            Ok(())
        }
    }
}

/// The file with the policy: package.json's `main`, or the one that is called so.
fn entry(folder: &Path) -> Result<PathBuf, BuildError> {
    let manifest = std::fs::read(folder.join("package.json")).unwrap_or_default();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let named = manifest.get("main").and_then(Value::as_str);
    let mut entries = named
        .into_iter()
        .chain(ENTRIES.iter().copied())
        .map(|name| folder.join(name));
    let found = entries.find(|file| file.is_file());
    found.ok_or_else(|| BuildError::NoEntry(folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_where_package_json_says_or_has_the_usual_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        assert!(matches!(entry(folder), Err(BuildError::NoEntry(_))));
        std::fs::write(folder.join("policy.ts"), "").unwrap();
        assert_eq!(entry(folder).unwrap(), folder.join("policy.ts"));
        std::fs::write(folder.join("other.js"), "").unwrap();
        std::fs::write(folder.join("package.json"), r#"{"main": "other.js"}"#).unwrap();
        assert_eq!(entry(folder).unwrap(), folder.join("other.js"));
    }
}
