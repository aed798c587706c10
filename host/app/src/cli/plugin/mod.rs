//! `pointsman plugin ...`: for authors (new, build, check, test, bench, sign, replay) and operators
//! (list, install, bind, logs, ...). What a verb does is in its own module.

mod bench;
mod build;
mod figures;
mod fixtures;
mod new;
mod on_host;
mod remote;
mod replay;
mod sign;
mod test;

use anyhow::Context;
use clap::Subcommand;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

/// What can be done with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Make a plugin's folder: a small policy to start from, its tests and the SDK.
    New(new::NewArgs),
    /// Build a plugin in Rust, JavaScript or Python into a component (NAME.wasm) and check it.
    Build(build::BuildArgs),
    /// Do everything an installation would, and change nothing.
    Check(build::CheckArgs),
    /// Ask a component what its fixtures ask, and compare. Exits 1 if an answer is wrong.
    Test(test::TestArgs),
    /// Measure a component on one fixture: time, memory, calls a second.
    Bench(bench::BenchArgs),
    /// Make a pair of keys, to sign components with.
    Keygen(sign::KeygenArgs),
    /// Sign a component: writes FILE.wasm.minisig beside it.
    Sign(sign::SignArgs),
    /// Check a component's signature, as a host that trusts the key would.
    Verify(sign::VerifyArgs),
    /// Make logged decisions again with a component, and say what would differ.
    Replay(replay::ReplayArgs),
    /// What is done in a running host.
    #[command(flatten)]
    OnHost(on_host::HostCommand),
    /// Compile a component to native code: run by the host itself, in the background.
    #[command(hide = true)]
    Compile {
        /// The component.
        input: PathBuf,
        /// The native code.
        output: PathBuf,
    },
}

impl PluginCommand {
    pub(super) fn compile(&self) -> Option<ExitCode> {
        match self {
            Self::Compile { input, output } => Some(::plugin::compile_main(input, output)),
            _ => None,
        }
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::New(arguments) => arguments.run()?,
            Self::Build(arguments) => arguments.run().await?,
            Self::Check(arguments) => arguments.run().await?,
            Self::Test(arguments) => return arguments.run().await,
            Self::Bench(arguments) => arguments.run().await?,
            Self::Keygen(arguments) => arguments.run()?,
            Self::Sign(arguments) => arguments.run()?,
            Self::Verify(arguments) => arguments.run()?,
            Self::Replay(arguments) => return arguments.run().await,
            Self::OnHost(command) => tokio::task::spawn_blocking(move || command.run()).await??,
            Self::Compile { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// JSON as it stands, or from the file behind an `@`.
fn json_argument(text: &str) -> anyhow::Result<Value> {
    let text = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&text).context("the configuration is not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_comes_from_the_line_or_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"a": 1}"#).unwrap();
        let from_file = json_argument(&format!("@{}", file.path().display())).unwrap();
        assert_eq!(from_file, json_argument(r#"{"a": 1}"#).unwrap());
        assert!(json_argument("{").is_err());
    }
}
