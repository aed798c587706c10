//! `Ts` from `Frames`: PES packets in datagrams, with tables and clock.

mod packets;
mod units;

use super::TsChunk;
use super::packet::{Pcr, Pid};
use super::psi::{Pat, PatEntry, Pmt, PmtStream, StreamKind};
use super::psi::{pat_section, pmt_section, sdt_section, write_section};
use crate::{Codec, Convert, Frame, Ticks90k, Track, Tracks};
use bytes::BytesMut;
use packets::{CHUNK_BYTES, PesWriter};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;
use units::UnitWriter;

/// How far PTS and DTS lie after the media time of a frame, which is what the PCR shows.
///
/// Players start a frame when the clock, which they follow, reaches its DTS: this is the
/// jitter and interleaving they are given to bridge. FFmpeg takes 700 ms, which is latency
/// to players that honour it (VLC, set-top boxes).
pub const LEAD: Ticks90k = Ticks90k(200 * 90);

const PROGRAM: u16 = 1;
const STREAM_ID: u16 = 1;
const PMT_PID: Pid = Pid::new(0x1000);
const FIRST_ES_PID: u16 = 0x100;

/// ISO/IEC 13818-1 wants no interval; DVB (ETSI TR 101 290 §5.2.1) at most 500 ms for PAT and
/// PMT. A receiver that joins between entry points should wait for neither.
const TABLES_INTERVAL: Ticks90k = Ticks90k(100 * 90);

/// At most 2 s (ETSI TR 101 211 §4.4.1).
const SDT_INTERVAL: Ticks90k = Ticks90k(1_000 * 90);

/// At most 40 ms (ETSI TR 101 290 §5.2.2). AAC frames are 21 or 23 ms long: a PCR that waits
/// for the second of them is late already.
const PCR_INTERVAL: Ticks90k = Ticks90k(40 * 90);
const PCR_DUE: Ticks90k = Ticks90k(PCR_INTERVAL.0 / 2);

/// Converts access units to transport packets.
///
/// Each access unit becomes chunks of up to seven packets and is given out at once; a chunk
/// never holds parts of two. Random access units start with PAT, PMT and SDT and carry their
/// parameter sets. Tracks are on PID 0x100 + track id, the PMT on 0x1000.
#[derive(Debug)]
pub struct Muxer {
    provider: String,
    name: String,
    tracks: Arc<Tracks>,
    pmt: Pmt,
    outputs: Vec<Output>,
    clock: Clock,
    tables: Tables,
    epoch: Option<u32>,
    unit: BytesMut,
    complaints: HashSet<String>,
    waiting: Vec<String>,
}

/// One elementary stream on its way out.
#[derive(Debug)]
struct Output {
    track: Track,
    pid: Pid,
    counter: u8,
    unit: UnitWriter,
}

/// The program clock, run by the decoding times of one PID.
#[derive(Debug, Default)]
struct Clock {
    sent: Option<Ticks90k>,
    unit: Option<Ticks90k>,
    step: Ticks90k,
    broken: bool,
}

#[derive(Debug, Default)]
struct Tables {
    pat_counter: u8,
    pmt_counter: u8,
    sdt_counter: u8,
    sent: Option<Ticks90k>,
    sdt_sent: Option<Ticks90k>,
}

