//! Why nothing was built.

use super::Language;
use crate::engine::EngineError;
use crate::error::InstallError;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing in the folder says what it is.
    #[error("{} is no plugin: it holds no Cargo.toml, package.json, policy.js, policy.ts, pyproject.toml or policy.py; `pointsman plugin new` makes one", .0.display())]
    NoPlugin(PathBuf),
    /// A policy in JavaScript without its first file.
    #[error("{} names no policy: write policy.js or policy.ts, or name the file in package.json as \"main\"", .0.display())]
    NoEntry(PathBuf),
    /// Cargo did not start.
    #[error("cargo did not start: {0}; install Rust from https://rustup.rs")]
    NoCargo(io::Error),
    /// Cargo failed, and said why.
    #[error("cargo did not build {}: see its messages above (is the target there? `rustup target add wasm32-unknown-unknown`)", .0.display())]
    Cargo(PathBuf),
    /// The crate makes no WebAssembly module.
    #[error("{} makes no WebAssembly module: its Cargo.toml needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`", .0.display())]
    NoModule(PathBuf),
    /// The module cannot become a component.
    #[error(
        "the module cannot become a component: {0}; does the crate use `pointsman_sdk::export!`?"
    )]
    NotComponent(String),
    /// A program that the language needs is nowhere.
    #[error("{tool} is not installed; to install it: {install}")]
    NoTool {
        /// Which.
        tool: &'static str,
        /// The command that installs it.
        install: String,
    },
    /// The language's tools failed, and said why.
    #[error("{language} did not make a component of {}: see the messages above", folder.display())]
    Script {
        /// The language.
        language: Language,
        /// The plugin.
        folder: PathBuf,
    },
    /// The component would not be installed.
    #[error(transparent)]
    Refused(#[from] InstallError),
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An error about a file.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> BuildError + use<> {
    let path = path.to_owned();
    move |source| BuildError::File { path, source }
}
