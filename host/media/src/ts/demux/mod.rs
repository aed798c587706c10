//! `Frames` from `Ts`: PES reassembly, access units, tracks.

mod assembler;
mod audio;
mod data;
mod elementary;
mod gate;
mod opus;
mod video;

use super::TsChunk;
use super::packet::{Adaptation, Packet, Pid};
use super::psi::{PmtStream, Programs, StreamKind, Update};
use crate::codec::scte35;
use crate::frame::Medium;
use crate::timeline::{self, Repaired, Stamps};
use crate::{Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use assembler::Pes;
use elementary::{Elementary, Unit};
use gate::{Draft, Gate};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

/// More streams of one program than this are left out.
const MAX_STREAMS: usize = 32;

/// What all video streams of a program together may hold of PES packets in work; up to two
/// have room for the largest picture each.
const MAX_PARTIAL_BYTES: usize = 16 << 20;

/// Different complaints in the life of a converter; a hostile PMT could name thousands.
const MAX_COMPLAINTS: usize = 64;

/// Converts transport packets of the first program to access units.
///
/// H.264, HEVC, AAC in ADTS and Opus become tracks, and SCTE-35, ID3 and KLV beside them; what
/// else the PMT names is left out with one complaint each. The first frames are held back, at most 2 s of media, until the
/// configuration of every track is known. A unit with lost packets is dropped and counted.
///
/// Metadata moves no clock and is waited for by nobody. What has no stamp, or one that lies
/// elsewhere, is given the time at which it came; what comes before any picture or sound is
/// left out.
///
/// A unit whose PES packet has an open length is complete, and given out, when the next
/// one of its PID begins.
#[derive(Debug)]
pub struct Demuxer {
    programs: Programs,
    streams: Vec<Elementary>,
    tracks: Arc<Tracks>,
    gate: Gate,
    stamps: Stamps,
    chunk_epoch: Option<u32>,
    damaged_before: u64,
    complaints: Complaints,
}

#[derive(Debug, Default)]
struct Complaints {
    said: HashSet<String>,
    waiting: Vec<String>,
}

impl Default for Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Demuxer {
    /// Waits for the first PAT.
    pub fn new() -> Self {
        Self {
            programs: Programs::new(),
            streams: Vec::new(),
            tracks: Arc::default(),
            gate: Gate::default(),
            stamps: Stamps::mpeg_ts(),
            chunk_epoch: None,
            damaged_before: 0,
            complaints: Complaints::default(),
        }
    }

    /// Ends what is in work, for a source that has ended: the last access unit of a PID is
    /// otherwise known to be complete only when the next one begins.
    pub fn finish(&mut self, out: &mut Vec<Frame>) {
        let epoch = self.chunk_epoch.unwrap_or(0);
        self.finish_streams(epoch, out);
        self.open_gate(out);
    }

    /// PES packets dropped because part of them was lost.
    pub fn damaged_units(&self) -> u64 {
        self.damaged_before + self.streams.iter().map(Elementary::damaged).sum::<u64>()
    }

    /// The tracks known now.
    pub const fn tracks(&self) -> &Arc<Tracks> {
        &self.tracks
    }

    fn packet(&mut self, packet: Packet<'_>, epoch: u32, out: &mut Vec<Frame>) {
        let pid = packet.pid();
        if pid == Pid::NULL {
            return;
        }
        self.note_clock(packet);
        if self.programs.wants(pid) {
            if self.programs.push(packet) == Update::Changed {
                self.program_changed(epoch, out);
            }
            return;
        }
        let Some(index) = self
            .streams
            .iter()
            .position(|known| known.stream.pid == pid)
        else {
            return;
        };
        if self.is(index, StreamKind::Scte35) {
            return self.sections(index, packet, epoch, out);
        }
        let done = self.streams.get_mut(index).map(|known| known.push(packet));
        for pes in done.into_iter().flatten().flatten() {
            self.pes(index, pes, epoch, out);
        }
    }

    fn note_clock(&mut self, packet: Packet<'_>) {
        if packet.has_adaptation()
            && self.programs.pmt().map(|pmt| pmt.pcr_pid) == Some(packet.pid())
            && let Some(pcr) = packet.adaptation().and_then(Adaptation::pcr)
        {
            self.stamps.pcr(pcr.base());
        }
    }

    /// Takes over a new PMT. Streams that are also in it go on undisturbed.
    fn program_changed(&mut self, epoch: u32, out: &mut Vec<Frame>) {
        let Some(pmt) = self.programs.pmt() else {
            return;
        };
        let wanted: Vec<PmtStream> = pmt.streams.iter().take(MAX_STREAMS).cloned().collect();
        let gone = |known: &Elementary| {
            !wanted
                .iter()
                .any(|new| new.pid == known.stream.pid && new.kind == known.stream.kind)
        };
        for index in 0..self.streams.len() {
            let ended = self.streams.get_mut(index).filter(|known| gone(known));
            if let Some(pes) = ended.and_then(Elementary::finish) {
                self.pes(index, pes, epoch, out);
            }
        }
        let mut before = std::mem::take(&mut self.streams);
        for stream in &wanted {
            let track = TrackId(self.streams.len() as u8);
            let same = |known: &Elementary| {
                known.stream.pid == stream.pid && known.stream.kind == stream.kind
            };
            if let Some(at) = before.iter().position(same) {
                self.streams
                    .push(before.swap_remove(at).announced(stream, track));
            } else if let Some(new) = Elementary::new(stream, track) {
                self.streams.push(new);
            } else {
                self.complaints.leave_out(stream);
            }
        }
        self.damaged_before += before.iter().map(Elementary::damaged).sum::<u64>();
        let videos = self
            .streams
            .iter()
            .filter(|known| known.stream.kind.is_video());
        let share = MAX_PARTIAL_BYTES / videos.count().max(1);
        self.streams.iter_mut().for_each(|known| known.bound(share));
        let mut media = self.streams.iter().filter(|known| !known.is_data());
        if media.all(|known| known.codec.is_none()) {
            self.open_gate(out);
            self.gate.close();
        }
        self.refresh_tracks();
    }

    fn pes(&mut self, index: usize, pes: Pes, epoch: u32, out: &mut Vec<Frame>) {
        if self.streams.get(index).is_some_and(Elementary::is_data) {
            return self.data(index, pes, epoch, out);
        }
        let Some(known) = self.streams.get_mut(index) else {
            return;
        };
        let Some(pts) = pes.pts else {
            let pid = known.stream.pid;
            return self
                .complaints
                .say(format!("PID {pid}: a PES packet without PTS is left out"));
        };
        let dts = pes.dts.unwrap_or(pts);
        let mut units = Vec::new();
        let configured = known.codec.is_some();
        let (changed, result) = known.units(pes, &mut units);
        let (track, pid, usable) = (known.track, known.stream.pid, known.codec.is_some());
        let medium = match known.stream.kind.is_video() {
            true => Medium::Video,
            false => Medium::Audio,
        };
        if let Some(codec) = known.codec.as_ref().filter(|_| changed) {
            self.stamps.configure(track, codec);
        }
        if let Err(error) = result {
            self.complaints
                .say(format!("PID {pid}: {error}: access units are left out"));
        }
        if changed {
            if configured {
                // What is held belongs to the configuration before.
                self.open_gate(out);
            }
            self.refresh_tracks();
        }
        let placed = self.stamps.place(&timeline::Unit {
            track,
            medium,
            dts,
            pts,
            random_access: units.iter().any(|unit| unit.random_access),
        });
        let stamps = (placed.dts, placed.pts);
        let epoch = epoch.wrapping_add(placed.epoch);
        let waited = !self.gate.is_open() && self.gate.note(placed.dts);
        if usable {
            for unit in units {
                self.give(Self::draft(track, stamps, epoch, unit), out);
            }
        }
        let mut media = self.streams.iter().filter(|known| !known.is_data());
        let complete = media.clone().all(|known| known.codec.is_some());
        if !self.gate.is_open() && (complete || waited && media.any(|known| known.codec.is_some()))
        {
            self.open_gate(out);
        }
    }

    fn is(&self, index: usize, kind: StreamKind) -> bool {
        let known = self.streams.get(index);
        known.is_some_and(|known| known.stream.kind == kind)
    }

    /// Splice information belongs to the time at which it comes, and names times of its own.
    fn sections(&mut self, index: usize, packet: Packet<'_>, epoch: u32, out: &mut Vec<Frame>) {
        let Some(known) = self.streams.get_mut(index) else {
            return;
        };
        let track = known.track;
        let sections = known.sections(packet);
        let Some(placed) = self.stamps.now() else {
            return;
        };
        for section in sections {
            let unit = Unit {
                payload: scte35::shift(&section, placed.offset),
                random_access: false,
                after: 0,
            };
            self.give_data(track, placed, epoch, unit, out);
        }
    }

    /// Metadata in a PES packet.
    fn data(&mut self, index: usize, pes: Pes, epoch: u32, out: &mut Vec<Frame>) {
        let alone = self.streams.iter().all(Elementary::is_data);
        let stamp = pes.pts;
        let Some(known) = self.streams.get_mut(index) else {
            return;
        };
        let track = known.track;
        let mut units = Vec::new();
        // No configuration, and so no error.
        let _ = known.units(pes, &mut units);
        let placed = match stamp {
            Some(pts) if alone => {
                self.stamps.place(&timeline::Unit {
                    track,
                    medium: Medium::Data,
                    dts: pts,
                    pts,
                    random_access: false,
                });
                self.stamps.now()
            }
            Some(pts) => self.stamps.locate(pts),
            None => None,
        };
        let Some(placed) = placed.or_else(|| self.stamps.now()) else {
            return;
        };
        if alone {
            self.open_gate(out);
        }
        for unit in units {
            self.give_data(track, placed, epoch, unit, out);
        }
    }

    fn give_data(
        &mut self,
        track: TrackId,
        placed: Repaired,
        epoch: u32,
        unit: Unit,
        out: &mut Vec<Frame>,
    ) {
        let epoch = epoch.wrapping_add(placed.epoch);
        let draft = Self::draft(track, (placed.time, placed.time), epoch, unit);
        if self.gate.is_open() || !self.gate.is_full() {
            self.give(draft, out);
        }
    }

    fn draft(track: TrackId, stamps: (Ticks90k, Ticks90k), epoch: u32, unit: Unit) -> Draft {
        let after = Ticks90k(unit.after);
        Draft {
            track,
            dts: stamps.0 + after,
            pts: stamps.1 + after,
            random_access: unit.random_access,
            epoch,
            payload: unit.payload,
        }
    }

    fn give(&mut self, draft: Draft, out: &mut Vec<Frame>) {
        if self.gate.is_open() {
            out.extend(self.frame(draft));
        } else {
            self.gate.hold(draft);
        }
    }

    fn open_gate(&mut self, out: &mut Vec<Frame>) {
        for draft in self.gate.open() {
            out.extend(self.frame(draft));
        }
    }

    fn frame(&self, draft: Draft) -> Option<Frame> {
        let track = self.tracks.get(draft.track)?;
        let everywhere = track.codec.is_audio() && self.tracks.video().is_none();
        Some(Frame {
            tracks: Arc::clone(&self.tracks),
            track: draft.track,
            dts: draft.dts,
            pts: draft.pts,
            random_access: draft.random_access || everywhere,
            epoch: draft.epoch,
            payload: draft.payload,
        })
    }

    /// Makes a new [`Tracks`] if anything in it differs.
    fn refresh_tracks(&mut self) {
        let list: Vec<Track> = self
            .streams
            .iter()
            .filter_map(|known| {
                let codec = known.codec.clone()?;
                Some(Track {
                    id: known.track,
                    codec,
                    language: known.stream.language,
                })
            })
            .collect();
        if self.tracks.list != list {
            self.tracks = Arc::new(Tracks { list });
        }
    }

    fn finish_streams(&mut self, epoch: u32, out: &mut Vec<Frame>) {
        for index in 0..self.streams.len() {
            if let Some(pes) = self.streams.get_mut(index).and_then(Elementary::finish) {
                self.pes(index, pes, epoch, out);
            }
        }
    }
}

impl Convert for Demuxer {
    type In = TsChunk;
    type Out = Frame;

    fn convert(&mut self, _now: SystemTime, item: &TsChunk, out: &mut Vec<Frame>) {
        if let Some(before) = self.chunk_epoch.replace(item.epoch)
            && before != item.epoch
        {
            self.finish_streams(before, out);
            self.stamps.another_source();
        }
        for packet in Packet::iter(&item.data) {
            self.packet(packet, item.epoch, out);
        }
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints.waiting)
    }
}

impl Complaints {
    fn leave_out(&mut self, stream: &PmtStream) {
        let PmtStream {
            pid,
            stream_type,
            kind,
            ..
        } = stream;
        self.say(format!(
            "PID {pid}: stream type 0x{stream_type:02x} ({kind}) has no place in Frames"
        ));
    }

    fn say(&mut self, text: String) {
        if self.said.len() < MAX_COMPLAINTS && self.said.insert(text.clone()) {
            self.waiting.push(text);
        }
    }
}
