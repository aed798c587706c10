//! Log lines: to standard error or to a file, for people or for machines.

mod file;

pub use file::flush;
pub(crate) use file::{Rotation, divert, reopen};

use crate::cli::LogFormat;
use crate::noting::Noting;
use control::recent::RecentErrors;
use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, LazyLock};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter};
use tracing_subscriber::prelude::*;

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
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| OneLine(Target));
    let lines = match format {
        LogFormat::Human => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // What repeats is said once, and counted.
    let said = FilterFn::new(|metadata| metadata.target() != link::AGAIN);
    let noting = Noting(recent_errors()).with_filter(LevelFilter::WARN);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(said)))
        .with(noting)
        .init();
    if let Some(error) = complaint {
        tracing::warn!(%error, "POINTSMAN_LOG is not understood; write for example info,gateway=debug");
    }
}

/// What warnings and errors of this process said. There is one log, so there is one of this.
pub(crate) fn recent_errors() -> Arc<RecentErrors> {
    static RECENT: LazyLock<Arc<RecentErrors>> = LazyLock::new(Arc::default);
    RECENT.clone()
}

/// The file, once there is one, and standard error before.
struct Target;

impl Write for Target {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match file::take(line) {
            true => Ok(line.len()),
            false => io::stderr().write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Writes each event as one line. What plugins and peers say is in events, and must not pass for
/// lines of the host's own.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// An event comes in one piece, its line's end with it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(&one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn one_line(event: &[u8]) -> Cow<'_, [u8]> {
    let text = event.strip_suffix(b"\n").unwrap_or(event);
    if !text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Cow::Borrowed(event);
    }
    let mut line = Vec::with_capacity(event.len() + 8);
    for byte in text {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_makes_up_lines_of_the_log() {
        let mut written = Vec::new();
        let mut log = OneLine(&mut written);
        log.write_all(b"WARN a policy failed: x\r\nINFO all is well\n")
            .unwrap();
        log.write_all(b"INFO plain\n").unwrap();
        let expected = b"WARN a policy failed: x\\r\\nINFO all is well\nINFO plain\n";
        assert_eq!(written, expected);
    }
}
