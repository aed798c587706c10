//! Copies of the latest PAT and PMT, to put in front of each segment, and of what a viewer of an
//! endless transport stream gets.

use crate::ts::packet::{Packet, Pid};
use crate::ts::psi::{MAX_SECTION_BYTES, Programs, Update};
use bytes::{BufMut, BytesMut};

/// Follows the program's tables, and keeps the packets they came in.
#[derive(Debug, Default)]
pub struct Tables {
    programs: Programs,
    pat: Carousel,
    pmt: Carousel,
}

/// The packets of the table that is being sent, and of the last one that was whole.
#[derive(Debug, Default)]
struct Carousel {
    coming: BytesMut,
    whole: BytesMut,
}

impl Tables {
    /// Takes every packet; passes over those that carry no table. Whether a program that was
    /// known has become another.
    pub fn push(&mut self, packet: Packet<'_>) -> bool {
        let pid = packet.pid();
        if !self.programs.wants(pid) {
            return false;
        }
        let known = self.programs.pmt().is_some();
        let changed = self.programs.push(packet) == Update::Changed && known;
        if pid == Pid::PAT {
            self.pat.push(packet);
        } else {
            self.pmt.push(packet);
        }
        changed
    }

    /// Whether both are known.
    pub fn are_known(&self) -> bool {
        self.programs.pmt().is_some()
            && !self.pat.latest().is_empty()
            && !self.pmt.latest().is_empty()
    }

    /// PAT and PMT packets, as they last came.
    pub fn write(&self, out: &mut BytesMut) {
        out.put_slice(self.pat.latest());
        out.put_slice(self.pmt.latest());
    }

    /// The PID whose PES packets cut segments, and whether it is video: the first video stream,
    /// else the first that has frames, else the one with the clock. `None` without a PMT.
    pub(super) fn leader(&self) -> Option<(Pid, bool)> {
        let pmt = self.programs.pmt()?;
        let mut streams = pmt.streams.iter();
        let leader = (streams.clone().find(|stream| stream.kind.is_video()))
            .or_else(|| streams.clone().find(|stream| stream.kind.has_frames()))
            .or_else(|| streams.find(|stream| stream.pid == pmt.pcr_pid));
        leader.map(|stream| (stream.pid, stream.kind.is_video()))
    }

    /// Whether `pid` is an elementary stream of the program.
    pub(super) fn is_elementary(&self, pid: Pid) -> bool {
        let pmt = self.programs.pmt();
        pmt.is_some_and(|pmt| pmt.streams.iter().any(|stream| stream.pid == pid))
    }
}

impl Carousel {
    fn push(&mut self, packet: Packet<'_>) {
        if packet.unit_start() {
            std::mem::swap(&mut self.whole, &mut self.coming);
            self.coming.clear();
        } else if self.coming.is_empty() {
            return; // the middle of a table whose start was not seen
        }
        if self.coming.len() <= MAX_SECTION_BYTES {
            self.coming.put_slice(packet.bytes());
        }
    }

    /// A table of one packet is whole at once; a longer one when the next begins.
    fn latest(&self) -> &[u8] {
        if is_whole(&self.coming) {
            &self.coming
        } else {
            &self.whole
        }
    }
}

/// Whether the section that starts in the first packet ends within `packets`.
fn is_whole(packets: &[u8]) -> bool {
    let payload: usize = Packet::iter(packets)
        .map(|packet| packet.payload().len())
        .sum();
    let Some(first) = Packet::iter(packets).next() else {
        return false;
    };
    let section = first.payload().split_first().and_then(|(pointer, rest)| {
        let skipped = usize::from(*pointer);
        let head: &[u8; 3] = rest.get(skipped..)?.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([head[1] & 0x0f, head[2]]));
        Some(1 + skipped + 3 + length)
    });
    section.is_some_and(|bytes| bytes <= payload)
}
