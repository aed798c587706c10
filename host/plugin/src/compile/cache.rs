//! Native code on disk. It is machine code that this process will run, so only files that this
//! host's user wrote are taken: the folder is closed to everybody else, and each file must match
//! the sum written beside it.

use crate::component::Hash;
use crate::error::InstallError;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Files kept; the oldest go first.
const KEPT: usize = 64;

pub(super) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Makes the folder if need be.
    pub(super) fn open(dir: PathBuf) -> Result<Self, InstallError> {
        match make_private(&dir) {
            Ok(()) => Ok(Self { dir }),
            Err(source) => Err(InstallError::Storage { path: dir, source }),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The code of that key, if it is there and whole.
    pub(super) fn find(&self, key: &str) -> Option<Vec<u8>> {
        let native = fs::read(self.code(key)).ok()?;
        let sum = fs::read_to_string(self.sum(key)).ok()?;
        if sum.trim() == Hash::of(&native).as_str() {
            return Some(native);
        }
        tracing::warn!(key, "compiled code does not match its sum: compiling anew");
        None
    }

    pub(super) fn store(&self, key: &str, native: &[u8]) -> Result<(), InstallError> {
        self.write(&self.code(key), native)?;
        self.write(&self.sum(key), Hash::of(native).as_str().as_bytes())?;
        self.prune();
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), InstallError> {
        write_atomically(&self.dir, path, bytes).map_err(|source| InstallError::Storage {
            path: path.to_owned(),
            source,
        })
    }

    fn code(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{key}.cwasm"))
    }

    fn sum(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{key}.sha256"))
    }

    /// Best effort: a cache that is too big is no reason to refuse a plugin.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        let mut codes: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|it| it == "cwasm"))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        codes.sort();
        let surplus = codes.len().saturating_sub(KEPT);
        for (_, path) in codes.into_iter().take(surplus) {
            let _ = fs::remove_file(path.with_extension("sha256"));
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes beside the target, then renames: a reader sees the old file, the new one or none.
pub(crate) fn write_atomically(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn make_private(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    // A file made now tells who we are.
    let own = tempfile::NamedTempFile::new_in(dir)?
        .as_file()
        .metadata()?
        .uid();
    if fs::symlink_metadata(dir)?.uid() != own {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the folder of compiled code belongs to another user: give it to this one",
        ));
    }
    Ok(())
}
