//! Joins transport streams of several sources into one.

mod tables;

use super::packet::{Adaptation, Packet, Pcr, Pid, set_continuity, set_pcr};
use super::pes::{PesHeader, read_stamp, write_stamp};
use super::{PACKET_BYTES, SYNC_BYTE};
use bytes::{Bytes, BytesMut};
use tables::Tables;

const STAMP_MASK: u64 = (1 << 33) - 1;

/// Makes clocks, counters and table versions continuous over a change of source.
///
/// Until the first [`Restamper::splice`] chunks pass untouched, and are only watched. After
/// it each chunk is copied once: PCR, PTS and DTS get one offset, counters go on where the
/// PID's last packet was, a PAT or PMT that differs from the one sent before gets the next
/// version. Gaps within a source stay visible as gaps.
#[derive(Debug)]
pub struct Restamper {
    spliced: bool,
    /// The next stamp decides the offset.
    undecided: bool,
    /// The next PCR is marked as discontinuous.
    mark_pcr: bool,
    offset: u64,
    newest: Newest,
    pids: Box<[Counted]>,
    tables: Tables,
}

/// Where the output stands, in its own 33-bit time.
#[derive(Debug, Clone, Copy, Default)]
struct Newest {
    dts: Option<u64>,
    step: u64,
    is_video: bool,
}

/// The counter of one PID: what was sent, and how far that is from what came.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    sent: Option<u8>,
    /// None after a splice, until the PID's first packet.
    shift: Option<u8>,
}

impl Default for Restamper {
    fn default() -> Self {
        Self::new()
    }
}

impl Restamper {
    /// Passes chunks untouched.
    pub fn new() -> Self {
        Self {
            spliced: false,
            undecided: false,
            mark_pcr: false,
            offset: 0,
            newest: Newest::default(),
            pids: vec![
                Counted {
                    sent: None,
                    shift: Some(0)
                };
                Pid::COUNT
            ]
            .into_boxed_slice(),
            tables: Tables::default(),
        }
    }

    /// The next chunk is from another source.
    ///
    /// Its time is shifted so that `first_dts` (33 bits, 90 kHz; without it the first video
    /// DTS in the chunk, else its first stamp) comes one frame after the newest DTS sent.
    pub fn splice(&mut self, first_dts: Option<u64>) {
        self.spliced = true;
        self.mark_pcr = true;
        for counted in &mut self.pids {
            counted.shift = None;
        }
        self.undecided = true;
        if let Some(first) = first_dts {
            self.decide(first);
        }
    }

