//! The first bytes of a PES packet: a random access point or not, and what is coded.

use crate::codec::{adts, nal};
use crate::frame::Audio;
use crate::profile::Picture;
use crate::ts::access::{Access, EntryPoints, Unit, picture_of};
use crate::ts::psi::StreamKind;

/// Parameter sets and SEI before the first slice are rarely longer.
const MAX_HEAD_BYTES: usize = 2_048;

/// Collects the head of one PES packet after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    kind: StreamKind,
    bytes: Vec<u8>,
    state: State,
    indicated: bool,
    entry_points: EntryPoints,
    picture: Option<Picture>,
    audio: Option<Audio>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to look for until the next PES packet.
    Done,
    /// No slice in sight yet, nothing said yet.
    Open,
    /// No slice in sight yet, but the verdict was given with the end of a chunk.
    Judged,
    /// The verdict waits to be fetched.
    Entry,
}

impl Head {
    pub(super) fn new(kind: StreamKind) -> Self {
        Self {
            kind,
            bytes: Vec::new(),
            state: State::Done,
            indicated: false,
            entry_points: EntryPoints::default(),
            picture: None,
            audio: None,
        }
    }

    /// A PES packet begins.
    pub(super) fn start(&mut self, indicated: bool, scrambled: bool) {
        self.bytes.clear();
        self.indicated = indicated;
        self.state = match self.kind {
            // Nothing can be read: the indicator is all there is.
            _ if scrambled && indicated => State::Entry,
            _ if scrambled => State::Done,
            StreamKind::H264 | StreamKind::Hevc | StreamKind::AacAdts => State::Open,
            StreamKind::AacLatm | StreamKind::Opus(_) => State::Entry,
            _ => State::Done,
        };
    }

    /// Whether more bytes would help.
    pub(super) const fn wants(&self) -> bool {
        matches!(self.state, State::Open | State::Judged)
    }

    /// Takes the next payload bytes of the PES packet.
    pub(super) fn push(&mut self, payload: &[u8]) {
        if !self.wants() {
            return;
        }
        let room = MAX_HEAD_BYTES.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(payload.get(..room).unwrap_or(payload));
        if self.kind.is_video() {
            self.scan_video();
        } else {
            self.scan_audio();
        }
    }

    /// Whether a random access point was found since last asked; stays open if not yet known.
    pub(super) fn decided(&mut self) -> bool {
        if self.state == State::Entry {
            self.state = State::Done;
            return true;
        }
        false
    }

    /// As [`Head::decided`], on what there is: the chunk that holds the start ends here.
    pub(super) fn decide(&mut self) -> bool {
        if self.state != State::Open {
            return self.decided();
        }
        self.state = State::Judged;
        let access = self.access();
        self.entry_points.guess(access, self.indicated)
    }

    /// What the pictures are like, if that was found since last asked.
    pub(super) const fn take_picture(&mut self) -> Option<Picture> {
        self.picture.take()
    }

    /// Rate and channels, if they were found since last asked.
    pub(super) const fn take_audio(&mut self) -> Option<Audio> {
        self.audio.take()
    }

    fn access(&self) -> Access {
        let mut access = Access::default();
        nal::annex_b(&self.bytes).for_each(|unit| access.note(Unit::of(self.kind, unit)));
        access
    }

    fn scan_video(&mut self) {
        let access = self.access();
        let full = self.bytes.len() >= MAX_HEAD_BYTES;
        if !access.picture && !full {
            return;
        }
        let entry = if access.picture {
            self.entry_points.judge(access, self.indicated)
        } else {
            self.entry_points.guess(access, self.indicated)
        };
        // With a slice in sight the parameter sets before it are whole.
        let sps = nal::annex_b(&self.bytes).find(|unit| Unit::of(self.kind, unit) == Unit::Sps);
        self.picture = sps.and_then(|sps| picture_of(self.kind, sps));
        self.state = if entry && self.state == State::Open {
            State::Entry
        } else {
            State::Done
        };
    }

    fn scan_audio(&mut self) {
        let Some(at) = self
            .bytes
            .windows(2)
            .position(|two| two[0] == 0xFF && two[1] & 0xF6 == 0xF0)
        else {
            return self.end_audio();
        };
        match adts::Header::parse(self.bytes.get(at..).unwrap_or_default()) {
            Ok(header) => {
                self.audio = header.config().ok().map(|config| config.audio());
                self.end_audio();
            }
            Err(crate::codec::CodecError::Truncated { .. }) => {}
            Err(_) => self.end_audio(),
        }
    }

    /// Every PES packet of audio is a place to start.
    fn end_audio(&mut self) {
        self.state = if self.state == State::Open {
            State::Entry
        } else {
            State::Done
        };
    }
}
