//! Under which keys segments are (RFC 8216 §4.3.2.4, §5.2).

use std::fmt::Write;
use std::num::NonZeroU64;

/// AES-128 with a new key every so many segments. The initialization vector of a segment is its
/// media sequence number, and nothing is signalled of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRotation {
    segments: NonZeroU64,
}

impl KeyRotation {
    /// A key holds for 1 to 1000 segments; what is beyond is taken for the nearest of these.
    pub fn every(segments: u32) -> Self {
        let segments = u64::from(segments.clamp(1, 1000));
        Self {
            segments: NonZeroU64::new(segments).unwrap_or(NonZeroU64::MIN),
        }
    }

    /// The number of the key that a segment is under.
    pub const fn key_of(self, sequence: u64) -> u64 {
        sequence / self.segments.get()
    }
}

/// Writes key tags as they are needed.
#[derive(Debug)]
pub(super) struct KeyTags {
    rotation: Option<KeyRotation>,
    written: Option<u64>,
    /// A key holds: one that is written, or one that was left out of a delta update.
    holds: bool,
}

impl KeyTags {
    /// With segments `skipped` or not before the first.
    pub(super) const fn new(rotation: Option<KeyRotation>, skipped: bool) -> Self {
        Self {
            rotation,
            written: None,
            holds: skipped && rotation.is_some(),
        }
    }

    /// Before what is in the clear: an initialization segment.
    pub(super) fn lift(&mut self, out: &mut String) -> std::fmt::Result {
        self.written = None;
        if std::mem::take(&mut self.holds) {
            writeln!(out, "#EXT-X-KEY:METHOD=NONE")?;
        }
        Ok(())
    }

    /// Before a segment; `uri` names a key.
    pub(super) fn write(
        &mut self,
        sequence: u64,
        uri: impl FnOnce(u64) -> String,
        out: &mut String,
    ) -> std::fmt::Result {
        let Some(rotation) = self.rotation else {
            return Ok(());
        };
        let key = rotation.key_of(sequence);
        self.holds = true;
        if self.written.replace(key) != Some(key) {
            writeln!(out, "#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"", uri(key))?;
        }
        Ok(())
    }
}
