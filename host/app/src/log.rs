//! Log lines: to standard error, for people or for machines.

use crate::cli::LogFormat;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// What is logged unless `POINTSMAN_LOG` says otherwise. Cranelift and friends are chatty.
const DEFAULT: &str = "info,wasmtime=warn,cranelift=warn";

/// Starts logging. A filter that cannot be understood is told and replaced by the default.
pub fn start(format: LogFormat) {
    let given = std::env::var("POINTSMAN_LOG").ok();
    let parsed = given.as_deref().map(EnvFilter::try_new);
    let (filter, complaint) = match parsed {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(DEFAULT), Some(error)),
        None => (EnvFilter::new(DEFAULT), None),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Human => lines.with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    if let Some(error) = complaint {
        tracing::warn!(%error, "POINTSMAN_LOG is not understood; write for example info,gateway=debug");
    }
}
