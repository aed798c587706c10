//! Files that are made in the media folder.

use crate::context::Context;
use link::LinkError;
use link::folder::{beneath, media, root};
use rustix::fs::{Mode, OFlags, mkdirat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::Path;

/// Files of one name that are told apart by a number.
const MOST_NUMBERED: u32 = 10_000;

/// Whether there is a media folder to write to; it is made if it is not there yet.
///
/// # Errors
/// There is none and it cannot be made.
pub(super) async fn check(context: &Context) -> Result<(), LinkError> {
    let folder = media(context)?.to_owned();
    let doing = format!("cannot make the media folder {}", folder.display());
    let making = tokio::task::spawn_blocking(move || std::fs::create_dir_all(folder));
    let made = making
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    made.map_err(LinkError::io(doing))
}

/// Makes a new file below the media folder, with the folders it is in. A file that is there is
/// left alone: a number is put into the name then. Also returns the name it got.
///
/// # Errors
/// The disk is full, or something else is in the way.
pub(super) async fn create(context: &Context, path: &str) -> Result<(File, String), LinkError> {
    let (folder, wanted) = (media(context)?.to_owned(), path.to_owned());
    let doing = format!(
        "cannot make {path} in the media folder {}",
        folder.display()
    );
    let creating = tokio::task::spawn_blocking(move || {
        let root = root(&folder)?;
        make_parents(&root, &wanted)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        for name in names(&wanted) {
            match beneath(&root, Path::new(&name), flags) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return Ok((made?, name)),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    });
    let created = creating
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    created.map_err(LinkError::io(doing))
}

/// `a.ts`, `a-2.ts`, `a-3.ts`, ...
fn names(path: &str) -> impl Iterator<Item = String> {
    let (stem, extension) = path.rsplit_once('.').unwrap_or((path, "ts"));
    let numbered = (2..=MOST_NUMBERED).map(move |n| format!("{stem}-{n}.{extension}"));
    std::iter::once(path.to_owned()).chain(numbered)
}

fn make_parents(root: &File, path: &str) -> io::Result<()> {
    let mut within = root.try_clone()?;
    let (parents, _) = path.rsplit_once('/').unwrap_or(("", path));
    for part in parents.split('/').filter(|part| !part.is_empty()) {
        match mkdirat(
            &within,
            part,
            Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH,
        ) {
            Err(error) if error != Errno::EXIST => return Err(error.into()),
            _ => {}
        }
        within = beneath(&within, Path::new(part), OFlags::RDONLY | OFlags::DIRECTORY)?;
    }
    Ok(())
}
