//! Disks.

use rustix::fs::statvfs;
use serde::Serialize;
use std::path::PathBuf;
use utoipa::ToSchema;

/// The file system that a folder is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Disk {
    /// What the folder is for.
    #[schema(example = "data_dir")]
    what: &'static str,
    /// The folder.
    path: String,
    /// Size of the file system.
    pub(crate) total_bytes: u64,
    /// What this process may still write.
    pub(crate) free_bytes: u64,
}

/// Folders that are not there have no disk.
pub(super) fn read(folders: &[(&'static str, PathBuf)]) -> Vec<Disk> {
    let disk = |(what, path): &(&'static str, PathBuf)| {
        let system = statvfs(path).ok()?;
        Some(Disk {
            what,
            path: path.display().to_string(),
            total_bytes: system.f_blocks.saturating_mul(system.f_frsize),
            free_bytes: system.f_bavail.saturating_mul(system.f_frsize),
        })
    };
    folders.iter().filter_map(disk).collect()
}
