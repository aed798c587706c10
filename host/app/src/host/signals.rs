//! Ctrl-C, SIGTERM and SIGHUP.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a shell reports of a process that SIGINT ended (128 + 2).
const INTERRUPTED: i32 = 130;

/// How the host is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// At once (Ctrl-C).
    Now,
    /// When viewers saw the end of their streams (SIGTERM).
    Drained,
}

/// What the signals say.
#[derive(Clone)]
pub(super) struct Wishes {
    /// Set by the first signal that ends the host.
    pub(super) ending: watch::Sender<Option<Ending>>,
    /// Counts the times at which the configuration is to be read again.
    pub(super) reload: watch::Sender<u64>,
}

impl Wishes {
    pub(super) fn new() -> Self {
        Self {
            ending: watch::Sender::new(None),
            reload: watch::Sender::new(0),
        }
    }

    /// Resolves when the host is to end.
    pub(super) async fn ending(&self) -> Ending {
        let mut ending = self.ending.subscribe();
        let wished = ending.wait_for(Option::is_some).await;
        // The sender is this one's own.
        wished.ok().and_then(|it| *it).unwrap_or(Ending::Now)
    }
}

/// The first signal ends the host in order; a second one ends the process at once.
pub(super) async fn watch(wishes: Wishes, stop: CancellationToken) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let ending = loop {
        tokio::select! {
            _ = interrupt.recv() => break Ending::Now,
            _ = terminate.recv() => break Ending::Drained,
            _ = hang_up.recv() => wishes.reload.send_modify(|count| *count += 1),
            () = stop.cancelled() => return Ok(()),
        }
    };
    wishes.ending.send_replace(Some(ending));
    // Not part of what is waited for at shutdown; it ends with the process.
    tokio::spawn(end_at_once(interrupt, terminate));
    Ok(())
}

async fn end_at_once(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::warn!("second signal: ending at once");
    crate::log::flush();
    std::process::exit(INTERRUPTED);
}
