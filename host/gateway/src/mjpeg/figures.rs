//! What is known of a publisher, for those who ask.

use super::feeds::Feeds;
use super::publication::Publication;
use media::frame::Video;
use model::StreamName;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One publisher at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherFigures {
    /// The stream it feeds.
    pub stream: StreamName,
    /// When it came, Unix milliseconds.
    pub since_unix_ms: u64,
    /// For how long it has been there.
    pub uptime_ms: u64,
    /// Pictures taken.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pictures per 1000 s, over the last second or two.
    pub fps_milli: u32,
    /// The size of the last picture.
    pub video: Option<Video>,
    /// When it came, Unix milliseconds.
    pub last_frame_unix_ms: Option<u64>,
    /// For how long nothing has come.
    pub inactive_ms: u64,
    /// Pictures left out because they were above [`super::Settings::max_fps`].
    pub too_fast: u64,
    /// Who watches the stream, over whatever protocol.
    pub viewers: usize,
    /// Pictures that viewers over MJPEG were too slow for, since the first of those who watch now.
    pub skipped: u64,
}

pub(super) fn of(publication: &Publication, feeds: &Feeds, now: Instant) -> PublisherFigures {
    let counted = publication.counted(now);
    let (since, since_wall) = publication.since();
    let name = publication.name();
    PublisherFigures {
        stream: name.clone(),
        since_unix_ms: unix_ms(since_wall),
        uptime_ms: now.saturating_duration_since(since).as_millis() as u64,
        frames: counted.frames,
        bytes: counted.bytes,
        fps_milli: counted.fps_milli,
        video: counted.video,
        last_frame_unix_ms: counted.last_frame.map(unix_ms),
        inactive_ms: publication.idle_for(now).as_millis() as u64,
        too_fast: counted.too_fast,
        viewers: feeds.viewers(name),
        skipped: feeds.skipped(name),
    }
}

fn unix_ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
