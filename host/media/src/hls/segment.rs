//! One media segment.

use crate::Ticks90k;
use bytes::Bytes;
use std::time::SystemTime;

/// A piece of a transport stream that plays by itself.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Counts from 0 in the segmenter's life; the media sequence number.
    pub sequence: u64,
    /// Whole packets; PAT and PMT first, then the packet that starts the first picture.
    pub data: Bytes,
    /// Presentation time from the first picture to the next segment's first picture.
    pub duration: Ticks90k,
    /// Presentation time of the first picture (or sound, where there is no video), unwrapped.
    pub start: Ticks90k,
    /// When `start` was, by the host's clock at the last anchor.
    pub program_date_time: SystemTime,
    /// Timestamps do not follow on from the segment before.
    pub discontinuity: bool,
    /// Begins at a random access point.
    pub independent: bool,
}

impl Segment {
    /// Mean bit rate; 0 if it has no duration.
    pub fn bitrate_bps(&self) -> u64 {
        let bits = self.data.len() as u64 * 8;
        let ticks = u64::try_from(self.duration.0).unwrap_or(0);
        bits.saturating_mul(90_000).checked_div(ticks).unwrap_or(0)
    }
}
