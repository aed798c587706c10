//! What a stream is like, as far as an encoder has to know it.

use super::arguments::Sound;
use hub::Stream;
use link::LinkError;
use media::profile::{Profile, SoundCodec};
use std::time::Duration;
use tokio::sync::watch;

/// How long the first picture may be waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sound that is announced is waited for so long.
const SOUND: Duration = Duration::from_secs(1);

/// A stream's pictures and sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Samples across and down.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Width to height of a sample.
    pub(crate) sample_aspect: (u16, u16),
    pub(crate) sound: Sound,
}

impl Shape {
    /// None before the size of its pictures is known.
    pub(crate) fn of(profile: &Profile) -> Option<Self> {
        let picture = profile.picture?;
        let (width, height) = (picture.video.width, picture.video.height);
        (width > 0 && height > 0).then_some(Self {
            width,
            height,
            sample_aspect: picture.sample_aspect,
            sound: match is_heard(profile) {
                true => Sound::Mixed,
                false => Sound::Absent,
            },
        })
    }
}

/// Sound that is announced may never come, and FFmpeg would wait for it.
fn is_heard(profile: &Profile) -> bool {
    let sound = profile.sound;
    sound.is_some_and(|it| it.audio.sample_rate_hz > 0 || it.codec == SoundCodec::Other)
}

/// Waits until the stream's pictures are known, and for its sound a little longer.
///
/// # Errors
/// It shows none.
pub(crate) async fn shape_of(
    stream: &Stream,
    profiles: &mut watch::Receiver<Option<Profile>>,
) -> Result<Shape, LinkError> {
    let known = |profile: &Option<Profile>| profile.as_ref().and_then(Shape::of).is_some();
    let waited = tokio::time::timeout(PATIENCE, profiles.wait_for(known)).await;
    let first = waited
        .ok()
        .and_then(|found| found.ok()?.as_ref().and_then(Shape::of));
    let first = first.ok_or_else(|| {
        let name = stream.name();
        LinkError::Passing(format!("{name} shows no pictures whose size can be told"))
    })?;
    let whole = |profile: &Option<Profile>| {
        let announced = profile.as_ref().filter(|it| it.sound.is_some());
        announced.is_none_or(is_heard)
    };
    // What comes even later begins another FFmpeg.
    let waited = tokio::time::timeout(SOUND, profiles.wait_for(whole)).await;
    let settled = waited
        .ok()
        .and_then(|found| found.ok()?.as_ref().and_then(Shape::of));
    Ok(settled.unwrap_or(first))
}
