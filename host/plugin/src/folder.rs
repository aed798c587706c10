//! The watched folder: `NAME.wasm` appears, changes, goes.
//!
//! The folder is read whole and compared with what was seen before, whenever the system reports
//! a change and on a slow tick. So a report that is lost, or a file system that reports none,
//! only delays; and a file is taken only once it has stopped changing. `NAME.wasm.minisig` beside it is its
//! signature: when that comes or changes, the component is looked at again.

use crate::component::Hash;
use crate::error::InstallError;
use crate::plugins::{Bound, Installed, Origin, Plugins};
use model::Label;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// A file must be unchanged for this long.
const QUIET: Duration = Duration::from_millis(250);
/// When nothing is reported, the folder is looked at this often.
const SLOW: Duration = Duration::from_secs(5);
/// Files that are looked at.
const MAX_FILES: usize = 1_000;

/// What came of a change in the folder.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderEvent {
    /// A file was installed.
    Installed(Box<Installed>),
    /// A file was refused; what was active goes on.
    Refused {
        /// The plugin's name, from the file's.
        name: Label,
        /// Why.
        error: InstallError,
    },
    /// A file went, and its plugin with it.
    Removed {
        /// The plugin.
        name: Label,
    },
    /// A file went, but its plugin is in use and stays.
    KeptInUse {
        /// The plugin.
        name: Label,
    },
}

/// Watches a folder until cancelled, or until nobody takes the events any more.
///
/// `bound` tells which configurations of a plugin are in use. The folder may be missing, and may
/// come later. What is in it at the start is installed, except versions that are kept already:
/// one that was rolled back from does not come back by a restart.
pub async fn watch(
    plugins: Plugins,
    dir: PathBuf,
    bound: impl Fn(&str) -> Vec<Bound> + Send + Sync,
    events: mpsc::Sender<FolderEvent>,
    cancel: CancellationToken,
) {
    let mut folder = Folder {
        plugins,
        dir,
        seen: BTreeMap::new(),
        watcher: None,
        reported: Arc::new(Notify::new()),
        first: true,
    };
    let run = async {
        loop {
            let settled = folder.look(&bound, &events).await;
            if events.is_closed() {
                return;
            }
            let pause = if settled { SLOW } else { QUIET };
            let _ = tokio::time::timeout(pause, folder.reported.notified()).await;
        }
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = run => {}
    }
}

/// What tells one state of a component and its signature from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    component: FileLook,
    signature: Option<FileLook>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileLook {
    len: u64,
    modified: Option<SystemTime>,
}

impl FileLook {
    fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok().filter(|it| it.is_file())?;
        Some(Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

struct Seen {
    look: Look,
    /// Whether this state of the file was acted upon.
    done: bool,
}

struct Folder {
    plugins: Plugins,
    dir: PathBuf,
    seen: BTreeMap<Label, Seen>,
    watcher: Option<RecommendedWatcher>,
    reported: Arc<Notify>,
    first: bool,
}

impl Folder {
    /// One look; false when a file is still to be looked at again soon.
    async fn look(
        &mut self,
        bound: &(impl Fn(&str) -> Vec<Bound> + Sync),
        events: &mpsc::Sender<FolderEvent>,
    ) -> bool {
        self.ensure_watched();
        let dir = self.dir.clone();
        let read = tokio::task::spawn_blocking(move || read_folder(&dir)).await;
        let Ok(Some(files)) = read else {
            // Missing or unreadable is not the same as empty: nothing is removed for it.
            self.watcher = None;
            return true;
        };
        let gone: Vec<_> = self
            .seen
            .keys()
            .filter(|it| !files.contains_key(*it))
            .cloned()
            .collect();
        for name in gone {
            self.seen.remove(&name);
            if let Some(event) = self.remove(name, bound).await {
                let _ = events.send(event).await;
            }
        }
        let mut settled = true;
        for (name, look) in files {
            let seen = self.seen.insert(name.clone(), Seen { look, done: true });
            match seen {
                Some(seen) if seen.look == look && seen.done => {}
                // Twice the same, a pause apart.
                Some(seen) if seen.look == look => {
                    if let Some(event) = self.install(name, bound).await {
                        let _ = events.send(event).await;
                    }
                }
                _ => {
                    self.seen.insert(name, Seen { look, done: false });
                    settled = false;
                }
            }
        }
        if settled {
            self.first = false;
        }
        settled
    }

    async fn install(
        &self,
        name: Label,
        bound: &(impl Fn(&str) -> Vec<Bound> + Sync),
    ) -> Option<FolderEvent> {
        let path = self.dir.join(format!("{}.wasm", name.as_str()));
        let bytes: Arc<[u8]> = match tokio::fs::read(&path).await {
            Ok(bytes) => bytes.into(),
            // Gone again: the next look sees it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(source) => {
                let error = InstallError::Storage { path, source };
                return Some(FolderEvent::Refused { name, error });
            }
        };
        if self.first && self.plugins.keeps(&name, &Hash::of(&bytes)) {
            return None;
        }
        let origin = Origin {
            sha256: None,
            signature: tokio::fs::read_to_string(signature_of(&path)).await.ok(),
        };
        let bound = bound(name.as_str());
        Some(
            match self.plugins.install(&name, bytes, &origin, &bound).await {
                Ok(installed) => FolderEvent::Installed(Box::new(installed)),
                Err(error) => FolderEvent::Refused { name, error },
            },
        )
    }

    async fn remove(
        &self,
        name: Label,
        bound: &(impl Fn(&str) -> Vec<Bound> + Sync),
    ) -> Option<FolderEvent> {
        if !bound(name.as_str()).is_empty() {
            return Some(FolderEvent::KeptInUse { name });
        }
        match self.plugins.remove(&name).await {
            Ok(()) => Some(FolderEvent::Removed { name }),
            // Its file was refused, so there was nothing to remove.
            Err(InstallError::Unknown { .. }) => None,
            Err(error) => Some(FolderEvent::Refused { name, error }),
        }
    }

    fn ensure_watched(&mut self) {
        if self.watcher.is_some() {
            return;
        }
        let reported = Arc::clone(&self.reported);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading is no change.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                reported.notify_one();
            }
        });
        self.watcher = watcher
            .and_then(|mut watcher| {
                watcher.watch(&self.dir, RecursiveMode::NonRecursive)?;
                Ok(watcher)
            })
            .ok();
    }
}

/// The component files in a folder; none when it cannot be read.
fn read_folder(dir: &Path) -> Option<BTreeMap<Label, Look>> {
    let entries = std::fs::read_dir(dir).ok()?;
    let files = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        if path.extension()? != "wasm" {
            return None;
        }
        let name = path.file_stem()?.to_str()?.parse().ok()?;
        let look = Look {
            component: FileLook::at(&path)?,
            signature: FileLook::at(&signature_of(&path)),
        };
        Some((name, look))
    });
    Some(files.take(MAX_FILES).collect())
}

/// `NAME.wasm.minisig`.
fn signature_of(component: &Path) -> PathBuf {
    let mut path = component.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}
