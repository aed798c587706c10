//! Cuts a transport stream into segments.

use super::Segment;
use super::clock::Clock;
use super::cut::{Closing, Open, Unfinished};
use super::tables::Tables;
use crate::codec::{h264, hevc, nal};
use crate::ts::packet::{Packet, Pid};
use crate::ts::pes::PesHeader;
use crate::{Convert, Ticks90k, TsChunk};
use bytes::{BufMut, BytesMut};
use std::time::SystemTime;

/// How long a segment waits for PES packets that began in it.
const MAX_STRAGGLE: Ticks90k = Ticks90k(45_000);

/// Where segments end.
#[derive(Debug, Clone, Copy)]
pub struct Cutting {
    /// Wanted duration. The cut comes at the first random access point from nine tenths of it.
    pub target: Ticks90k,
    /// Without a random access point until here, the cut comes at any picture.
    pub max: Ticks90k,
    /// The same, in bytes.
    pub max_bytes: usize,
}

impl Cutting {
    /// At most six times as long as wanted (x264's default of 250 pictures between random
    /// access points is ten seconds), and at most 32 MiB.
    pub const fn every(target: Ticks90k) -> Self {
        Self {
            target,
            max: Ticks90k(target.0.saturating_mul(6)),
            max_bytes: 32 << 20,
        }
    }
}

impl Default for Cutting {
    /// Every 2 s.
    fn default() -> Self {
        Self::every(Ticks90k(2 * 90_000))
    }
}

/// Cuts at random access points of the video stream by presentation time, or at any PES
/// packet of a program without video. Each PES packet stays whole: the audio that began before
/// a cut is finished in the segment it began in.
#[derive(Debug)]
pub struct Segmenter {
    cutting: Cutting,
    tables: Tables,
    clock: Clock,
    /// The leading stream's time when nothing was cut yet, to bound the wait for a place to begin.
    waiting_since: Option<Ticks90k>,
    anchor: Option<Anchor>,
    open: Option<Open>,
    closing: Option<Closing>,
    unfinished: Unfinished,
    sequence: u64,
    /// Of the last segment: the next is likely to need as much.
    usual_bytes: usize,
    epoch: u32,
    /// The next segment has another timeline.
    broken: bool,
    /// The next segment has other streams, which RFC 8216 §4.3.2.3 calls a discontinuity too.
    changed: bool,
    unbounded_said: bool,
    complaints: Vec<String>,
}

/// One presentation time, and when it was.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    pts: Ticks90k,
    wall: SystemTime,
}

impl Anchor {
    fn wall_at(self, pts: Ticks90k) -> SystemTime {
        let ahead = pts - self.pts;
        let moved = match ahead {
            Ticks90k(0..) => self.wall.checked_add(ahead.as_duration()),
            Ticks90k(behind) => self
                .wall
                .checked_sub(Ticks90k(behind.saturating_neg()).as_duration()),
        };
        moved.unwrap_or(self.wall)
    }
}

impl Convert for Segmenter {
    type In = TsChunk;
    type Out = Segment;

    fn convert(&mut self, now: SystemTime, chunk: &TsChunk, out: &mut Vec<Segment>) {
        if chunk.epoch != self.epoch {
            self.epoch = chunk.epoch;
            self.break_off(out);
        }
        // First: a chunk may hold the tables and the picture that they are needed for.
        for packet in Packet::iter(&chunk.data) {
            let changed = self.tables.push(packet);
            self.changed |= changed && (self.open.is_some() || self.sequence > 0);
        }
        let entry = self.entry_point(chunk);
        for (index, packet) in Packet::iter(&chunk.data).enumerate() {
            self.push(now, packet, entry == Some(index), out);
        }
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}

impl Segmenter {
    /// With these limits, counting from sequence 0.
    pub fn new(cutting: Cutting) -> Self {
        Self {
            cutting,
            tables: Tables::default(),
            clock: Clock::new(),
            waiting_since: None,
            anchor: None,
            open: None,
            closing: None,
            unfinished: Unfinished::default(),
            sequence: 0,
            usual_bytes: 0,
            epoch: 0,
            broken: false,
            changed: false,
            unbounded_said: false,
            complaints: Vec::new(),
        }
    }

    /// Ends the stream: yields what is held, the last segment as long as its pictures.
    pub fn finish(mut self) -> Vec<Segment> {
        let mut out = Vec::new();
        self.break_off(&mut out);
        out
    }

    /// The index of the packet that starts the chunk's random access picture.
    ///
    /// The chunk says that there is one. If it holds several pictures, the one counts that is
    /// marked, or that brings parameter sets.
    fn entry_point(&self, chunk: &TsChunk) -> Option<usize> {
        if !chunk.random_access {
            return None;
        }
        let mut starts = Packet::iter(&chunk.data).enumerate();
        let leader = self.tables.leader().map(|(pid, _)| pid);
        let mut first = None;
        starts
            .find(|(index, packet)| {
                let is_start = packet.unit_start() && Some(packet.pid()) == leader;
                first = first.or(is_start.then_some(*index));
                is_start && is_marked(*packet)
            })
            .map(|(index, _)| index)
            .or(first)
    }

