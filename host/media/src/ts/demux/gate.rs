//! Holds the first frames back until all tracks are known, so that they appear together.

use crate::{Ticks90k, TrackId};
use bytes::Bytes;

/// A frame without its tracks.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) track: TrackId,
    pub(super) dts: Ticks90k,
    pub(super) pts: Ticks90k,
    pub(super) random_access: bool,
    pub(super) epoch: u32,
    pub(super) payload: Bytes,
}

/// The longest wait for a stream that the PMT names and that does not come.
const MAX_WAIT: Ticks90k = Ticks90k(2 * 90_000);
const MAX_HELD_BYTES: usize = 16 << 20;
const MAX_HELD_FRAMES: usize = 2_048;

/// Open, or holding frames back within bounds of time and space.
#[derive(Debug, Default)]
pub(super) struct Gate {
    open: bool,
    first: Option<Ticks90k>,
    held: Vec<Draft>,
    held_bytes: usize,
}

impl Gate {
    /// Whether frames pass.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Notes that media of this time was seen, usable or not. True if the wait is over.
    pub(super) fn note(&mut self, dts: Ticks90k) -> bool {
        let first = *self.first.get_or_insert(dts);
        dts - first > MAX_WAIT || self.is_full()
    }

    /// Whether no more is to be held: metadata, which opens nothing, is then left out.
    pub(super) const fn is_full(&self) -> bool {
        self.held_bytes > MAX_HELD_BYTES || self.held.len() >= MAX_HELD_FRAMES
    }

    /// Keeps a frame for later.
    pub(super) fn hold(&mut self, draft: Draft) {
        self.held_bytes += draft.payload.len();
        self.held.push(draft);
    }

    /// Lets all frames pass from now on; gives back those that were held.
    pub(super) fn open(&mut self) -> Vec<Draft> {
        let held = std::mem::take(&mut self.held);
        *self = Self {
            open: true,
            ..Self::default()
        };
        held
    }

    /// Holds frames again: another program began.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }
}
