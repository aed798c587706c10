//! A run of parts that plays by itself.

use super::header::Header;
use super::track::Part;
use crate::TrackId;
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

/// A part as a window keeps it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// `moof` and `mdat`.
    pub data: Bytes,
    /// In ticks of the track.
    pub duration: u64,
    /// Some sample of it can be decoded without those before the part.
    pub independent: bool,
}

/// A run of parts that plays by itself.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its media sequence number.
    pub sequence: u64,
    /// The number of its initialization segment: the sequence number of the first segment that
    /// needs it.
    pub map: u64,
    /// The tracks in force.
    pub header: Arc<Header>,
    /// Which of them this is.
    pub track: TrackId,
    /// Ticks a second.
    pub timescale: u32,
    /// Decoding time of its first sample.
    pub time: u64,
    /// Sum of its parts.
    pub duration: u64,
    /// When `time` was, by the host's clock.
    pub at: SystemTime,
    /// Timestamps or tracks do not follow on from the segment before.
    pub discontinuity: bool,
    /// Begins at a random access point.
    pub independent: bool,
    /// No part will follow.
    pub complete: bool,
    /// In order.
    pub parts: Vec<Stored>,
    /// Bytes of all parts.
    pub bytes: usize,
    /// Its parts were replaced by one that is encrypted ([`Window::seal`]).
    pub(super) sealed: bool,
    /// What a playlist says of it, once complete.
    pub(crate) text: OnceLock<String>,
}

impl Segment {
    pub(super) fn first(part: &Part, sequence: u64, map: u64, discontinuity: bool) -> Self {
        Self {
            sequence,
            map,
            header: part.header.clone(),
            track: part.track,
            timescale: part.timescale,
            time: part.time,
            duration: 0,
            at: part.at,
            discontinuity,
            independent: part.independent,
            complete: false,
            parts: Vec::new(),
            bytes: 0,
            sealed: false,
            text: OnceLock::new(),
        }
    }

    pub(super) fn push(&mut self, part: &Part) {
        // The newest part knows best when it was; see `Packager`.
        let since = seconds(part.time.saturating_sub(self.time), self.timescale);
        self.at = part.at.checked_sub(since).unwrap_or(part.at);
        self.duration += part.duration;
        self.bytes += part.data.len();
        self.complete = part.ends_segment;
        self.parts.push(Stored {
            data: part.data.clone(),
            duration: part.duration,
            independent: part.independent,
        });
    }

    /// How long it lasts so far.
    pub fn lasts(&self) -> Duration {
        seconds(self.duration, self.timescale)
    }

    /// Mean bit rate; 0 if it has no duration.
    pub fn bitrate_bps(&self) -> u64 {
        let bits = self.bytes as u64 * 8;
        let scaled = bits.saturating_mul(u64::from(self.timescale));
        scaled.checked_div(self.duration).unwrap_or(0)
    }
}

/// Ticks of a timescale as time.
pub(super) fn seconds(ticks: u64, timescale: u32) -> Duration {
    let scale = u64::from(timescale.max(1));
    let nanos = (ticks % scale) * 1_000_000_000 / scale;
    Duration::new(ticks / scale, nanos as u32)
}