    fn push(&mut self, now: SystemTime, packet: Packet<'_>, entry: bool, out: &mut Vec<Segment>) {
        if self
            .closing
            .as_mut()
            .is_some_and(|closing| closing.take(packet))
        {
            self.unfinished.note(packet);
            return self.release(false, out);
        }
        self.release(false, out);
        let pid = packet.pid();
        if let Some((leader, is_video)) = self.tables.leader() {
            if pid == leader && packet.unit_start() && !packet.transport_error() {
                self.unit(now, packet, entry || !is_video, leader, out);
            }
            if self.tables.is_elementary(pid) {
                self.unfinished.note(packet);
            }
        }
        if let Some(open) = &mut self.open
            && pid != Pid::NULL
        {
            open.data.put_slice(packet.bytes());
            self.bound_bytes(out);
        }
    }

    /// An access unit of the leading stream starts: perhaps the place for a cut.
    fn unit(
        &mut self,
        now: SystemTime,
        packet: Packet<'_>,
        entry: bool,
        leader: Pid,
        out: &mut Vec<Segment>,
    ) {
        let header = PesHeader::parse(packet.payload());
        let Some(stamp) = header.and_then(|header| self.clock.read(&header)) else {
            return;
        };
        if stamp.jumped {
            self.end_run(out);
        }
        let pts = stamp.pts;
        let waits_for = self.closing.as_ref().map(|closing| pts - closing.end);
        self.release(waits_for > Some(MAX_STRAGGLE), out);
        if self.may_cut(pts, entry) {
            self.cut(now, pts, entry, leader, out);
        }
        if let Some(open) = &mut self.open {
            open.newest = open.newest.max(pts);
        }
    }

    fn may_cut(&mut self, pts: Ticks90k, entry: bool) -> bool {
        let Cutting {
            target,
            max,
            max_bytes,
        } = self.cutting;
        let Some(open) = &self.open else {
            let since = *self.waiting_since.get_or_insert(pts);
            return entry || pts - since >= max;
        };
        // A picture shown before one that is already in would overlap with the next segment.
        if pts <= open.newest {
            return false;
        }
        let passed = pts - open.start;
        let near_target = Ticks90k(target.0 - target.0 / 10);
        (entry && (passed >= near_target || self.changed))
            || passed >= max
            || open.data.len() >= max_bytes
    }

    fn cut(
        &mut self,
        now: SystemTime,
        pts: Ticks90k,
        independent: bool,
        leader: Pid,
        out: &mut Vec<Segment>,
    ) {
        self.release(true, out);
        if let Some(open) = self.open.take() {
            let stragglers = self.unfinished.besides(leader);
            self.closing = Some(Closing::new(open, pts, stragglers));
            self.release(false, out);
        }
        let broken = std::mem::take(&mut self.broken);
        let discontinuity = std::mem::take(&mut self.changed) || broken;
        let anchor = *self.anchor.get_or_insert(Anchor { pts, wall: now });
        let mut data = BytesMut::with_capacity(self.usual_bytes);
        self.tables.write(&mut data);
        self.open = Some(Open {
            data,
            start: pts,
            newest: pts,
            program_date_time: anchor.wall_at(pts),
            discontinuity,
            independent,
        });
    }

    /// Gives out the segment that waits, if it is whole or must not wait longer.
    fn release(&mut self, force: bool, out: &mut Vec<Segment>) {
        if let Some(closing) = self.closing.take_if(|closing| force || closing.is_whole()) {
            self.give(closing.open, closing.end, out);
        }
    }

    fn give(&mut self, open: Open, end: Ticks90k, out: &mut Vec<Segment>) {
        self.usual_bytes = open.data.len();
        out.push(open.close(self.sequence, end));
        self.sequence += 1;
    }

    /// What comes next has another timeline.
    fn break_off(&mut self, out: &mut Vec<Segment>) {
        self.end_run(out);
        self.clock.restart();
    }

    /// Gives out what is held; the last segment ends with its last picture.
    fn end_run(&mut self, out: &mut Vec<Segment>) {
        self.release(true, out);
        if let Some(open) = self.open.take() {
            let end = open.newest + self.clock.step();
            self.give(open, end, out);
        }
        self.broken = self.sequence > 0;
        self.anchor = None;
        self.waiting_since = None;
        self.unfinished.clear();
    }

    /// A segment twice its limit has no picture to cut at, and is dropped.
    fn bound_bytes(&mut self, out: &mut Vec<Segment>) {
        let limit = self.cutting.max_bytes.saturating_mul(2);
        if self
            .open
            .as_ref()
            .is_none_or(|open| open.data.len() < limit)
        {
            return;
        }
        self.open = None;
        self.break_off(out);
        if !std::mem::replace(&mut self.unbounded_said, true) {
            let text = format!("no picture in {limit} bytes of transport stream: left out of HLS");
            self.complaints.push(text);
        }
    }
}

/// Whether the encoder marked the picture that starts here, or sends parameter sets with it.
fn is_marked(packet: Packet<'_>) -> bool {
    if packet
        .adaptation()
        .is_some_and(|field| field.random_access())
    {
        return true;
    }
    nal::annex_b(packet.payload()).any(|unit| {
        h264::NalType::of(unit) == Some(h264::NalType::Sps)
            || hevc::NalType::of(unit) == Some(hevc::NalType::Sps)
    })
}
