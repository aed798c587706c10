//! Installed components on disk: `NAME/HASH.wasm` for each version kept, and `NAME/versions.json`,
//! which says which is active. The latter is renamed into place last, so a crash in between
//! leaves the old version active.

use super::slot::VersionView;
use crate::compile::write_atomically;
use crate::component::Hash;
use crate::error::InstallError;
use model::Label;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MANIFEST: &str = "versions.json";

#[derive(Serialize, Deserialize)]
struct Manifest {
    active: Hash,
    versions: Vec<VersionView>,
}

/// A plugin as it was stored.
pub(super) struct Stored {
    pub(super) bytes: Arc<[u8]>,
    pub(super) versions: Vec<VersionView>,
}

pub(super) struct Shelf {
    dir: Arc<Path>,
    kept: usize,
}

impl Shelf {
    pub(super) fn open(dir: PathBuf, kept: usize) -> Result<Self, InstallError> {
        if let Err(source) = fs::create_dir_all(&dir) {
            return Err(InstallError::Storage { path: dir, source });
        }
        Ok(Self {
            dir: dir.into(),
            kept,
        })
    }

    /// Names of what is stored, sorted.
    pub(super) fn names(&self) -> Vec<Label> {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return Vec::new();
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<Label> = names.filter_map(|name| name.parse().ok()).collect();
        names.sort();
        names
    }

    pub(super) async fn open_plugin(&self, name: &Label) -> Result<Stored, InstallError> {
        let dir = self.dir.join(name.as_str());
        let manifest = at(&dir.join(MANIFEST), move |path| {
            let text = fs::read(path)?;
            serde_json::from_slice::<Manifest>(&text).map_err(Error::other)
        })
        .await?;
        let bytes = self.read(name, &manifest.active).await?;
        let versions = manifest.versions;
        Ok(Stored { bytes, versions })
    }

    /// A stored component, checked against its hash.
    pub(super) async fn read(&self, name: &Label, hash: &Hash) -> Result<Arc<[u8]>, InstallError> {
        let hash = hash.clone();
        at(&self.file(name, &hash), move |path| {
            let bytes = fs::read(path)?;
            if Hash::of(&bytes) == hash {
                return Ok(bytes.into());
            }
            Err(Error::new(
                ErrorKind::InvalidData,
                "the content is not what was stored",
            ))
        })
        .await
    }

    /// Stores a version as the active one, and drops the oldest beyond what is kept.
    pub(super) async fn put(
        &self,
        name: &Label,
        hash: &Hash,
        bytes: Arc<[u8]>,
        versions: &mut Vec<VersionView>,
    ) -> Result<(), InstallError> {
        let dropped = prune(versions, hash, self.kept);
        let dropped: Vec<_> = dropped
            .iter()
            .map(|old| self.file(name, &old.hash))
            .collect();
        let file = self.file(name, hash);
        let manifest = Manifest {
            active: hash.clone(),
            versions: versions.clone(),
        };
        at(&self.dir.join(name.as_str()), move |dir| {
            fs::create_dir_all(dir)?;
            if !file.exists() {
                write_atomically(dir, &file, &bytes)?;
            }
            let text = serde_json::to_vec_pretty(&manifest).map_err(Error::other)?;
            write_atomically(dir, &dir.join(MANIFEST), &text)?;
            for file in dropped {
                // Nothing names it any more; a leftover costs only space.
                let _ = fs::remove_file(file);
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn remove(&self, name: &Label) -> Result<(), InstallError> {
        at(&self.dir.join(name.as_str()), |dir| fs::remove_dir_all(dir)).await
    }

    fn file(&self, name: &Label, hash: &Hash) -> PathBuf {
        self.dir.join(name.as_str()).join(format!("{hash}.wasm"))
    }
}

/// Takes out the oldest beyond `kept`, never the active one.
fn prune(versions: &mut Vec<VersionView>, active: &Hash, kept: usize) -> Vec<VersionView> {
    let mut surplus = versions.len().saturating_sub(kept);
    let mut out = Vec::new();
    versions.retain(|version| {
        let goes = surplus > 0 && version.hash != *active;
        if goes {
            surplus -= 1;
            out.push(version.clone());
        }
        !goes
    });
    out
}

/// Runs disk work at a path on a blocking thread.
async fn at<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, InstallError> {
    let path = path.to_owned();
    let ran = tokio::task::spawn_blocking({
        let path = path.clone();
        move || work(&path)
    });
    let result = ran.await.unwrap_or_else(|error| Err(Error::other(error)));
    result.map_err(|source| InstallError::Storage { path, source })
}
