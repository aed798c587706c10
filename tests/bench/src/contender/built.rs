//! What this workspace built.

use super::Process;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where this workspace's programs and the shipped plugin are.
pub(crate) struct Built {
    /// The `pointsman` binary.
    pub(crate) program: PathBuf,
    /// `fanout.wasm`.
    pub(crate) plugin: PathBuf,
    folder: TempDir,
}

impl Built {
    /// The shipped routing plugin.
    pub(crate) fn plugin_bytes(&self) -> Result<Vec<u8>> {
        let read = std::fs::read(&self.plugin);
        read.with_context(|| format!("cannot read {}", self.plugin.display()))
    }

    /// Builds the plugin of a folder of this repository.
    pub(crate) fn component(&self, source: &str) -> Result<Vec<u8>> {
        let file = build_plugin(&self.program, source, self.folder.path())?;
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    /// Finds the binary beside this one, and has it build the plugin if none is given.
    pub(crate) fn find(plugin: Option<PathBuf>) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("pointsman");
        if !program.is_file() {
            bail!(
                "{} is missing; run `make build`, or `make bench`",
                program.display()
            );
        }
        let folder = TempDir::new()?;
        let plugin = match plugin {
            Some(plugin) => plugin,
            None => build_plugin(&program, "plugins/fanout", folder.path())?,
        };
        Ok(Self {
            program,
            plugin,
            folder,
        })
    }
}

fn build_plugin(program: &Path, source: &str, folder: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(source);
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("{name}.wasm"));
    let mut build = Command::new(program);
    build
        .args(["plugin", "build", "--quiet"])
        .arg(&source)
        .arg("--out")
        .arg(&file);
    Process::start(build.stdout(Stdio::null()))?
        .finish()
        .with_context(|| format!("building {}", source.display()))?;
    Ok(file)
}
