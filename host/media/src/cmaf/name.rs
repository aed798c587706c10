//! How the files of a stream are called: `video0.m3u8`, `video0-init-7.mp4`, `video0-7.m4s`,
//! `video0-7.3.m4s`. They lie beside the playlist that names them, but for keys, which are in a
//! folder of their own: `keys/video0-7.key`.

use super::header::Rendition;
use crate::TrackId;
use std::fmt;

/// One rendition's name: what it appeals to, and the number of its track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionName {
    /// Pictures, else sound.
    pub video: bool,
    /// Its track.
    pub track: TrackId,
}

/// One file of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum File {
    /// Its media playlist.
    Playlist,
    /// The initialization segment of that number.
    Init(u64),
    /// The segment of that media sequence number.
    Segment(u64),
    /// A part of a segment, counted from 0.
    Part(u64, usize),
    /// A key of its segments.
    Key(u64),
}

impl RenditionName {
    /// Of that rendition.
    pub const fn of(rendition: &Rendition) -> Self {
        Self {
            video: rendition.video.is_some(),
            track: rendition.track,
        }
    }

    /// Reads what [`fmt::Display`] writes, and gives back what follows it.
    fn parse(name: &str) -> Option<(Self, &str)> {
        let (video, rest) = match name.strip_prefix("video") {
            Some(rest) => (true, rest),
            None => (false, name.strip_prefix("audio")?),
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (track, rest) = rest.split_at_checked(digits)?;
        let track = TrackId(u8::try_from(number(track)?).ok()?);
        Some((Self { video, track }, rest))
    }

    /// The name of a file of it.
    pub const fn file(self, file: File) -> FileName {
        FileName {
            rendition: self,
            file,
        }
    }
}

/// A rendition and one of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileName {
    /// Whose file it is.
    pub rendition: RenditionName,
    /// Which.
    pub file: File,
}

impl FileName {
    /// Reads what [`fmt::Display`] writes, and nothing else.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(key) = name.strip_prefix("keys/") {
            let (rendition, key) = key.strip_suffix(".key")?.split_once('-')?;
            let (rendition, rest) = RenditionName::parse(rendition)?;
            return rest
                .is_empty()
                .then_some(rendition.file(File::Key(number(key)?)));
        }
        let (rendition, rest) = RenditionName::parse(name)?;
        let file = if rest == ".m3u8" {
            File::Playlist
        } else if let Some(init) = rest.strip_prefix("-init-") {
            File::Init(number(init.strip_suffix(".mp4")?)?)
        } else {
            let media = rest.strip_prefix('-')?.strip_suffix(".m4s")?;
            match media.split_once('.') {
                None => File::Segment(number(media)?),
                Some((segment, part)) => {
                    File::Part(number(segment)?, usize::try_from(number(part)?).ok()?)
                }
            }
        };
        Some(rendition.file(file))
    }
}
/// Digits without sign or leading zeros.
fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits).then(|| text.parse().ok())?
}

impl fmt::Display for RenditionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let medium = if self.video { "video" } else { "audio" };
        write!(f, "{medium}{}", self.track.0)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.rendition;
        match self.file {
            File::Playlist => write!(f, "{name}.m3u8"),
            File::Init(map) => write!(f, "{name}-init-{map}.mp4"),
            File::Segment(sequence) => write!(f, "{name}-{sequence}.m4s"),
            File::Part(sequence, part) => write!(f, "{name}-{sequence}.{part}.m4s"),
            File::Key(key) => write!(f, "keys/{name}-{key}.key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        for name in [
            "video0.m3u8",
            "audio12-init-7.mp4",
            "video0-1790000000.m4s",
            "audio1-7.0.m4s",
            "keys/audio1-9.key",
        ] {
            assert_eq!(
                FileName::parse(name).map(|it| it.to_string()).as_deref(),
                Some(name)
            );
        }
        for name in [
            "",
            "video",
            "video.m3u8",
            "video256.m3u8",
            "video0",
            "video00.m3u8",
            "video0-.m4s",
            "video0-+7.m4s",
            "video0-7..m4s",
            "video0-07.m4s",
            "video0-7.m4s.m4s",
            "text0.m3u8",
            "video0-init-.mp4",
            "video0-99999999999999999999.m4s",
            "video0-7.-1.m4s",
            "keys/9.key",
            "keys/video0.key",
            "keys/video0--9.key",
            "video0-9.key",
        ] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }
}
