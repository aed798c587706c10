//! What is wanted over restarts: the document in the database, put together with the
//! configuration file.

use anyhow::Context;
use control::desired::Touched;
use control::health::Lack;
use control::{Archive, ControlError, ControlHandle, Restored};
use model::Site;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Store, Wanted};
use tokio_util::sync::CancellationToken;

/// Between two tries to read a database that could not be read at the start.
const AGAIN: Duration = Duration::from_secs(1);

/// The document in the database.
pub(super) struct Cabinet {
    store: Store,
    /// The configuration file as it was last read.
    file: Mutex<Site>,
    /// What was kept has been read. Before that nothing may replace it.
    read: AtomicBool,
}

impl Cabinet {
    pub(super) fn new(store: Store, file: Site) -> Arc<Self> {
        Arc::new(Self {
            store,
            file: Mutex::new(file),
            read: AtomicBool::new(false),
        })
    }

    fn file(&self) -> Site {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.clone()
    }

    fn replace_file(&self, file: Site) -> Site {
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held, file)
    }

    /// Takes over what the file changed since it was last read; tells what that touched.
    ///
    /// # Errors
    /// The file is at fault, or it cannot be kept: then nothing is changed.
    pub(super) async fn take_up(
        &self,
        file: Site,
        control: &ControlHandle,
    ) -> Result<Vec<Touched>, ControlError> {
        // Kept with the document that the change makes.
        let base = self.replace_file(file.clone());
        let changed = control.take_over(base.clone(), file).await;
        if changed.is_err() {
            self.replace_file(base);
        }
        Ok(changed?.touched)
    }

    /// Puts the document in force that the file and the database come to.
    ///
    /// While the database cannot be read the file alone is in force; what is kept follows when it
    /// can, and until then nothing can be changed.
    ///
    /// # Errors
    /// The file is at fault.
    pub(super) async fn restore(
        self: Arc<Self>,
        control: ControlHandle,
        stop: CancellationToken,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + Send + 'static> {
        let first = self.try_restore(&control).await;
        let later = match first {
            Ok(()) => None,
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Unreadable(error)) => {
                tracing::warn!(
                    error,
                    "inputs and outputs that were added over the API are missing until the \
                     database can be read; nothing can be changed until then"
                );
                let alone = Restored {
                    file: self.file(),
                    ..Restored::default()
                };
                control.restore(alone).await.context(AT_FAULT)?;
                Some(self)
            }
        };
        Ok(async move {
            let Some(cabinet) = later else { return Ok(()) };
            let healed = async {
                loop {
                    tokio::time::sleep(AGAIN).await;
                    match cabinet.try_restore(&control).await {
                        Ok(()) => return,
                        Err(Failure::Unreadable(_)) => {}
                        Err(Failure::Fatal(error)) => {
                            // The host has been on air for a while, and stays there.
                            let error = format!("{error:#}");
                            tracing::error!(error, "what was wanted cannot be restored");
                            return;
                        }
                    }
                }
            };
            tokio::select! {
                () = healed => {}
                () = stop.cancelled() => {}
            }
            Ok(())
        })
    }

    async fn try_restore(&self, control: &ControlHandle) -> Result<(), Failure> {
        let wanted = self.store.wanted().await;
        let wanted = wanted.map_err(|error| Failure::Unreadable(error.to_string()))?;
        let (kept, base) = match wanted {
            None => (Site::default(), Site::default()),
            Some(wanted) => (read(&wanted.document)?, read(&wanted.file)?),
        };
        self.read.store(true, Ordering::Release);
        let restored = Restored {
            kept,
            base,
            file: self.file(),
        };
        let restoration = control.restore(restored).await;
        if restoration.is_err() {
            self.read.store(false, Ordering::Release);
        }
        let restoration = restoration.context(AT_FAULT).map_err(Failure::Fatal)?;
        for fault in restoration.left_out {
            tracing::error!(%fault, "left out of what was wanted when this host last ran");
        }
        if let Some(error) = restoration.not_kept {
            tracing::warn!(%error, "what the configuration file changed");
        }
        Ok(())
    }
}

const AT_FAULT: &str = "the configuration cannot be applied";

enum Failure {
    /// It may pass.
    Unreadable(String),
    Fatal(anyhow::Error),
}

fn read(json: &str) -> Result<Site, Failure> {
    serde_json::from_str(json)
        .context("what the database keeps was written by another version; run that one, or move the file away")
        .map_err(Failure::Fatal)
}

impl Archive for Cabinet {
    fn keep<'a>(
        &'a self,
        site: &'a Site,
        log: &'a [model::audit::Entry],
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(async move {
            if !self.read.load(Ordering::Acquire) {
                return Err("the database has not been read yet; the log says why".to_owned());
            }
            let json = |site| serde_json::to_string(site).map_err(|error| error.to_string());
            let wanted = Wanted {
                document: json(site)?,
                file: json(&self.file())?,
            };
            let kept = self.store.keep_wanted(&wanted, log).await;
            kept.map_err(|error| error.to_string())
        })
    }

    fn lack(&self) -> Option<Lack> {
        let degraded = self.store.figures().degraded;
        if !self.read.load(Ordering::Acquire) {
            let why = degraded.unwrap_or_else(|| "the database has not been read yet".to_owned());
            return Some(Lack::Unread(why));
        }
        degraded.map(Lack::Unwritable)
    }
}
