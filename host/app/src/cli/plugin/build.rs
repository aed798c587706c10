//! `pointsman plugin build` and `check`.

use super::json_argument;
use anyhow::{Context, bail};
use clap::Args;
use plugin::{BuildOptions, Report};
use std::path::{Path, PathBuf};

/// What to build.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The plugin's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where to: a .wasm file, or a folder to put NAME.wasm in.
    #[arg(long, value_name = "PATH", default_value = ".")]
    out: PathBuf,
    /// Cargo's target folder, if not the crate's own (Rust).
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    /// Do not use the network (Rust; nothing else does).
    #[arg(long)]
    offline: bool,
    /// Print nothing if all is well.
    #[arg(long, short)]
    quiet: bool,
}

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The component.
    file: PathBuf,
    /// Configuration to try it with, as JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
}

impl BuildArgs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let output = output_file(&self.folder, &self.out)?;
        let options = BuildOptions {
            folder: self.folder,
            output,
            target_dir: self.target_dir,
            offline: self.offline,
        };
        let report = plugin::build::build(options).await?;
        if !self.quiet {
            println!("{}", describe(&report));
        }
        Ok(())
    }
}

impl CheckArgs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.config.as_deref().map(json_argument).transpose()?;
        let report = plugin::check(&self.file, config.as_ref()).await?;
        println!("{}", describe(&report));
        Ok(())
    }
}

/// `out` itself if it names a component, else `NAME.wasm` in it, after the crate's folder.
fn output_file(folder: &Path, out: &Path) -> anyhow::Result<PathBuf> {
    if out.extension().is_some_and(|extension| extension == "wasm") {
        return Ok(out.to_owned());
    }
    let folder = folder
        .canonicalize()
        .with_context(|| format!("there is no folder {}", folder.display()))?;
    let Some(name) = folder.file_name() else {
        bail!(
            "{} has no name to call the plugin by; give --out NAME.wasm",
            folder.display()
        )
    };
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut file = out.join(name).into_os_string();
    file.push(".wasm");
    Ok(file.into())
}

fn describe(report: &Report) -> String {
    let info = &report.info;
    let kinds: Vec<_> = info.kinds.iter().map(|kind| kind.as_str()).collect();
    let imports = if report.imports.is_empty() {
        "none".to_owned()
    } else {
        report.imports.join(", ")
    };
    let tried = if report.tried {
        ""
    } else {
        "\n  not tried: its schema wants a --config"
    };
    format!(
        "{}: ok\n  {} {} ({})\n  {} bytes, sha256 {}\n  imports: {imports}{tried}",
        report.path.display(),
        info.name,
        info.version,
        kinds.join(", "),
        report.size,
        report.hash,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gets_a_file_named_after_the_crate() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("night-switch");
        std::fs::create_dir(&folder).unwrap();
        let out = dir.path().join("plugins");
        assert_eq!(
            output_file(&folder, &out).unwrap(),
            out.join("night-switch.wasm")
        );
        assert_eq!(
            output_file(&folder, Path::new("x/y.wasm")).unwrap(),
            Path::new("x/y.wasm")
        );
        assert!(output_file(Path::new("/nonexistent"), &out).is_err());
    }
}
