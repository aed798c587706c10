//! What plugin authors need, carried in the program: the WIT files, the SDKs, the templates.

use std::io;
use std::path::{Path, PathBuf};

/// Paths below the project's root, and contents; made by `build.rs`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/kit.rs"));

/// The files below a folder such as `sdk/js`, by their paths in it; a file is there by itself.
pub fn files(folder: &str) -> impl Iterator<Item = (PathBuf, &'static [u8])> {
    FILES.iter().filter_map(move |(path, content)| {
        let inside = Path::new(path).strip_prefix(folder).ok()?;
        Some((inside.to_owned(), *content))
    })
}

/// Writes the files below a folder into another one, which is made if it is not there; a single
/// file is written to the path itself.
///
/// # Errors
///
/// The disk's.
pub fn write(folder: &str, to: &Path) -> io::Result<()> {
    for (path, content) in files(folder) {
        let path = match path.as_os_str().is_empty() {
            true => to.to_owned(),
            false => to.join(path),
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_an_author_needs_is_carried() {
        let has = |folder: &str, file: &str| files(folder).any(|(path, _)| path == Path::new(file));
        assert!(has("wit/1.0.0", "routing.wit"));
        assert!(has("sdk/rust", "src/lib.rs"));
        assert!(has("sdk/js", "build/build.mjs"));
        assert!(has("sdk/python", "pointsman_sdk/__init__.py"));
        assert!(!FILES.iter().any(|(path, _)| path.contains("__pycache__")));
    }

    #[test]
    fn folders_are_written_with_all_that_is_in_them() {
        let dir = tempfile::tempdir().unwrap();
        write("sdk/js", dir.path()).unwrap();
        let index = std::fs::read_to_string(dir.path().join("src/index.js")).unwrap();
        assert!(index.contains("definePolicy"));
    }
}
