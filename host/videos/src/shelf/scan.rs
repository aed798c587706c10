//! What lies in the media folder.

use super::Shelf;
use crate::settings::Settings;
use link::folder::{beneath, root};
use model::endpoint;
use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, statat};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 8;

/// Entries that are looked at, videos and others.
const MAX_ENTRIES: usize = 200_000;

/// Tells a file from what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
    pub(crate) inode: u64,
}

/// A file whose name ends like a video's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Below the media folder, as a file input names it.
    pub(crate) name: String,
    pub(crate) stamp: Stamp,
}

/// What a look into the folder gave.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) found: Vec<Found>,
    /// Videos beyond the number that is listed, or whose names no input could say.
    pub(crate) left_out: usize,
}

impl Stamp {
    pub(crate) fn of(about: &Stat) -> Self {
        let seconds = Duration::from_secs(u64::try_from(about.st_mtime).unwrap_or(0));
        let since = seconds.saturating_add(Duration::from_nanos(about.st_mtime_nsec));
        Self {
            bytes: u64::try_from(about.st_size).unwrap_or(0),
            modified: UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH),
            inode: about.st_ino,
        }
    }
}

impl Shelf {
    /// Looks through the folder and the folders in it. Links are not followed, hidden ones are
    /// left out.
    pub(crate) fn scan(&self, settings: &Settings) -> io::Result<Scan> {
        let mut walk = Walk {
            settings,
            scan: Scan::default(),
            entries: 0,
        };
        walk.folder(&root(&self.0)?, "", 0)?;
        walk.scan.found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(walk.scan)
    }
}

struct Walk<'a> {
    settings: &'a Settings,
    scan: Scan,
    entries: usize,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &File, path: &str, depth: usize) -> io::Result<()> {
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Ok(());
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            // Gone again, or not to be looked at: that is its owner's affair.
            let Ok(about) = statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let below = match path {
                "" => name.clone(),
                path => format!("{path}/{name}"),
            };
            match FileType::from_raw_mode(about.st_mode) {
                FileType::RegularFile => self.file(below, &about),
                FileType::Directory if depth < MAX_DEPTH => {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                    if let Ok(inner) = beneath(folder, Path::new(&name), flags) {
                        self.folder(&inner, &below, depth + 1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, name: String, about: &Stat) {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if !self.settings.knows(extension) {
            return;
        }
        let can_be_said = endpoint::File::below(&name).is_ok();
        if !can_be_said || self.scan.found.len() >= self.settings.max_videos {
            self.scan.left_out += 1;
            return;
        }
        self.scan.found.push(Found {
            name,
            stamp: Stamp::of(about),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_finds_videos_in_folders_and_follows_no_link() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.mp4"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::prepare(folder.path().to_owned()).unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(place("shows/2026")).unwrap();
        for name in [
            "b.mp4",
            "a.TS",
            "shows/2026/Größe.mov",
            "notes.txt",
            ".hidden.mp4",
            ".pointsman/uploads/x.mp4",
            "it's \"quoted\"\n|.mp4",
        ] {
            std::fs::write(place(name), name).unwrap();
        }
        std::os::unix::fs::symlink(outside.path(), place("away")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.mp4"), place("c.mp4")).unwrap();
        std::os::unix::fs::symlink(place("shows"), place("loop")).unwrap();
        let settings = Settings::default();
        let scan = shelf.scan(&settings).unwrap();
        let names: Vec<&str> = scan.found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["a.TS", "b.mp4", "shows/2026/Größe.mov"]);
        assert_eq!(scan.found[0].stamp.bytes, 4);
        assert_eq!(scan.left_out, 1, "the name that no input could say");
        let few = Settings {
            max_videos: 2,
            ..settings
        };
        let scan = shelf.scan(&few).unwrap();
        assert_eq!((scan.found.len(), scan.left_out), (2, 2));
    }
}
