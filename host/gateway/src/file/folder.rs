//! The media folder, which nothing leads out of.

use crate::context::Context;
use link::LinkError;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, mkdirat, openat2, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::Path;

/// Files of one name that are told apart by a number.
const MOST_NUMBERED: u32 = 10_000;

/// Opens a file below the media folder for reading. Links within the folder are followed, links
/// out of it are not (openat2(2), `RESOLVE_BENEATH`).
///
/// # Errors
/// There is no media folder, or no such file in it.
pub(crate) async fn open(context: &Context, path: &str) -> Result<File, LinkError> {
    let (folder, name) = (media(context)?.to_owned(), path.to_owned());
    let doing = format!(
        "cannot open {path} in the media folder {}",
        folder.display()
    );
    let opening = tokio::task::spawn_blocking(move || {
        // A pipe without a writer would hold up whoever opens it.
        let file = beneath(
            &root(&folder)?,
            Path::new(&name),
            OFlags::RDONLY | OFlags::NONBLOCK,
        )?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("it is not a plain file")),
        }
    });
    let opened = opening
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    opened.map_err(LinkError::io(doing))
}

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

/// Takes away a file below a folder.
pub(super) fn remove(folder: &Path, path: &str) -> io::Result<()> {
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let parent = beneath(
        &root(folder)?,
        Path::new(parent),
        OFlags::RDONLY | OFlags::DIRECTORY,
    )?;
    Ok(unlinkat(&parent, name, AtFlags::empty())?)
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

pub(super) fn media(context: &Context) -> Result<&Path, LinkError> {
    context.media().ok_or_else(|| LinkError::Misconfigured {
        what: "this host has no media folder".to_owned(),
        remedy: "set [media] dir in the configuration",
    })
}

/// The folder itself; whether it is a link is its operator's choice.
fn root(folder: &Path) -> io::Result<File> {
    File::open(folder)
}

/// A file below a folder.
fn beneath(folder: &File, path: &Path, flags: OFlags) -> io::Result<File> {
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    // A mode without O_CREAT is an error to this call, unlike to others.
    let mode = if flags.contains(OFlags::CREATE) {
        mode
    } else {
        Mode::empty()
    };
    let opened = openat2(folder, path, flags | OFlags::CLOEXEC, mode, within);
    let file = opened.map_err(|error| match error {
        Errno::XDEV => io::Error::other("it leads out of the folder"),
        other => other.into(),
    })?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let media = tempfile::tempdir().unwrap();
        let place = |name: &str| media.path().join(name);
        std::fs::create_dir(place("shows")).unwrap();
        std::fs::write(place("shows/one.ts"), "1").unwrap();
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, place(name)).unwrap();
        link(Path::new("shows/one.ts"), "within");
        link(&outside.path().join("secret"), "absolute");
        link(outside.path(), "folder");
        link(Path::new("../../../../../../etc/passwd"), "relative");
        let root = root(media.path()).unwrap();
        let open = |name: &str| beneath(&root, Path::new(name), OFlags::RDONLY).is_ok();
        for within in ["shows/one.ts", "within"] {
            assert!(open(within), "{within}");
        }
        for out in [
            "absolute",
            "folder/secret",
            "relative",
            "../x",
            "/etc/passwd",
            "shows/../../x",
        ] {
            assert!(!open(out), "{out}");
        }
    }
}
