//! The `pointsman` command.

use app::cli::Cli;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The plugin plane's compiler wants nothing but a thread.
    if let Some(code) = cli.compile() {
        return code;
    }
    app::start_log(cli.log_format);
    // Before the runtime starts threads; see there.
    if cli.is_host() {
        app::prepare_memory();
        app::survive_file_limit();
        if let Err(error) = app::prepare_descriptors() {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("cannot start threads")),
    };
    let result = runtime.block_on(cli.run());
    // Blocking tasks that are left (a file being read) must not hold up the end.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("pointsman: {error:#}");
    ExitCode::FAILURE
}
