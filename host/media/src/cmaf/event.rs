//! What goes beside pictures and sound: ID3 tags into parts, splices next to them.

use super::boxes::{full, put32, put64};
use super::cue::Cue;
use super::track::ORIGIN;
use crate::codec::splice::Splice;
use crate::timeline::TS_WRAP;
use crate::{Frame, Ticks90k};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::SystemTime;

/// Tags that wait for the next part at most, and their bytes.
const MOST_TAGS: usize = 64;
const MOST_TAG_BYTES: usize = 128 << 10;

/// Splices that wait for the next part at most.
const MOST_SPLICES: usize = 16;

/// Of ID3 in `emsg` (aomedia.org/emsg/ID3).
pub(crate) const ID3_SCHEME: &str = "https://aomedia.org/emsg/ID3";

/// How long a tag holds: that is not known (ISO/IEC 23009-1 §5.10.3.3.4).
const UNKNOWN: u32 = u32::MAX;

/// Tags and splices that wait for a part to go with.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    tags: VecDeque<(Ticks90k, Bytes)>,
    tag_bytes: usize,
    /// `id` of the next message: players take equal ones for the same.
    next_id: u32,
    splices: VecDeque<(Ticks90k, Bytes)>,
}

impl Waiting {
    /// Keeps a tag; the oldest gives way.
    pub(super) fn tag(&mut self, frame: &Frame) {
        self.tag_bytes += frame.payload.len();
        self.tags.push_back((frame.pts, frame.payload.clone()));
        while self.tags.len() > MOST_TAGS || self.tag_bytes > MOST_TAG_BYTES {
            let Some((_, gone)) = self.tags.pop_front() else {
                return;
            };
            self.tag_bytes = self.tag_bytes.saturating_sub(gone.len());
        }
    }

    /// Keeps a splice information section; the oldest gives way.
    pub(super) fn splice(&mut self, frame: &Frame) {
        self.splices.push_back((frame.pts, frame.payload.clone()));
        if self.splices.len() > MOST_SPLICES {
            self.splices.pop_front();
        }
    }

    /// Writes an `emsg` of version 1 (ISO/IEC 23009-1 §5.10.3.3) for each tag.
    pub(super) fn write_tags(&mut self, out: &mut Vec<u8>) {
        for (pts, tag) in self.tags.drain(..) {
            full(out, b"emsg", 1, 0, |out| {
                put32(out, 90_000);
                put64(out, u64::try_from((pts + ORIGIN).0).unwrap_or(0));
                put32(out, UNKNOWN);
                put32(out, self.next_id);
                out.extend_from_slice(ID3_SCHEME.as_bytes());
                out.extend_from_slice(&[0, 0]); // ends of the scheme and of an empty value
                out.extend_from_slice(&tag);
            });
            self.next_id = self.next_id.wrapping_add(1);
        }
        self.tag_bytes = 0;
    }

    /// The splices that wait, dated; `zero` is when presentation time zero was.
    pub(super) fn take_cues(&mut self, zero: SystemTime) -> Vec<Cue> {
        let splices = self.splices.drain(..);
        splices
            .filter_map(|(came, section)| cue(came, section, zero))
            .collect()
    }
}

/// `None` for what tells nothing, or cannot be read.
fn cue(came: Ticks90k, section: Bytes, zero: SystemTime) -> Option<Cue> {
    let splice = Splice::read(&section).ok()?;
    if splice.heartbeat {
        return None;
    }
    // Of the times that the 33 bits may mean, the one nearest to when it came.
    let ahead = splice.time.map_or(0, |time| {
        let ahead = (time - came).0.rem_euclid(TS_WRAP);
        if ahead >= TS_WRAP / 2 {
            ahead - TS_WRAP
        } else {
            ahead
        }
    });
    let time = came + Ticks90k(ahead) + ORIGIN;
    Some(Cue {
        direction: splice.direction,
        event: splice.event,
        cancelled: splice.cancelled,
        time,
        at: zero.checked_add(time.as_duration())?,
        duration: splice.duration,
        section,
    })
}
