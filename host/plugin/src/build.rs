//! What an author needs: build a component from a crate, and check one before it is shipped.

use crate::compile::{Compiler, Workshop};
use crate::component::{self, Draft, Hash, Info};
use crate::engine::{EngineError, Runtime};
use crate::error::InstallError;
use crate::home::Home;
use crate::limits::PluginLimits;
use model::PolicyKind;
use serde_json::Value;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

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

/// What to build, and where it goes.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The folder with the plugin's `Cargo.toml`.
    pub crate_dir: PathBuf,
    /// The file to write; none writes `NAME.wasm` into the current folder.
    pub output: Option<PathBuf>,
    /// Cargo's target folder; none leaves it to Cargo.
    pub target_dir: Option<PathBuf>,
    /// Whether Cargo must not use the network.
    pub offline: bool,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
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

/// Builds a plugin crate into a component and checks it.
///
/// Cargo's messages go to standard error.
///
/// # Errors
///
/// [`BuildError`], which says at which step.
pub async fn build(options: BuildOptions) -> Result<Report, BuildError> {
    let path = tokio::task::spawn_blocking(move || make_component(&options)).await;
    let path = path.map_err(|error| BuildError::NotComponent(error.to_string()))??;
    check(&path, None).await
}

/// Does everything an installation would do, and changes nothing.
///
/// # Errors
///
/// [`BuildError::Refused`] with what an installation would say.
pub async fn check(path: &Path, config: Option<&Value>) -> Result<Report, BuildError> {
    let bytes = tokio::fs::read(path).await.map_err(at(path))?;
    let limits = PluginLimits {
        instances: 1,
        ..PluginLimits::default()
    };
    let runtime = Runtime::new(&limits, false)?;
    component::sniff(&bytes, limits.component_bytes)?;
    let bytes: Arc<[u8]> = bytes.into();
    let hash = Hash::of(&bytes);
    let desk = tempfile::tempdir().map_err(at(path))?;
    let compiler = Compiler::InProcess;
    let workshop = Workshop::open(desk.path().join("compiled"), compiler, Duration::MAX)?;
    let code = Arc::new(workshop).compile(&runtime, &bytes, &hash).await?;
    let home = Home::of_tool(runtime, &path.display().to_string());
    let component = Draft::inspect(&home, &code, &bytes, hash)?.describe(&home).await?;
    let kinds = component.info.kinds.iter();
    let bound: Vec<_> = config.map(|config| kinds.map(|kind| given(*kind, config)).collect()).unwrap_or_default();
    let tried = component.try_with(&home, &bound).await?;
    Ok(Report {
        path: path.to_owned(),
        hash: component.hash,
        size: component.size,
        info: component.info,
        imports: component.imports,
        tried,
    })
}

fn given(kind: PolicyKind, config: &Value) -> crate::Bound {
    crate::Bound {
        what: "the command line".to_owned(),
        kind,
        config: config.clone(),
        recorded: Vec::new(),
    }
}

/// Runs Cargo and wraps what it made.
fn make_component(options: &BuildOptions) -> Result<PathBuf, BuildError> {
    let module = run_cargo(options)?;
    let core = std::fs::read(&module).map_err(at(&module))?;
    let component = componentize(&core)?;
    let path = match &options.output {
        Some(path) => path.clone(),
        None => PathBuf::from(module.file_name().unwrap_or_default()),
    };
    std::fs::write(&path, component).map_err(at(&path))?;
    Ok(path)
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
    let manifest = options.crate_dir.join("Cargo.toml");
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
        return Err(BuildError::Cargo(options.crate_dir.clone()));
    }
    module.ok_or_else(|| BuildError::NoModule(options.crate_dir.clone()))
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

fn at(path: &Path) -> impl FnOnce(io::Error) -> BuildError + use<> {
    let path = path.to_owned();
    move |source| BuildError::File { path, source }
}