    /// What is added to the stamps of the source, modulo 2^33, in 90 kHz ticks.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The chunk as it is to be sent; whole packets, as [`super::framer`] makes them.
    pub fn restamp(&mut self, data: Bytes) -> Bytes {
        if self.undecided
            && let Some(first) = first_stamp(&data)
        {
            self.decide(first);
        }
        if !self.spliced {
            for packet in Packet::iter(&data) {
                self.watch(packet);
            }
            return data;
        }
        let mut data = data
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&*shared));
        for packet in data.as_chunks_mut::<PACKET_BYTES>().0 {
            if packet[0] == SYNC_BYTE {
                self.rewrite(packet);
            }
        }
        data.freeze()
    }

    fn decide(&mut self, first: u64) {
        self.undecided = false;
        // Nothing sent yet: the source's own time will do.
        let start = self.newest.dts.map_or(first, |dts| dts + self.newest.step);
        self.offset = start.wrapping_sub(first) & STAMP_MASK;
    }

    fn watch(&mut self, packet: Packet<'_>) {
        if let Some(counted) = self.pids.get_mut(packet.pid().index()) {
            counted.sent = Some(packet.continuity());
        }
        if packet.unit_start() {
            if self.tables.carries(packet.pid()) {
                self.tables.note(packet);
            } else if let Some(header) = PesHeader::parse(packet.payload()) {
                self.newest.note(&header, 0);
            }
        }
    }

    fn rewrite(&mut self, bytes: &mut [u8; PACKET_BYTES]) {
        let Some(packet) = Packet::new(bytes) else {
            return;
        };
        let pid = packet.pid();
        if pid == Pid::NULL || packet.transport_error() {
            return;
        }
        let (unit_start, has_payload) = (packet.unit_start(), packet.has_payload());
        let payload_offset = packet.payload_offset();
        let header = unit_start
            .then(|| PesHeader::parse(packet.payload()))
            .flatten();
        let pcr = packet.adaptation().and_then(Adaptation::pcr);
        if let Some(counted) = self.pids.get_mut(pid.index()) {
            let counter = counted.next(packet.continuity(), has_payload);
            set_continuity(bytes, counter);
        }
        if let Some(pcr) = pcr {
            set_pcr(bytes, Pcr::new(pcr.get() + self.offset * 300));
            bytes[5] |= u8::from(std::mem::take(&mut self.mark_pcr)) << 7;
        }
        if self.tables.carries(pid) {
            if unit_start {
                self.tables.rewrite(bytes);
            }
        } else if let (Some(header), Some(start)) = (header, payload_offset) {
            for at in header.stamp_offsets() {
                self.shift_stamp(bytes.get_mut(start + at..));
            }
            self.newest.note(&header, self.offset);
        }
    }

    fn shift_stamp(&self, place: Option<&mut [u8]>) {
        if let Some(stamp) = place.and_then(|place| place.first_chunk_mut::<5>()) {
            let shifted = (read_stamp(stamp) + self.offset) & STAMP_MASK;
            *stamp = write_stamp(stamp[0] >> 4, shifted);
        }
    }
}

impl Counted {
    fn next(&mut self, found: u8, has_payload: bool) -> u8 {
        let shift = *self.shift.get_or_insert_with(|| {
            let step = u8::from(has_payload);
            self.sent
                .map_or(0, |sent| sent.wrapping_add(step).wrapping_sub(found))
        });
        let counter = found.wrapping_add(shift) & 0x0F;
        self.sent = Some(counter);
        counter
    }
}

impl Newest {
    /// Half a turn: what is further ahead lies behind.
    const HALF: u64 = 1 << 32;
    /// 40 ms, until a real step was seen.
    const FIRST_STEP: u64 = 3_600;
    /// Longer ones are gaps, not frames.
    const MAX_STEP: u64 = 18_000;

    /// Video leads, once seen: audio may run ahead of it.
    fn note(&mut self, header: &PesHeader, offset: u64) {
        let is_video = is_video(header);
        let Some(dts) = header.dts.or(header.pts) else {
            return;
        };
        if self.is_video && !is_video {
            return;
        }
        let dts = (dts + offset) & STAMP_MASK;
        let ahead = self.dts.map(|before| dts.wrapping_sub(before) & STAMP_MASK);
        match ahead {
            Some(ahead) if self.is_video == is_video && ahead < Self::HALF => {
                if (1..=Self::MAX_STEP).contains(&ahead) {
                    self.step = ahead;
                }
                self.dts = Some(dts);
            }
            Some(_) if self.is_video == is_video => {}
            _ => {
                *self = Self {
                    dts: Some(dts),
                    step: Self::FIRST_STEP,
                    is_video,
                }
            }
        }
    }
}

const fn is_video(header: &PesHeader) -> bool {
    matches!(header.stream_id, 0xE0..=0xEF)
}

/// The first video DTS of a chunk, else its first DTS, else its first PCR.
fn first_stamp(data: &[u8]) -> Option<u64> {
    let headers = || {
        Packet::iter(data)
            .filter(|packet| packet.unit_start())
            .filter_map(|packet| PesHeader::parse(packet.payload()))
    };
    let stamp = |header: PesHeader| header.dts.or(header.pts);
    headers()
        .filter(is_video)
        .find_map(stamp)
        .or_else(|| headers().find_map(stamp))
        .or_else(|| {
            Packet::iter(data)
                .find_map(|packet| packet.adaptation()?.pcr())
                .map(Pcr::base)
        })
}
