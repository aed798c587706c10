//! Who is on air, and how one source follows another without a seam.
//!
//! A source takes over at a random access point of its own. Its timestamps go on where the
//! last one's ended, so that no reader, of whatever form, has to reconnect.

use crate::forms::Form;
use media::timeline::Timeline;
use media::ts::restamp::Restamper;
use media::{Frame, TsChunk};
use model::Label;

/// One connection of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) source: Label,
    /// Counts the connections of a stream: who comes back is spliced in, too.
    pub(crate) serial: u64,
}

/// Discontinuities that a source marked itself.
#[derive(Default)]
struct Marks {
    /// What the connection on air counts so far; none before its first item.
    newest: Option<u32>,
    /// Of all connections.
    taken: u32,
}

impl Marks {
    /// Takes an item's count. Whether it belongs before the newest mark, from a track that is
    /// interleaved later, and how many marks are new with it.
    const fn take(&mut self, epoch: u32) -> (bool, u32) {
        let ahead = match self.newest {
            Some(newest) => epoch.wrapping_sub(newest).cast_signed(),
            None => 0,
        };
        if ahead >= 0 {
            self.newest = Some(epoch);
        }
        // A muxer may count several breaks between two items; a reader sees one.
        let newer = (ahead > 0) as u32;
        self.taken = self.taken.wrapping_add(newer);
        (ahead < 0, newer)
    }
}

/// The state of what is on air. Locked for each push, by at most a few sources at once.
#[derive(Default)]
pub(crate) struct Air {
    form: Option<Form>,
    on_air: Option<Connection>,
    wanted: Option<Label>,
    connections: u64,
    epoch: u32,
    marks: Marks,
    /// Breaks within packets, which pass as they are.
    breaks: u32,
    /// Something was on air already.
    begun: bool,
    timeline: Timeline,
    restamper: Restamper,
}

impl Air {
    /// The stream's native form: that of whoever comes first, for as long as the stream lives.
    pub(crate) fn settle_form(&mut self, form: Form) -> Form {
        *self.form.get_or_insert(form)
    }

    pub(crate) const fn form(&self) -> Option<Form> {
        self.form
    }

    pub(crate) fn on_air(&self) -> Option<&Label> {
        self.on_air.as_ref().map(|connection| &connection.source)
    }

    pub(crate) const fn wanted(&self) -> Option<&Label> {
        self.wanted.as_ref()
    }

    /// Breaks of the timeline so far: sources that took over, and what they marked themselves.
    pub(crate) const fn discontinuities(&self) -> u32 {
        self.epoch.wrapping_add(self.breaks)
    }

    /// The packets on air have a break, which their converters find for themselves.
    pub(crate) const fn note_break(&mut self) {
        self.breaks = self.breaks.wrapping_add(1);
    }

    /// A new connection of a source.
    pub(crate) fn connection(&mut self, source: Label) -> Connection {
        self.connections += 1;
        Connection {
            source,
            serial: self.connections,
        }
    }

    /// The source that is to go on air at its next random access point.
    pub(crate) fn want(&mut self, source: Label) {
        self.wanted = (self.on_air() != Some(&source)).then_some(source);
    }

    /// A source that no longer exists is neither on air nor wanted.
    pub(crate) fn release(&mut self, source: &Label) {
        if self.on_air() == Some(source) {
            self.on_air = None;
        }
        self.wanted.take_if(|wanted| wanted == source);
    }

    /// Decides from which of `starts` on, a flag an item, a connection's items go on air, and
    /// whether it takes over with them.
    fn admit(
        &mut self,
        who: &Connection,
        mut starts: impl Iterator<Item = bool>,
    ) -> Option<(usize, bool)> {
        if self.on_air.as_ref() == Some(who) && self.wanted.as_ref() != Some(&who.source) {
            return Some((0, false));
        }
        let returns = self.on_air() == Some(&who.source);
        let invited = self.wanted.as_ref() == Some(&who.source);
        let vacant = self.on_air.is_none() && self.wanted.is_none();
        if !(returns || invited || vacant) {
            return None;
        }
        // The very first source is passed on from its first byte: there is nothing to splice.
        let from = if self.begun {
            starts.position(|start| start)?
        } else {
            0
        };
        self.on_air = Some(who.clone());
        self.wanted.take_if(|wanted| *wanted == who.source);
        if std::mem::replace(&mut self.begun, true) {
            self.marks.newest = None;
            self.epoch += 1;
            self.timeline.force_break();
            self.restamper.splice(None);
        }
        Some((from, true))
    }

    /// Transport packets as they go on air; empty while the source is not. Returns whether
    /// the source took over with them.
    pub(crate) fn place_ts(&mut self, who: &Connection, chunks: &mut Vec<TsChunk>) -> bool {
        let starts = chunks.iter().map(|chunk| chunk.random_access);
        let Some((from, taken_over)) = self.admit(who, starts) else {
            chunks.clear();
            return false;
        };
        chunks.drain(..from);
        for chunk in chunks {
            chunk.data = self.restamper.restamp(std::mem::take(&mut chunk.data));
            let (_, newer) = self.marks.take(chunk.epoch);
            self.epoch += newer;
            chunk.epoch = self.epoch;
        }
        taken_over
    }

    /// Frames as they go on air; as [`Air::place_ts`].
    pub(crate) fn place_frames(&mut self, who: &Connection, frames: &mut Vec<Frame>) -> bool {
        let starts = frames.iter().map(|frame| frame.random_access);
        let Some((from, taken_over)) = self.admit(who, starts) else {
            frames.clear();
            return false;
        };
        frames.drain(..from);
        for frame in frames {
            let (straggles, _) = self.marks.take(frame.epoch);
            let placed = self.timeline.repair(frame.track, frame.dts);
            frame.dts = placed.time;
            frame.pts += placed.offset;
            let epoch = placed.epoch.wrapping_add(self.marks.taken);
            self.epoch = self.epoch.max(epoch);
            frame.epoch = epoch.wrapping_sub(u32::from(straggles));
        }
        taken_over
    }
}
