//! The command line. What a subcommand does is in its own module.

mod audit;
mod backup;
mod client;
mod document;
mod events;
mod group;
mod input;
mod key;
mod output;
mod plugin;
mod publish;
mod schedule;
mod table;
mod template;
mod tenant;

use crate::{config, demo, doctor, host};
use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::{Shell, generate};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use store::ServerUrl;

pub use self::plugin::PluginCommand;

const EXAMPLES: &str = "\
Examples:
  pointsman demo                        a test picture, routed by a plugin, to watch at once
  pointsman doctor                      what this machine lacks, and what to do about it
  pointsman run                         the defaults: RTMP on 1935, SRT on 8890, HTTP on 8080
  pointsman run --config site.toml      inputs, outputs and policies of your own
  pointsman input add live/cam1         in a running host: a stream, and where to send it
  pointsman group play lobby live/cam1  on the screens of a group, together
  pointsman status --watch              what runs, once a second
  pointsman events                      what happens, as it happens
  pointsman plugin new my-policy --kind routing --lang js
                                        a policy of your own, to start from
  pointsman plugin build my-policy      from its folder to a component
  pointsman plugin install my-policy my-policy.wasm
                                        into a running host; media goes on flowing

Publish with:  ffmpeg -re -i clip.mp4 -c copy -f flv rtmp://127.0.0.1:1935/live/cam1
Watch with:    ffplay http://127.0.0.1:8080/hls/live/cam1/index.m3u8

Every key of the configuration is also a variable: POINTSMAN_API_LISTEN=0.0.0.0:8080.
POINTSMAN_LOG sets what is logged: debug, or info,gateway=debug.";

/// Live-media router whose decisions are WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "pointsman", version, about, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// How log lines look; they go to standard error.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "POINTSMAN_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a host until Ctrl-C or SIGTERM.
    Run(RunArgs),
    /// Run a host with a test picture and the shipped plugin, and say where to watch it.
    Demo(demo::DemoArgs),
    /// Check this machine: FFmpeg, ports, kernel limits, folders. Exits 1 if something fails.
    Doctor(RunArgs),
    /// Build, check and install policies.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Inputs of a running host.
    #[command(subcommand)]
    Input(input::InputCommand),
    /// Outputs of a running host.
    #[command(subcommand)]
    Output(output::OutputCommand),
    /// Sets of outputs, added to an input of a running host in one go.
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Groups of screens of a running host, and what they show.
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Make a running host want exactly what a file says.
    Apply(document::ApplyArgs),
    /// Print what a running host wants, as a configuration file.
    Export(document::ExportArgs),
    /// Copy everything that a host keeps into one file, while it runs.
    Backup(backup::BackupArgs),
    /// Put such a copy in the place of what a stopped host keeps.
    Restore(backup::RestoreArgs),
    /// Show the streams of a running host with their outputs.
    Status(document::StatusArgs),
    /// Send JPEG pictures to a running host: a folder, a file, standard input or a camera.
    Publish(publish::PublishArgs),
    /// Print what happens in a running host, as it happens.
    Events(events::EventsArgs),
    /// Print what a shell needs to complete this command line.
    Completions {
        /// For example: pointsman completions bash > /etc/bash_completion.d/pointsman
        shell: Shell,
    },
    /// Print the OpenAPI document of this version's API.
    Openapi,
    /// Make, list and take back the keys that a host knows programs by.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Tenants of a running host, and their quotas.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Show who changed what in a running host.
    Audit(audit::AuditArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Configuration file (TOML); without it, the defaults.
    #[arg(long, value_name = "FILE", env = "POINTSMAN_CONFIG")]
    config: Option<PathBuf>,
    /// Keep what is wanted in this PostgreSQL database, and not in a file. Others see what is
    /// given here in `ps`: a password belongs into POINTSMAN_DATABASE_URL, or the configuration.
    #[arg(long, value_name = "URL")]
    database_url: Option<ServerUrl>,
}

impl RunArgs {
    fn load(&self) -> Result<config::Config, config::ConfigError> {
        let mut config = config::load(self.config.as_deref())?;
        config.database.url = self.database_url.clone().or(config.database.url);
        Ok(config)
    }

    async fn run(self) -> anyhow::Result<()> {
        let config = self.load()?;
        if let Some(rotation) = config.log.rotation() {
            let file = rotation.file.display().to_string();
            let opened = crate::log::divert(rotation);
            opened.with_context(|| format!("cannot write the log to {file} ([log] file)"))?;
        }
        let file = self.config.clone().map(|path| host::ConfigFile {
            path,
            read: Box::new(move || self.load()),
        });
        host::run(config, file, host::Extras::default()).await
    }
}

impl Cli {
    /// Does what the command says.
    ///
    /// # Errors
    /// To be shown to the person as one line.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
            Command::Demo(arguments) => demo::run(arguments).await.map(|()| ExitCode::SUCCESS),
            Command::Doctor(arguments) => {
                let config = arguments.load()?;
                let findings = doctor::examine(&config);
                let verdict = doctor::report(&findings, &mut std::io::stdout().lock())?;
                let failed = verdict == doctor::Verdict::Fail;
                Ok(if failed {
                    ExitCode::FAILURE
                } else {
                    ExitCode::SUCCESS
                })
            }
            Command::Plugin(command) => command.run().await,
            Command::Input(command) => client(move || command.run()).await,
            Command::Output(command) => client(move || command.run()).await,
            Command::Template(command) => client(move || command.run()).await,
            Command::Group(command) => client(move || command.run()).await,
            Command::Apply(arguments) => client(move || arguments.run()).await,
            Command::Export(arguments) => client(move || arguments.run()).await,
            Command::Backup(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
            Command::Restore(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
            Command::Status(arguments) => client(move || arguments.run()).await,
            Command::Publish(arguments) => client(move || arguments.run()).await,
            Command::Events(arguments) => client(move || arguments.run()).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                generate(shell, &mut Self::command(), "pointsman", &mut script);
                printed(&script)
            }
            Command::Openapi => printed(api::openapi_json().as_bytes()),
            Command::Key(command) => command.run().await,
            Command::Tenant(command) => client(move || command.run()).await,
            Command::Audit(arguments) => client(move || arguments.run()).await,
        }
    }

    /// Whether the command keeps running and so needs every file descriptor it can get.
    pub fn is_host(&self) -> bool {
        matches!(self.command, Command::Run(_) | Command::Demo(_))
    }

    /// What to do if this process is the plugin plane's compiler: no runtime, no log.
    pub fn compile(&self) -> Option<ExitCode> {
        match &self.command {
            Command::Plugin(command) => command.compile(),
            _ => None,
        }
    }
}

/// Whoever reads it may have enough before the end.
fn printed(text: &[u8]) -> anyhow::Result<ExitCode> {
    match std::io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Runs what speaks to a host, which blocks, beside the runtime.
async fn client(
    verb: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(verb).await??;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_run_and_demo_are_hosts() {
        let is_host = |line: &str| Cli::parse_from(line.split(' ')).is_host();
        assert!(is_host("pointsman run --config x.toml"));
        assert!(is_host("pointsman demo --plugins target/plugins"));
        assert!(!is_host("pointsman doctor"));
        assert!(!is_host(
            "pointsman plugin build --quiet plugins/fanout --out target/plugins"
        ));
    }
}
