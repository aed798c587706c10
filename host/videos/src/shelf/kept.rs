//! What is kept of a video beside it: its title and its picture. Either may be lost without harm.

use super::scan::Stamp;
use super::{Shelf, THUMBNAILS, TITLES};
use aws_lc_rs::digest::{SHA256, digest};
use link::folder::{beneath, plain_file};
use rustix::fs::{AtFlags, Dir, OFlags, RenameFlags, renameat_with, statat, unlinkat};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A title never has more: 200 characters.
const MAX_TITLE_BYTES: u64 = 800;

/// A thumbnail never has more.
const MAX_THUMBNAIL_BYTES: u64 = 1 << 20;

/// What is younger may belong to a video that a scan has not seen yet.
const YOUNG: Duration = Duration::from_secs(600);

/// What a video's picture is kept by: its name and what it is. A file that became another has
/// another picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn of(name: &str, stamp: &Stamp) -> Self {
        let since = stamp.modified.duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default().as_nanos();
        let text = format!("{name}\n{}\n{since}\n{}", stamp.bytes, stamp.inode);
        let hash = digest(&SHA256, text.as_bytes());
        let half = hash.as_ref().iter().take(16);
        Self(half.map(|byte| format!("{byte:02x}")).collect())
    }

    /// 32 hexadecimal digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Shelf {
    /// The title of an uploaded video.
    pub(crate) fn title(&self, name: &str) -> Option<String> {
        let kept = read(&self.folder(TITLES).ok()?, name, MAX_TITLE_BYTES).ok()?;
        String::from_utf8(kept).ok()
    }

    pub(crate) fn keep_title(&self, name: &str, title: &str) -> io::Result<()> {
        write(&self.folder(TITLES)?, name, title.as_bytes())
    }

    /// A title that cannot be taken away is one that nobody asks for, and goes by itself later.
    pub(super) fn forget_title(&self, name: &str) {
        if let Ok(titles) = self.folder(TITLES) {
            let _ = unlinkat(&titles, name, AtFlags::empty());
        }
    }

    /// The kept picture of a video.
    pub(crate) fn thumbnail(&self, key: &Key) -> Option<Vec<u8>> {
        let thumbnails = self.folder(THUMBNAILS).ok()?;
        read(&thumbnails, key.as_str(), MAX_THUMBNAIL_BYTES).ok()
    }

    pub(crate) fn keep_thumbnail(&self, key: &Key, jpeg: &[u8]) -> io::Result<()> {
        write(&self.folder(THUMBNAILS)?, key.as_str(), jpeg)
    }

    /// Takes away what is kept of videos that are gone.
    pub(crate) fn sweep(
        &self,
        titles: &HashSet<&str>,
        thumbnails: &HashSet<Key>,
    ) -> io::Result<()> {
        let old = SystemTime::now().checked_sub(YOUNG).unwrap_or(UNIX_EPOCH);
        sweep(&self.folder(TITLES)?, old, |name| titles.contains(name))?;
        let known: HashSet<&str> = thumbnails.iter().map(Key::as_str).collect();
        sweep(&self.folder(THUMBNAILS)?, old, |name| known.contains(name))
    }
}

fn sweep(folder: &File, old: SystemTime, known: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if matches!(name, "." | "..") || known(name) {
            continue;
        }
        let about = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if Stamp::of(&about).modified < old {
            unlinkat(folder, name, AtFlags::empty())?;
        }
    }
    Ok(())
}

/// Writes a small file so that it is whole or not there. Only one writes it at a time: the other's
/// is as good.
pub(super) fn write(folder: &File, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = format!(".{name}");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let mut file = beneath(folder, Path::new(&unfinished), flags)?;
    file.write_all(bytes)?;
    let replacing = RenameFlags::empty();
    Ok(renameat_with(
        folder,
        unfinished.as_str(),
        folder,
        name,
        replacing,
    )?)
}

pub(super) fn read(folder: &File, name: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    plain_file(folder, name)?
        .take(most + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}
