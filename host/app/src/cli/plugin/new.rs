//! `pointsman plugin new`: a plugin's folder, from a template that the program carries.

use super::on_host::kinds;
use anyhow::{Context, bail, ensure};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::PolicyKind;
use plugin::Language;
use plugin::build::kit;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands in templates for the plugin's name.
const NAME: &str = "{{name}}";

/// What stands in templates of crates for where the SDK is.
const SDK: &str = "{{sdk}}";

/// Where the SDK is put, below the plugin.
const VENDORED: &str = "vendor/pointsman-sdk";

/// Longest name, in bytes; metadata takes no longer one.
const MAX_NAME_BYTES: usize = 64;

/// What to make.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name, and that of its folder: lower-case letters, digits and hyphens.
    name: String,
    /// What it decides.
    #[arg(long, value_parser = kinds())]
    kind: PolicyKind,
    /// What it is written in.
    #[arg(long, value_parser = languages())]
    lang: Language,
    /// Where to make its folder; left out, here.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

fn languages() -> impl TypedValueParser<Value = Language> {
    let names = Language::ALL.map(Language::as_str);
    PossibleValuesParser::new(names)
        .try_map(|name| Language::from_name(&name).ok_or("no such language"))
}

impl NewArgs {
    /// Makes the folder and says what to do next.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        check_name(&self.name)?;
        let folder = self.into.clone().unwrap_or_default().join(&self.name);
        ensure!(
            !folder.exists(),
            "{} is there already; choose another name, or --into another folder",
            folder.display()
        );
        let made = self.fill(&folder);
        if made.is_err() {
            // Only what was made above; what it says matters less than why it is done.
            let _ = fs::remove_dir_all(&folder);
        }
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        println!("{}", self.next_steps(&folder));
        Ok(())
    }

    fn fill(&self, folder: &Path) -> anyhow::Result<()> {
        let template = format!("sdk/{}/templates/{}", self.lang.as_str(), self.kind);
        let sdk = format!("path = {VENDORED:?}");
        for (path, content) in kit::files(&template) {
            let text = std::str::from_utf8(content)?;
            let text = text.replace(NAME, &self.name).replace(SDK, &sdk);
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, text)?;
        }
        vendor(self.lang, folder)
    }

    fn next_steps(&self, folder: &Path) -> String {
        let (name, kind, lang) = (&self.name, self.kind, self.lang);
        let test = match lang {
            Language::Rust => "cargo test",
            Language::Js => "node --test",
            Language::Python => "python3 -m unittest",
        };
        format!(
            "{}: a policy for {kind} in {lang}\n\
             \x20 cd {}\n\
             \x20 {test}\n\
             \x20 pointsman plugin build .\n\
             \x20 pointsman plugin test {name}.wasm\n\
             \x20 pointsman plugin install {name} {name}.wasm",
            folder.display(),
            folder.display()
        )
    }
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters)
        && !name.ends_with('-')
        && name.len() <= MAX_NAME_BYTES;
    if fits {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME_BYTES).collect();
    bail!(
        "{shown:?} is no name for a plugin; take at most {MAX_NAME_BYTES} lower-case letters, \
         digits and hyphens, a letter first, for example night-switch"
    )
}

/// Puts the SDK beside the plugin, where its language finds it: the plugin then builds and is
/// tested anywhere, with the SDK that it was written for.
fn vendor(lang: Language, folder: &Path) -> anyhow::Result<()> {
    let sdk = folder.join(VENDORED);
    match lang {
        Language::Rust => {
            kit::write("sdk/rust/Cargo.vendored.toml", &sdk.join("Cargo.toml"))?;
            kit::write("sdk/rust/src", &sdk.join("src"))?;
            kit::write("wit/1.0.0", &sdk.join("wit/1.0.0"))?;
        }
        Language::Js => {
            for part in ["package.json", "index.d.ts", "testing.d.ts", "src", "build"] {
                kit::write(&format!("sdk/js/{part}"), &sdk.join(part))?;
            }
            // What `npm install` does for a dependency in a folder.
            let scope = folder.join("node_modules/@pointsman");
            fs::create_dir_all(&scope)?;
            std::os::unix::fs::symlink(Path::new("../..").join(VENDORED), scope.join("sdk"))?;
        }
        Language::Python => {
            kit::write(
                "sdk/python/pointsman_sdk",
                &folder.join("vendor/pointsman_sdk"),
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, kind: PolicyKind, lang: Language, into: &Path) -> anyhow::Result<()> {
        let name = name.to_owned();
        let into = Some(into.to_owned());
        NewArgs {
            name,
            kind,
            lang,
            into,
        }
        .run()
    }

    #[test]
    fn every_template_is_there_and_takes_the_name() {
        let dir = tempfile::tempdir().unwrap();
        for kind in PolicyKind::ALL {
            for lang in Language::ALL {
                let name = format!("{kind}-{}", lang.as_str());
                new(&name, kind, lang, dir.path()).unwrap();
                let folder = dir.path().join(&name);
                assert_eq!(Language::of(&folder), Some(lang), "{name}");
                for file in ["README.md", "config.schema.json"] {
                    let text = fs::read_to_string(folder.join(file)).unwrap();
                    assert!(text.contains(&name), "{name}/{file}");
                    assert!(!text.contains("{{"), "{name}/{file}");
                }
                let fixtures = fs::read_dir(folder.join("fixtures")).unwrap();
                assert!(fixtures.count() > 0, "{name}");
            }
        }
    }

    #[test]
    fn the_vendored_crate_has_the_manifest_of_the_one_it_is_a_copy_of() {
        let read = |file: &str| -> toml::Table {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
            toml::from_str(&fs::read_to_string(format!("{root}/{file}")).unwrap()).unwrap()
        };
        let workspace = read("Cargo.toml")["workspace"].clone();
        let (original, vendored) = (
            read("sdk/rust/Cargo.toml"),
            read("sdk/rust/Cargo.vendored.toml"),
        );
        assert_eq!(vendored["features"], original["features"]);
        for section in ["package", "dependencies"] {
            let original = original[section].as_table().unwrap();
            let vendored = vendored[section].as_table().unwrap();
            for (key, value) in original.iter().filter(|(key, _)| *key != "include") {
                let from_workspace = value.get("workspace").is_some();
                let value = if from_workspace {
                    &workspace[section][key]
                } else {
                    value
                };
                assert_eq!(vendored.get(key), Some(value), "{section}.{key}");
            }
            assert!(
                vendored.keys().all(|key| original.contains_key(key)),
                "{section}"
            );
        }
    }

    #[test]
    fn what_is_there_already_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("mine")).unwrap();
        let error = new("mine", PolicyKind::Auth, Language::Js, dir.path()).unwrap_err();
        assert!(error.to_string().contains("there already"), "{error}");
        assert_eq!(fs::read_dir(dir.path().join("mine")).unwrap().count(), 0);
    }

    #[test]
    fn names_that_some_language_cannot_take_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for name in [
            "", "1st", "Night", "a b", "a/b", "..", "-a", "a-", "größe", &long,
        ] {
            let error = new(name, PolicyKind::Auth, Language::Js, dir.path()).unwrap_err();
            assert!(error.to_string().contains("is no name"), "{name}: {error}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
