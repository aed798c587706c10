//! The verbs that speak to a running host.

use super::json_argument;
use super::remote::{Binding, Origin, Remote};
use super::sign::beside;
use crate::cli::client::Api;
use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use model::{Label, PolicyKind, PolicyMode, StreamPattern};
use std::path::{Path, PathBuf};

const INSTALL_HELP: &str = "\
The component is verified, compiled and tried beside the traffic, and makes logged decisions
again; then it takes over between two calls. If anything is wrong with it, what ran goes on.

A signature is taken from FILE.wasm.minisig if that is there. A URL is fetched by the host, from
places that [plugins] install_from allows.

Examples:
  pointsman plugin install my-policy my-policy.wasm
  pointsman plugin install my-policy https://plugins.example.org/my-policy-1.2.0.wasm --sha256 9f86d0...
";

const BIND_HELP: &str = "\
Of policies of one kind the one with the most specific pattern decides. One plugin may be bound
beside another to try it: a shadow is asked the same and only compared, a canary decides for a
share of the streams. GET /api/v1/policies counts where they differ.

An auth policy of * also decides who may change something over the API from other machines.
Requests from this machine are never asked about.

Examples:
  pointsman plugin bind routing my-policy --streams 'live/*'
  pointsman plugin bind routing next-policy --streams 'live/*' --mode shadow
  pointsman plugin bind routing next-policy --streams 'live/*' --mode canary --percent 10
  pointsman plugin bind auth keys --config @keys.json
";

/// What can be done with the plugins of a running host.
#[derive(Debug, Subcommand)]
pub enum HostCommand {
    /// List the plugins of a running host.
    List(Api),
    /// Install a component in a running host, or replace the one of that name while media flows.
    #[command(after_help = INSTALL_HELP)]
    Install(InstallArgs),
    /// Go back to the version that was active before.
    Rollback(NamedPlugin),
    /// Remove a plugin that no policy is bound to.
    Remove(NamedPlugin),
    /// Show the last lines that a plugin logged.
    Logs {
        /// Which.
        #[command(flatten)]
        plugin: NamedPlugin,
        /// Go on with new lines until Ctrl-C.
        #[arg(long, short)]
        follow: bool,
    },
    /// Bind a plugin to a kind of decision, for the streams that a pattern matches.
    #[command(after_help = BIND_HELP)]
    Bind(BindArgs),
    /// Unbind a policy: the next specific one decides from now on, or the built-in one.
    Unbind {
        /// What it decides.
        #[arg(value_parser = kinds())]
        kind: PolicyKind,
        /// The pattern that it was bound to.
        #[arg(long, default_value = "*")]
        streams: StreamPattern,
        /// The mode that it was bound in.
        #[arg(long, value_parser = modes(), default_value = "active")]
        mode: PolicyMode,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
}

/// A plugin of a host.
#[derive(Debug, Args)]
pub struct NamedPlugin {
    /// The plugin.
    name: Label,
    #[command(flatten)]
    api: Api,
}

/// What to install.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The name policies refer to it by.
    name: Label,
    /// The component: a file, or where the host is to fetch it.
    #[arg(value_name = "FILE|URL")]
    component: String,
    /// SHA-256 that it must have, hexadecimal.
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Its signature, if not in FILE.wasm.minisig.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    api: Api,
}

/// What to bind.
#[derive(Debug, Args)]
pub struct BindArgs {
    /// What it decides.
    #[arg(value_parser = kinds())]
    kind: PolicyKind,
    /// The plugin.
    name: Label,
    /// Names of streams, channels or composites; `*` stands for any run of characters.
    #[arg(long, default_value = "*")]
    streams: StreamPattern,
    /// Whether it decides, or is only tried.
    #[arg(long, value_parser = modes(), default_value = "active")]
    mode: PolicyMode,
    /// Of a canary: the share of streams that it decides for.
    #[arg(long, value_name = "1-100", value_parser = clap::value_parser!(u8).range(1..=100), required_if_eq("mode", "canary"))]
    percent: Option<u8>,
    /// Its configuration, as JSON or @FILE.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    config: String,
    #[command(flatten)]
    api: Api,
}

