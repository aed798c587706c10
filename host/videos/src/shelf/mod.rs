//! The media folder on disk. Everything here waits for the disk; see [`blocking`].
//!
//! The folder is opened anew each time, so that one that was mounted meanwhile is seen.

mod kept;
mod scan;

pub(crate) use kept::Key;
pub(crate) use scan::{Found, Scan, Stamp};

use crate::name::Naming;
use link::folder::{beneath, plain_file, root};
use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, fstatvfs, fsync, mkdirat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What belongs to no video by itself. Hidden, so never listed.
const OWN: &str = ".pointsman";

/// Unfinished uploads: a file each, and a note beside it if it may be gone on with.
const UPLOADS: &str = ".pointsman/uploads";

const THUMBNAILS: &str = ".pointsman/thumbnails";
const TITLES: &str = ".pointsman/titles";

/// How the name of a note ends.
const NOTE: &str = ".json";

/// A note is never longer.
const MAX_NOTE_BYTES: u64 = 16 << 10;

/// The media folder.
#[derive(Debug, Clone)]
pub(crate) struct Shelf(PathBuf);

/// Does what waits for the disk on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(doing).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl Shelf {
    /// Of this folder, which is made if it is not there.
    pub(crate) fn prepare(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let root = root(&folder)?;
        for own in [OWN, UPLOADS, THUMBNAILS, TITLES] {
            match mkdirat(&root, own, Mode::RWXU | Mode::RGRP | Mode::XGRP) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(folder))
    }

    fn folder(&self, own: &str) -> io::Result<File> {
        beneath(
            &root(&self.0)?,
            Path::new(own),
            OFlags::RDONLY | OFlags::DIRECTORY,
        )
    }

    /// Opens a video for reading.
    pub(crate) fn open(&self, name: &str) -> io::Result<File> {
        plain_file(&root(&self.0)?, name)
    }

    /// Takes a video away, and its title, which another of its name shall not have.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        link::folder::remove(&self.0, name)?;
        self.forget_title(name);
        Ok(())
    }

    /// Bytes that are free to whom this host runs as.
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        let disk = fstatvfs(root(&self.0)?)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Makes the file of an upload.
    pub(crate) fn create_upload(&self, id: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        beneath(&self.folder(UPLOADS)?, Path::new(id), flags)
    }

    /// Opens the file of an upload, to go on with it.
    pub(crate) fn resume_upload(&self, id: &str) -> io::Result<File> {
        beneath(&self.folder(UPLOADS)?, Path::new(id), OFlags::WRONLY)
    }

    /// Opens the file of an upload, to look at it.
    pub(crate) fn open_upload(&self, id: &str) -> io::Result<File> {
        plain_file(&self.folder(UPLOADS)?, id)
    }

    /// Takes away an upload, with its note.
    pub(crate) fn remove_upload(&self, id: &str) -> io::Result<()> {
        let uploads = self.folder(UPLOADS)?;
        let note = format!("{id}{NOTE}");
        for name in [id, &note] {
            match unlinkat(&uploads, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Keeps what has to be known of an upload to go on with it after a restart.
    pub(crate) fn write_note(&self, id: &str, note: &[u8]) -> io::Result<()> {
        kept::write(&self.folder(UPLOADS)?, &format!("{id}{NOTE}"), note)
    }

    /// The uploads that were unfinished when the host ended: each with its note, if it has one.
    pub(crate) fn left_over(&self) -> io::Result<Vec<(String, Option<Vec<u8>>)>> {
        /// So many are looked at.
        const MOST: usize = 10_000;
        let uploads = self.folder(UPLOADS)?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&uploads)?.take(MOST) {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            // A note without a file is found by its own name, and has no note.
            let note = format!("{name}{NOTE}");
            found.push((name, kept::read(&uploads, &note, MAX_NOTE_BYTES).ok()));
        }
        Ok(found)
    }

    /// Gives an upload its name; the first that is free. Returns it.
    pub(crate) fn publish(&self, id: &str, naming: &Naming) -> io::Result<String> {
        let (uploads, root) = (self.folder(UPLOADS)?, root(&self.0)?);
        for name in naming.names() {
            match renameat_with(&uploads, id, &root, name.as_str(), RenameFlags::NOREPLACE) {
                Ok(()) => {
                    fsync(&root)?;
                    return Ok(name);
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::io::Write;

    #[test]
    fn an_upload_gets_the_first_free_name_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::prepare(folder.path().join("new")).unwrap();
        let naming = Naming::of("a.mp4", None, &Settings::default()).unwrap();
        for (id, name) in [("x1", "a.mp4"), ("x2", "a-2.mp4"), ("x3", "a-3.mp4")] {
            shelf
                .create_upload(id)
                .unwrap()
                .write_all(id.as_bytes())
                .unwrap();
            assert_eq!(shelf.publish(id, &naming).unwrap(), name);
        }
        let first = std::fs::read(folder.path().join("new/a.mp4")).unwrap();
        assert_eq!(first, b"x1");
        assert!(shelf.left_over().unwrap().is_empty());
        assert!(shelf.free_bytes().unwrap() > 0);
    }

    #[test]
    fn what_is_left_over_is_found_with_its_note() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::prepare(folder.path().to_owned()).unwrap();
        shelf.create_upload("a").unwrap();
        shelf.write_note("a", b"{}").unwrap();
        shelf.create_upload("b").unwrap();
        let mut found = shelf.left_over().unwrap();
        found.sort();
        let note = |name: &str| (name.to_owned(), None);
        assert_eq!(
            found,
            [
                ("a".to_owned(), Some(b"{}".to_vec())),
                note("a.json"),
                note("b")
            ]
        );
        shelf.remove_upload("a").unwrap();
        assert_eq!(shelf.left_over().unwrap(), [note("b")]);
    }
}
