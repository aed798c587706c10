//! What an author needs: build a component from a plugin's folder, and check one before it is
//! shipped.

pub(crate) mod error;
mod flatten;
mod js;
pub mod kit;
mod python;
mod rust;
mod script;
mod tools;

pub use error::BuildError;

use crate::component::{Hash, Info};
use crate::desk::Desk;
use error::at;
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};

/// What to build, and where it goes.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The plugin's folder; what is in it says which language it is written in.
    pub folder: PathBuf,
    /// The file to write.
    pub output: PathBuf,
    /// Of a plugin in Rust: Cargo's target folder; none leaves it to Cargo.
    pub target_dir: Option<PathBuf>,
    /// Of a plugin in Rust: whether Cargo must not use the network. Nothing else does.
    pub offline: bool,
}

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A crate.
    Rust,
    /// JavaScript or TypeScript.
    Js,
    /// Python.
    Python,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Js, Self::Python];

    /// The files that tell a plugin's language, the surest first.
    const SIGNS: [(&'static str, Self); 6] = [
        ("Cargo.toml", Self::Rust),
        ("package.json", Self::Js),
        ("policy.js", Self::Js),
        ("policy.ts", Self::Js),
        ("pyproject.toml", Self::Python),
        ("policy.py", Self::Python),
    ];

    /// The name used on the command line, and that of its SDK's folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }

    /// The language of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// The language of the plugin in a folder.
    pub fn of(folder: &Path) -> Option<Self> {
        let sign = Self::SIGNS
            .iter()
            .find(|(file, _)| folder.join(file).is_file());
        sign.map(|(_, language)| *language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Python => "Python",
        })
    }
}

/// What a component turned out to be.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub hash: Hash,
    /// Bytes.
    pub size: usize,
    /// What it says of itself.
    pub info: Info,
    /// What it imports.
    pub imports: Vec<String>,
    /// Whether it was tried with a configuration; not, when its schema wants more than `{}` and
    /// none was given.
    pub tried: bool,
}

/// Builds a plugin into a component and checks it.
///
/// The messages of the language's tools go to standard error.
///
/// # Errors
///
/// [`BuildError`], which says at which step.
pub async fn build(options: BuildOptions) -> Result<Report, BuildError> {
    let path = options.output.clone();
    let made = tokio::task::spawn_blocking(move || make_component(&options)).await;
    made.map_err(|error| BuildError::NotComponent(error.to_string()))??;
    check(&path, None).await
}

/// Writes the component with the tools of the plugin's language.
fn make_component(options: &BuildOptions) -> Result<(), BuildError> {
    // Absolute, because those tools work elsewhere.
    let folder = options.folder.canonicalize().map_err(at(&options.folder))?;
    let output = std::path::absolute(&options.output).map_err(at(&options.output))?;
    let options = BuildOptions {
        folder,
        ..options.clone()
    };
    match Language::of(&options.folder) {
        Some(Language::Rust) => rust::build(&options, &output),
        Some(Language::Js) => js::build(&options, &output),
        Some(Language::Python) => python::build(&options, &output),
        None => Err(BuildError::NoPlugin(options.folder)),
    }
}

/// Does everything an installation would do, and changes nothing.
///
/// # Errors
///
/// [`BuildError::Refused`] with what an installation would say.
pub async fn check(path: &Path, config: Option<&Value>) -> Result<Report, BuildError> {
    let desk = Desk::open(path, false).await?;
    let tried = desk.try_with(config).await?;
    Ok(Report {
        path: path.to_owned(),
        hash: desk.hash().clone(),
        size: desk.size(),
        info: desk.info().clone(),
        imports: desk.imports().to_vec(),
        tried,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_files_tell_its_language() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        assert_eq!(Language::of(folder), None);
        // From the weakest sign to the surest.
        for (file, language) in Language::SIGNS.iter().rev() {
            std::fs::write(folder.join(file), "").unwrap();
            assert_eq!(Language::of(folder), Some(*language), "{file}");
        }
    }

    #[test]
    fn a_folder_without_a_plugin_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let options = BuildOptions {
            folder: dir.path().to_owned(),
            output: dir.path().join("x.wasm"),
            target_dir: None,
            offline: true,
        };
        let error = make_component(&options).unwrap_err();
        assert!(matches!(error, BuildError::NoPlugin(_)), "{error}");
    }
}
