//! Where `scripts/setup.sh` installs what comes from npm and PyPI.

use std::path::PathBuf;

/// FFmpeg of the Python package `imageio-ffmpeg`: years newer than Debian's.
const FFMPEG: &str = "site-packages/imageio_ffmpeg/binaries";

/// The folder: `$POINTSMAN_TOOLS`, or `pointsman/tools` in the user's cache.
///
/// # Panics
/// When there is neither a home nor a variable that names one.
pub fn folder() -> PathBuf {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(home).expect("HOME is set");
        cache.join("pointsman/tools")
    };
    std::env::var_os("POINTSMAN_TOOLS").map_or_else(cache, PathBuf::from)
}

/// The newer FFmpeg.
///
/// # Panics
/// When it is not installed.
pub fn new_ffmpeg() -> PathBuf {
    let libraries = folder().join("python/lib");
    let entries = |folder: PathBuf| {
        let entries = std::fs::read_dir(&folder);
        let entries = entries
            .unwrap_or_else(|error| panic!("{}: {error} (make setup-test)", folder.display()));
        entries.flatten().map(|entry| entry.path())
    };
    let binaries = entries(libraries).map(|python| python.join(FFMPEG));
    let mut programs = binaries.filter(|folder| folder.exists()).flat_map(entries);
    let is_ffmpeg = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("ffmpeg-"))
    };
    let found = programs.find(is_ffmpeg);
    found.expect("imageio-ffmpeg is needed (make setup-test)")
}
