//! Reads the configuration file again, when it changes and on SIGHUP, and applies what differs.
//!
//! It goes the way that a restart goes (`control::desired::merge`): what the file changed since it
//! was last read holds, everything else stays as it was left. A file at fault changes nothing.

use super::ConfigFile;
use super::systemd::Manager;
use super::wanted::Cabinet;
use crate::config::Config;
use control::{ControlError, ControlHandle};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// What reading the file again takes.
pub(super) struct Reader {
    pub(super) file: Option<ConfigFile>,
    pub(super) control: ControlHandle,
    pub(super) cabinet: Arc<Cabinet>,
    pub(super) manager: Arc<Manager>,
    /// What the host was started with.
    pub(super) started: Config,
}

impl Reader {
    /// Until `stop`. `wished` counts the signals.
    pub(super) async fn watch(self, mut wished: watch::Receiver<u64>, stop: CancellationToken) {
        let mut read = self.stamp().await;
        let mut before = read;
        loop {
            tokio::select! {
                changed = wished.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Whoever moved the log away says so by the same signal.
                    crate::log::reopen();
                    read = self.stamp().await;
                    self.reload().await;
                }
                () = tokio::time::sleep(LOOK) => {
                    let now = self.stamp().await;
                    // One that is still being written differs from one look to the next.
                    if now != read && now.is_some() && now == before {
                        read = now;
                        self.reload().await;
                    }
                    before = now;
                }
                () = stop.cancelled() => return,
            }
        }
    }

    async fn stamp(&self) -> Option<(SystemTime, u64)> {
        let found = tokio::fs::metadata(&self.file.as_ref()?.path).await.ok()?;
        Some((found.modified().ok()?, found.len()))
    }

    async fn reload(&self) {
        let Some(file) = &self.file else {
            tracing::info!("there is no configuration file to read again");
            return;
        };
        self.manager.reloading();
        self.reload_from(file).await;
        self.manager.ready();
    }

    async fn reload_from(&self, file: &ConfigFile) {
        let config = match (file.read)() {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "the configuration file is at fault; nothing is changed");
                return;
            }
        };
        let differ = self.started.differs_in(&config);
        if !differ.is_empty() {
            tracing::warn!(
                keys = differ.join(", "),
                "the configuration file changed what a running host cannot; it holds after a restart"
            );
        }
        match self.cabinet.take_up(config.site(), &self.control).await {
            Ok(touched) => {
                for item in &touched {
                    tracing::info!(item = %item.item, change = ?item.change, "by the configuration file");
                }
                tracing::info!(
                    changes = touched.len(),
                    "the configuration file was read again"
                );
            }
            Err(ControlError::Invalid(faults)) => {
                for fault in faults.0 {
                    tracing::error!(%fault, file = %file.path.display(), "the configuration file is at fault; nothing is changed");
                }
            }
            Err(error) => {
                tracing::error!(%error, "what the configuration file changed is not in force")
            }
        }
    }
}
