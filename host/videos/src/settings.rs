//! What the configuration says of videos.

use std::time::Duration;

/// What the configuration says of videos; `[videos]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The largest file that is taken, bytes; 1 MiB to 16 TiB.
    pub max_bytes: u64,
    /// How names of videos may end: in lower case, without the dot. Others are neither taken nor
    /// listed.
    pub extensions: Vec<String>,
    /// Unfinished uploads at a time, 1 to 1,000.
    pub max_unfinished: usize,
    /// What unfinished uploads may come to together, bytes; at least [`Settings::max_bytes`].
    pub max_unfinished_bytes: u64,
    /// How long an unfinished upload is kept after its last byte, 1 minute to 30 days.
    pub expires: Duration,
    /// What uploads leave free on the disk, bytes.
    pub keep_free_bytes: u64,
    /// How often the folder is looked through, 1 s to 1 h.
    pub refresh: Duration,
    /// Who sends less than 64 KiB in this time is let go, 1 s to 10 minutes.
    pub patience: Duration,
    /// Videos in the index, 1 to 100,000; more are counted, and not listed.
    pub max_videos: usize,
}

impl Default for Settings {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        const EXTENSIONS: &str = "avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv ts webm";
        Self {
            max_bytes: 10 * GIB,
            extensions: EXTENSIONS.split(' ').map(str::to_owned).collect(),
            max_unfinished: 16,
            max_unfinished_bytes: 40 * GIB,
            expires: Duration::from_secs(24 * 3600),
            keep_free_bytes: GIB,
            refresh: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            max_videos: 10_000,
        }
    }
}

impl Settings {
    /// Whether this is the ending of a video's name.
    pub(crate) fn knows(&self, extension: &str) -> bool {
        let same = |known: &String| known.eq_ignore_ascii_case(extension);
        self.extensions.iter().any(same)
    }
}
