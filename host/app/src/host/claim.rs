//! One host a `data_dir`: two would overwrite what the other keeps.

use anyhow::bail;
use std::fs::{File, TryLockError};
use std::path::Path;

/// The file below `data_dir` that is locked.
const FILE: &str = "lock";

/// Claims a folder until the claim is dropped, or the process ends, however it does.
///
/// None if nothing can be written there: then there is nothing to overwrite, and the host goes on
/// without keeping anything.
///
/// # Errors
/// Another process has claimed it.
pub(crate) fn claim(data_dir: &Path) -> anyhow::Result<Option<File>> {
    let options = File::options().create(true).append(true).clone();
    let Ok(file) = options.open(data_dir.join(FILE)) else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another pointsman uses the folder {}; stop that one, or give this one another \
             data_dir",
            data_dir.display()
        ),
        // A file system without locks.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_folder_is_claimed_once_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = claim(dir.path()).unwrap();
        assert!(first.is_some());
        let told = claim(dir.path()).unwrap_err().to_string();
        assert!(told.contains("data_dir"), "{told}");
        drop(first);
        assert!(claim(dir.path()).unwrap().is_some());
        assert!(claim(&dir.path().join("none")).unwrap().is_none());
    }
}