impl Muxer {
    /// Names go to the SDT.
    pub fn new(provider: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            name: name.into(),
            tracks: Arc::default(),
            pmt: Pmt {
                number: PROGRAM,
                version: 0,
                pcr_pid: Pid::NULL,
                streams: Vec::new(),
            },
            outputs: Vec::new(),
            clock: Clock::default(),
            tables: Tables::default(),
            epoch: None,
            unit: BytesMut::new(),
            complaints: HashSet::new(),
            waiting: Vec::new(),
        }
    }

    fn frame(&mut self, frame: &Frame, out: &mut Vec<TsChunk>) -> Result<(), String> {
        if !Arc::ptr_eq(&self.tracks, &frame.tracks) {
            self.change_tracks(&frame.tracks);
        }
        let Some(index) = self
            .outputs
            .iter()
            .position(|known| known.track.id == frame.track)
        else {
            return Ok(());
        };
        let Some(output) = self.outputs.get(index) else {
            return Ok(());
        };
        // First, for it may fail: what is written before moves counters.
        output.unit.write(frame, &mut self.unit).map_err(|error| {
            format!(
                "track {}: {error}: the access unit is left out",
                frame.track.0
            )
        })?;
        self.note_epoch(frame.epoch);
        let mut data = BytesMut::with_capacity(packets::room_for(self.unit.len()));
        let mut random_access = self.put_tables(frame, &mut data);
        self.put_clock(index, frame, &mut data);
        self.put_unit(index, frame, &mut data);
        let mut rest = data.freeze();
        while !rest.is_empty() {
            let data = rest.split_to(rest.len().min(CHUNK_BYTES));
            let random_access = std::mem::take(&mut random_access);
            out.push(TsChunk {
                data,
                random_access,
                epoch: self.epoch.unwrap_or(frame.epoch),
            });
        }
        Ok(())
    }

    /// A new epoch breaks the clock. Stragglers of the one before, from a track that is
    /// interleaved later, do not bring it back.
    fn note_epoch(&mut self, epoch: u32) {
        let Some(before) = self.epoch else {
            self.epoch = Some(epoch);
            return;
        };
        if epoch.wrapping_sub(before).cast_signed() > 0 {
            self.epoch = Some(epoch);
            self.clock = Clock {
                broken: true,
                ..Clock::default()
            };
            self.tables.sent = None;
        }
    }

    fn put_unit(&mut self, index: usize, frame: &Frame, data: &mut BytesMut) {
        let Some(output) = self.outputs.get_mut(index) else {
            return;
        };
        if matches!(output.unit, UnitWriter::Splices) {
            return write_section(&self.unit, output.pid, &mut output.counter, data);
        }
        let is_clock = output.pid == self.pmt.pcr_pid;
        let discontinuity = is_clock && std::mem::take(&mut self.clock.broken);
        let pes = PesWriter {
            pid: output.pid,
            stream_id: output.unit.stream_id(),
            pcr: is_clock.then(|| self.clock.advance(frame.dts)),
            discontinuity,
            random_access: frame.random_access,
            pts: (frame.pts + LEAD).0,
            dts: (frame.dts + LEAD).0,
        };
        pes.write(&self.unit, &mut output.counter, data);
    }

    /// PAT, PMT and SDT where they are due. True if this is a place to start.
    fn put_tables(&mut self, frame: &Frame, data: &mut BytesMut) -> bool {
        let overdue = |sent: Option<Ticks90k>, interval| {
            sent.is_none_or(|sent| frame.dts - sent >= interval || frame.dts < sent)
        };
        let leads = self.pmt.pcr_pid == Pid::new(FIRST_ES_PID + u16::from(frame.track.0));
        let is_video = self.tracks.video().is_some();
        // Without video every frame is a place to start: the tables then come by time alone.
        let start = frame.random_access && leads && is_video;
        let due = overdue(self.tables.sent, TABLES_INTERVAL);
        if !start && !due {
            return false;
        }
        self.tables.sent = Some(frame.dts);
        let program = PatEntry {
            number: PROGRAM,
            pmt_pid: PMT_PID,
        };
        let pat = Pat {
            stream_id: STREAM_ID,
            version: 0,
            programs: vec![program],
        };
        write_section(
            &pat_section(&pat),
            Pid::PAT,
            &mut self.tables.pat_counter,
            data,
        );
        write_section(
            &pmt_section(&self.pmt),
            PMT_PID,
            &mut self.tables.pmt_counter,
            data,
        );
        if start || overdue(self.tables.sdt_sent, SDT_INTERVAL) {
            self.tables.sdt_sent = Some(frame.dts);
            let sdt = sdt_section(STREAM_ID, PROGRAM, &self.provider, &self.name);
            write_section(&sdt, Pid::SDT, &mut self.tables.sdt_counter, data);
        }
        start || (frame.random_access && leads && !is_video)
    }

    /// A packet with only the PCR, where another track's unit shows that it is due.
    fn put_clock(&mut self, index: usize, frame: &Frame, data: &mut BytesMut) {
        let clock_pid = self.pmt.pcr_pid;
        let Some(counter) = self
            .outputs
            .iter()
            .enumerate()
            .find(|(at, known)| *at != index && known.pid == clock_pid)
            .map(|(_, known)| known.counter)
        else {
            return;
        };
        if let Some(pcr) = self.clock.between(frame.dts) {
            packets::put_pcr(clock_pid, counter, pcr, data);
        }
    }

    fn change_tracks(&mut self, tracks: &Arc<Tracks>) {
        self.tracks = Arc::clone(tracks);
        let mut before = std::mem::take(&mut self.outputs);
        for track in &tracks.list {
            let counter = before
                .iter()
                .position(|known| known.track.id == track.id)
                .map_or(0, |at| before.swap_remove(at).counter);
            match UnitWriter::new(&track.codec) {
                Ok(unit) => {
                    let pid = Pid::new(FIRST_ES_PID + u16::from(track.id.0));
                    self.outputs.push(Output {
                        track: track.clone(),
                        pid,
                        counter,
                        unit,
                    });
                }
                Err(error) => self.complain(format!(
                    "track {} ({}): {error}: it is left out of the transport stream",
                    track.id.0,
                    track.codec.name()
                )),
            }
        }
        let streams: Vec<PmtStream> = self.outputs.iter().map(Output::announce).collect();
        let video = self
            .outputs
            .iter()
            .find(|known| known.track.codec.is_video());
        let sound = self
            .outputs
            .iter()
            .find(|known| known.track.codec.is_audio());
        let clock = video
            .or(sound)
            .or(self.outputs.first())
            .map_or(Pid::NULL, |known| known.pid);
        if self.pmt.streams != streams || self.pmt.pcr_pid != clock {
            let version = if self.pmt.streams.is_empty() {
                0
            } else {
                (self.pmt.version + 1) & 0x1F
            };
            self.pmt = Pmt {
                number: PROGRAM,
                version,
                pcr_pid: clock,
                streams,
            };
            self.clock = Clock {
                broken: self.clock.sent.is_some(),
                ..Clock::default()
            };
            self.tables.sent = None;
        }
    }

    fn complain(&mut self, text: String) {
        const MAX_COMPLAINTS: usize = 64;
        if self.complaints.len() < MAX_COMPLAINTS && self.complaints.insert(text.clone()) {
            self.waiting.push(text);
        }
    }
}

