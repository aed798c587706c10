//! `pointsman plugin ...`: for authors (build, check) and operators (list, install, ...).

use super::new::NewArgs;
use super::remote::Remote;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use model::{Label, StreamPattern};
use plugin::{BuildOptions, Report};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What can be done with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Make a plugin's folder: a small policy to start from, its tests and the SDK.
    New(NewArgs),
    /// Build a plugin in Rust, JavaScript or Python into a component (NAME.wasm) and check it.
    Build(BuildArgs),
    /// Do everything an installation would, and change nothing.
    Check {
        /// The component.
        file: PathBuf,
        /// Configuration to try it with, as JSON or @FILE.
        #[arg(long, value_name = "JSON")]
        config: Option<String>,
    },
    /// List the plugins of a running host.
    List(Api),
    /// Install a component in a running host, or replace the one of that name while media flows.
    Install {
        /// The name policies refer to it by.
        name: Label,
        /// The component.
        file: PathBuf,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
    /// Go back to the version that was active before.
    Rollback {
        /// The plugin.
        name: Label,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
    /// Remove a plugin that no policy is bound to.
    Remove {
        /// The plugin.
        name: Label,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
    /// Bind a plugin to routing, for the streams that a pattern matches.
    Bind {
        /// The plugin.
        name: Label,
        /// Stream names; `*` stands for any run of characters.
        #[arg(long, default_value = "*")]
        streams: StreamPattern,
        /// Its configuration, as JSON or @FILE.
        #[arg(long, value_name = "JSON", default_value = "{}")]
        config: String,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
    /// Compile a component to native code: run by the host itself, in the background.
    #[command(hide = true)]
    Compile {
        /// The component.
        input: PathBuf,
        /// The native code.
        output: PathBuf,
    },
}

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

/// Where the running host is.
#[derive(Debug, Args)]
pub struct Api {
    /// Address of the host's API.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    api: String,
}

impl PluginCommand {
    pub(super) fn compile(&self) -> Option<ExitCode> {
        match self {
            Self::Compile { input, output } => Some(plugin::compile_main(input, output)),
            _ => None,
        }
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::New(arguments) => arguments.run()?,
            Self::Build(arguments) => build(arguments).await?,
            Self::Check { file, config } => {
                let config = config.as_deref().map(json_argument).transpose()?;
                println!(
                    "{}",
                    describe(&plugin::check(&file, config.as_ref()).await?)
                );
            }
            Self::Compile { .. } => {}
            remote => tokio::task::spawn_blocking(move || remote.call_host()).await??,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The commands that speak to a running host.
    fn call_host(self) -> anyhow::Result<()> {
        match self {
            Self::List(Api { api }) => Remote::new(api).list_plugins(),
            Self::Install { name, file, api } => {
                let bytes = std::fs::read(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                Remote::new(api.api).install_plugin(&name, &bytes)
            }
            Self::Rollback { name, api } => Remote::new(api.api).rollback_plugin(&name),
            Self::Remove { name, api } => Remote::new(api.api).remove_plugin(&name),
            Self::Bind {
                name,
                streams,
                config,
                api,
            } => {
                let config = json_argument(&config)?;
                Remote::new(api.api).bind_routing(&name, &streams, &config)
            }
            Self::New(_) | Self::Build(_) | Self::Check { .. } | Self::Compile { .. } => Ok(()),
        }
    }
}

async fn build(arguments: BuildArgs) -> anyhow::Result<()> {
    let output = output_file(&arguments.folder, &arguments.out)?;
    let options = BuildOptions {
        folder: arguments.folder,
        output,
        target_dir: arguments.target_dir,
        offline: arguments.offline,
    };
    let report = plugin::build::build(options).await?;
    if !arguments.quiet {
        println!("{}", describe(&report));
    }
    Ok(())
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

/// JSON as it stands, or from the file behind an `@`.
fn json_argument(text: &str) -> anyhow::Result<serde_json::Value> {
    let text = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&text).context("the configuration is not JSON")
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

    #[test]
    fn configuration_comes_from_the_line_or_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"a": 1}"#).unwrap();
        let from_file = json_argument(&format!("@{}", file.path().display())).unwrap();
        assert_eq!(from_file, json_argument(r#"{"a": 1}"#).unwrap());
        assert!(json_argument("{").is_err());
    }
}