pub(super) fn kinds() -> impl TypedValueParser<Value = PolicyKind> {
    PossibleValuesParser::new(PolicyKind::ALL.map(PolicyKind::as_str))
        .try_map(|name| PolicyKind::from_name(&name).ok_or("no such kind"))
}

fn modes() -> impl TypedValueParser<Value = PolicyMode> {
    const MODES: [PolicyMode; 3] = [PolicyMode::Active, PolicyMode::Shadow, PolicyMode::Canary];
    PossibleValuesParser::new(MODES.map(PolicyMode::as_str)).try_map(|name| {
        let found = MODES.into_iter().find(|mode| mode.as_str() == name);
        found.ok_or("no such mode")
    })
}

impl HostCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(api) => Remote::new(&api)?.list_plugins(),
            Self::Install(arguments) => arguments.run(),
            Self::Rollback(NamedPlugin { name, api }) => Remote::new(&api)?.rollback_plugin(&name),
            Self::Remove(NamedPlugin { name, api }) => Remote::new(&api)?.remove_plugin(&name),
            Self::Logs {
                plugin: NamedPlugin { name, api },
                follow,
            } => Remote::new(&api)?.show_log(&name, follow),
            Self::Bind(arguments) => arguments.run(),
            Self::Unbind {
                kind,
                streams,
                mode,
                api,
            } => Remote::new(&api)?.unbind(kind, &streams, mode),
        }
    }
}

impl InstallArgs {
    fn run(self) -> anyhow::Result<()> {
        let is_url = ["http://", "https://"]
            .iter()
            .any(|scheme| self.component.starts_with(scheme));
        let file = (!is_url).then(|| PathBuf::from(&self.component));
        let signature = signature(self.signature, file.as_deref())?;
        let origin = Origin {
            sha256: self.sha256,
            signature,
        };
        let remote = Remote::new(&self.api)?;
        let Some(file) = file else {
            return remote.install_from(&self.name, &self.component, &origin);
        };
        let bytes =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        remote.install_plugin(&self.name, &bytes, &origin)
    }
}

/// The text of the signature that is named, or else of the one beside the component.
fn signature(named: Option<PathBuf>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let found = || file.map(beside).filter(|it| it.exists());
    let Some(path) = named.or_else(found) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path);
    text.map(Some)
        .with_context(|| format!("cannot read {}", path.display()))
}

impl BindArgs {
    fn run(self) -> anyhow::Result<()> {
        let config = json_argument(&self.config)?;
        let binding = Binding {
            plugin: &self.name,
            streams: &self.streams,
            mode: self.mode,
            percent: self.percent,
            config: &config,
        };
        Remote::new(&self.api)?.bind(self.kind, &binding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: HostCommand,
    }

    #[test]
    fn a_canary_needs_its_share_and_nobody_else_does() {
        let parse = |line: &str| Line::try_parse_from(line.split(' '));
        assert!(parse("plugin bind routing p --mode canary").is_err());
        assert!(parse("plugin bind routing p --mode canary --percent 0").is_err());
        assert!(parse("plugin bind routing p --mode canary --percent 10").is_ok());
        assert!(parse("plugin bind layout p --mode shadow --streams wall/*").is_ok());
        assert!(parse("plugin bind cooking p").is_err());
        Line::command().debug_assert();
    }

    #[test]
    fn a_signature_beside_the_component_is_taken_along() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p.wasm");
        assert_eq!(signature(None, Some(&file)).unwrap(), None);
        std::fs::write(beside(&file), "beside").unwrap();
        assert_eq!(
            signature(None, Some(&file)).unwrap().as_deref(),
            Some("beside")
        );
        let other = dir.path().join("other");
        assert!(signature(Some(other.clone()), Some(&file)).is_err());
        std::fs::write(&other, "named").unwrap();
        assert_eq!(
            signature(Some(other), None).unwrap().as_deref(),
            Some("named")
        );
    }
}