impl Convert for Muxer {
    type In = Frame;
    type Out = TsChunk;

    fn convert(&mut self, _now: SystemTime, item: &Frame, out: &mut Vec<TsChunk>) {
        if let Err(text) = self.frame(item, out) {
            self.complain(text);
        }
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }
}

impl Output {
    fn announce(&self) -> PmtStream {
        let (stream_type, kind) = match (&self.track.codec, &self.unit) {
            (Codec::H264 { .. }, _) => (0x1B, StreamKind::H264),
            (Codec::Hevc { .. }, _) => (0x24, StreamKind::Hevc),
            (Codec::Aac { .. }, _) => (0x0F, StreamKind::AacAdts),
            (_, UnitWriter::Opus { channel_config }) => (0x06, StreamKind::Opus(*channel_config)),
            (Codec::Scte35, _) => (0x86, StreamKind::Scte35),
            (Codec::Id3, _) => (0x15, StreamKind::Id3),
            (Codec::Klv, _) => (0x06, StreamKind::Klv),
            // Has no unit writer, and so no output.
            _ => (0x06, StreamKind::Other(self.track.codec.name())),
        };
        PmtStream {
            pid: self.pid,
            stream_type,
            kind,
            language: self.track.language,
        }
    }
}

impl Clock {
    /// The clock at a unit of its own PID. Never runs back.
    fn advance(&mut self, dts: Ticks90k) -> Pcr {
        if let Some(before) = self.unit.replace(dts) {
            self.step = (dts - before).clamp(Ticks90k::ZERO, Ticks90k::SECOND);
        }
        let time = self.sent.map_or(dts, |sent| dts.max(sent));
        self.sent = Some(time);
        to_pcr(time)
    }

    /// The clock at a unit of another PID, if it is due; never past the next own unit.
    fn between(&mut self, dts: Ticks90k) -> Option<Pcr> {
        let time = dts.min(self.unit? + self.step);
        if self.step <= PCR_INTERVAL || time - self.sent? < PCR_DUE {
            return None;
        }
        self.sent = Some(time);
        Some(to_pcr(time))
    }
}

fn to_pcr(time: Ticks90k) -> Pcr {
    Pcr::new(time.0.rem_euclid(crate::timeline::TS_WRAP) as u64 * 300)
}
