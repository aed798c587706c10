//! From a stream's segments to its playlist: for viewers, and for servers it is pushed to.

use crate::audience::Fetched;
use crate::package::Cipher;
use bytes::Bytes;
use media::hls::{KeyRotation, Segment, Window, WindowConfig, media_playlist};
use model::StreamName;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A viewer that has not asked for this many target durations is gone: players ask for the
/// playlist once each (RFC 8216 §6.3.4).
const SESSION_TARGETS: u32 = 3;

/// The window at one moment; cloning is a few reference counts.
#[derive(Clone)]
pub(super) struct Shown {
    /// Set with the first segment.
    pub(super) playlist: Option<Bytes>,
    window: Arc<Window>,
    keys: Option<Arc<Keys>>,
}

/// What the segments of a stream are encrypted with.
pub(super) struct Keys {
    pub(super) cipher: Cipher,
    pub(super) rotation: KeyRotation,
}

impl Shown {
    pub(super) fn empty() -> Self {
        Self::new(Window::new(WindowConfig::default()), None)
    }

    fn new(window: Window, keys: Option<Arc<Keys>>) -> Self {
        let rotation = keys.as_ref().map(|keys| keys.rotation);
        let name = |segment: &Segment| file_name(segment.sequence);
        let playlist = media_playlist(&window, rotation, name);
        Self {
            playlist: playlist.map(Bytes::from),
            window: Arc::new(window),
            keys,
        }
    }

    /// The key of that number, if one of the segments held is under it.
    pub(super) fn key(&self, number: u64) -> Option<[u8; 16]> {
        let keys = self.keys.as_ref()?;
        let (oldest, newest) = self.window.held()?;
        let held = keys.rotation.key_of(oldest)..=keys.rotation.key_of(newest);
        held.contains(&number).then(|| keys.cipher.key(number))
    }

    /// The segment of that media sequence number, listed or only just not.
    pub(super) fn segment(&self, sequence: u64) -> Option<&Bytes> {
        self.window.get(sequence).map(|segment| &segment.data)
    }

    /// Whether that is its playlist, and says that no segment will follow.
    pub(super) fn is_end(&self, playlist: &Bytes) -> bool {
        self.window.has_ended() && self.playlist.as_ref() == Some(playlist)
    }

    /// Whether a viewer has fetched all there will be.
    pub(super) fn is_all(&self, fetched: Fetched) -> bool {
        let last = self.window.listed().next_back();
        fetched.end && last.is_none_or(|last| fetched.newest >= Some(last.sequence))
    }

    /// The segments that the playlist lists, oldest first.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Segment> {
        self.window.listed()
    }
}

/// How a playlist names a segment.
pub(super) fn file_name(sequence: u64) -> String {
    format!("{sequence}.ts")
}

/// The lowest media sequence number that is sure not to have been used before this process:
/// segments last a second or more, so the wall clock in seconds outruns them (RFC 8216 §6.2.1).
pub(crate) fn first_sequence() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// What turns a stream's segments into pictures of its window.
pub(super) struct Writer {
    window: Window,
    pub(super) next_sequence: u64,
    /// Segments were lost since the last one.
    pub(super) gap: bool,
    keys: Option<Arc<Keys>>,
}

impl Writer {
    /// Segments are numbered from there, and encrypted with `keys`.
    pub(super) fn new(next_sequence: u64, keys: Option<Keys>) -> Self {
        Self {
            window: Window::new(WindowConfig::default()),
            next_sequence,
            gap: false,
            keys: keys.map(Arc::new),
        }
    }

    /// Segmenters count from zero whenever they start; here the count goes on.
    pub(super) fn extend(&mut self, segment: &Segment, stream: &StreamName) -> Shown {
        let mut segment = segment.clone();
        segment.sequence = self.next_sequence;
        segment.discontinuity |= std::mem::take(&mut self.gap);
        self.next_sequence += 1;
        if let Some(keys) = &self.keys {
            let plain = std::iter::once(&segment.data);
            segment.data = keys.cipher.encrypt(segment.sequence, plain);
        }
        if let Some(raised) = self.window.push(segment) {
            tracing::warn!(
                %stream, from_s = raised.from_s, to_s = raised.to_s,
                "HLS target duration had to grow; give the encoder a key frame every 2 s"
            );
        }
        Shown::new(self.window.clone(), self.keys.clone())
    }

    /// The last picture: no segment will follow.
    pub(super) fn end(mut self) -> Shown {
        self.window.end();
        Shown::new(self.window, self.keys)
    }

    /// After how long without a request a viewer is gone.
    pub(super) fn session_idle(&self) -> Duration {
        SESSION_TARGETS * Duration::from_secs(self.window.target_s())
    }
}
