//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell reports of a process that SIGINT ended (128 + 2).
const INTERRUPTED: i32 = 130;

/// The first signal stops the host in order; a second one ends the process at once.
pub(super) async fn watch(stop: CancellationToken) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = stop.cancelled() => return Ok(()),
    }
    stop.cancel();
    // Not part of what is waited for at shutdown; it ends with the process.
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("second signal: ending at once");
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}
