//! Installed components on disk: `NAME/HASH.wasm` for each version kept, `NAME/HASH.wasm.minisig` if
//! it came with a signature, and `NAME/versions.json`, which says which is active. The latter is renamed into place last, so a crash in between
//! leaves the old version active.

use super::VersionView;
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

/// Which versions there are, and which is active.
#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) active: Hash,
    pub(super) versions: Vec<VersionView>,
}

/// A version as it came.
pub(super) struct Stored {
    pub(super) bytes: Arc<[u8]>,
    /// Text of its signature file.
    pub(super) signature: Option<String>,
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

    pub(super) async fn open_plugin(&self, name: &Label) -> Result<Manifest, InstallError> {
        let dir = self.dir.join(name.as_str());
        at(&dir.join(MANIFEST), move |path| {
            serde_json::from_slice(&fs::read(path)?).map_err(Error::other)
        })
        .await
    }

    /// A stored component, checked against its hash.
    pub(super) async fn read(&self, name: &Label, hash: &Hash) -> Result<Stored, InstallError> {
        let (hash, signature) = (hash.clone(), self.signature(name, hash));
        at(&self.file(name, &hash.clone()), move |path| {
            let bytes = fs::read(path)?;
            if Hash::of(&bytes) != hash {
                let damaged = "the content is not what was stored";
                return Err(Error::new(ErrorKind::InvalidData, damaged));
            }
            Ok(Stored {
                bytes: bytes.into(),
                signature: fs::read_to_string(signature).ok(),
            })
        })
        .await
    }

    /// Stores a version as the active one, and drops the oldest beyond what is kept.
    pub(super) async fn put(
        &self,
        name: &Label,
        hash: &Hash,
        stored: &Stored,
        versions: &mut Vec<VersionView>,
    ) -> Result<(), InstallError> {
        let dropped = prune(versions, hash, self.kept);
        let files =
            |old: &VersionView| [self.file(name, &old.hash), self.signature(name, &old.hash)];
        let dropped: Vec<_> = dropped.iter().flat_map(files).collect();
        let (file, signature_file) = (self.file(name, hash), self.signature(name, hash));
        let (bytes, signature) = (Arc::clone(&stored.bytes), stored.signature.clone());
        let manifest = Manifest {
            active: hash.clone(),
            versions: versions.clone(),
        };
        at(&self.dir.join(name.as_str()), move |dir| {
            fs::create_dir_all(dir)?;
            if !file.exists() {
                write_atomically(dir, &file, &bytes)?;
            }
            if let Some(signature) = signature {
                write_atomically(dir, &signature_file, signature.as_bytes())?;
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

    fn signature(&self, name: &Label, hash: &Hash) -> PathBuf {
        self.dir
            .join(name.as_str())
            .join(format!("{hash}.wasm.minisig"))
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
