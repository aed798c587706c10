//! The media folder, which nothing leads out of.

use crate::{Context, LinkError};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, openat2, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file below the media folder for reading. Links within the folder are followed, links
/// out of it are not (openat2(2), `RESOLVE_BENEATH`).
///
/// # Errors
/// There is no media folder, or no such file in it.
pub async fn open(context: &Context, path: &str) -> Result<File, LinkError> {
    let (folder, name) = (media(context)?.to_owned(), path.to_owned());
    let doing = format!(
        "cannot open {path} in the media folder {}",
        folder.display()
    );
    let opening = tokio::task::spawn_blocking(move || plain_file(&root(&folder)?, &name));
    let opened = opening
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    opened.map_err(LinkError::io(doing))
}

/// Opens a plain file below a folder for reading.
///
/// # Errors
/// There is none, or it leads out of the folder.
pub fn plain_file(folder: &File, path: &str) -> io::Result<File> {
    // A pipe without a writer would hold up whoever opens it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let file = beneath(folder, Path::new(path), flags)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a plain file")),
    }
}

/// Takes away a file below a folder; a link rather than what it leads to.
///
/// # Errors
/// There is none of that name, or it leads out of the folder.
pub fn remove(folder: &Path, path: &str) -> io::Result<()> {
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let parent = beneath(&root(folder)?, Path::new(parent), flags)?;
    Ok(unlinkat(&parent, name, AtFlags::empty())?)
}

/// The media folder of this host.
///
/// # Errors
/// It has none.
pub fn media(context: &Context) -> Result<&Path, LinkError> {
    context.media().ok_or_else(|| LinkError::Misconfigured {
        what: "this host has no media folder".to_owned(),
        remedy: "set [media] dir in the configuration",
    })
}

/// The folder itself; whether it is a link is its operator's choice.
///
/// # Errors
/// It is not there.
pub fn root(folder: &Path) -> io::Result<File> {
    File::open(folder)
}

/// A file below a folder, whatever its path says (openat2(2), `RESOLVE_BENEATH`).
///
/// # Errors
/// It leads out of the folder, or the system has another objection.
pub fn beneath(folder: &File, path: &Path, flags: OFlags) -> io::Result<File> {
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
