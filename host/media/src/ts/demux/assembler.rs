//! PES packets put together from transport packets.

use crate::ts::continuity::{Continuity, Counter};
use crate::ts::packet::{Adaptation, Packet};
use crate::ts::pes::PesHeader;
use bytes::{Bytes, BytesMut};

/// A whole PES packet.
#[derive(Debug)]
pub(super) struct Pes {
    pub(super) pts: Option<u64>,
    pub(super) dts: Option<u64>,
    /// The random access indicator of its first packet.
    pub(super) indicated: bool,
    pub(super) payload: Bytes,
}

/// Collects one PES packet at a time, up to a length; longer ones are dropped as damaged.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    max_bytes: usize,
    counter: Counter,
    partial: BytesMut,
    collecting: bool,
    indicated: bool,
    damaged: u64,
}

impl Assembler {
    /// Sets the longest PES packet that is put together.
    pub(super) const fn bound(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// Takes a packet. At most two PES packets end in it: the one before it, if its length was
    /// open, and its own.
    pub(super) fn push(&mut self, packet: Packet<'_>) -> [Option<Pes>; 2] {
        if packet.transport_error() || packet.scrambled() {
            self.drop_damaged();
            return [None, None];
        }
        match self.counter.judge(packet) {
            Continuity::Next => {}
            Continuity::Duplicate => return [None, None],
            Continuity::Announced if packet.unit_start() => {}
            Continuity::Announced | Continuity::Gap => self.drop_damaged(),
        }
        if !packet.has_payload() {
            return [None, None];
        }
        let before = if packet.unit_start() {
            self.start(packet)
        } else {
            None
        };
        if !self.collecting {
            return [before, None];
        }
        self.partial.extend_from_slice(packet.payload());
        if self.partial.len() > self.max_bytes {
            self.drop_damaged();
        }
        let whole = self
            .total_bytes()
            .is_some_and(|total| self.partial.len() >= total);
        [before, if whole { self.complete() } else { None }]
    }

    /// Ends the PES packet in work: the next packets are from another source.
    pub(super) fn finish(&mut self) -> Option<Pes> {
        self.counter = Counter::default();
        self.complete()
    }

    /// How many PES packets were dropped because part of them was lost.
    pub(super) const fn damaged(&self) -> u64 {
        self.damaged
    }

    fn start(&mut self, packet: Packet<'_>) -> Option<Pes> {
        let before = self.complete();
        self.collecting = true;
        self.indicated = packet.adaptation().is_some_and(Adaptation::random_access);
        before
    }

    fn total_bytes(&self) -> Option<usize> {
        let &[0, 0, 1, _, high, low] = self.partial.first_chunk()? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        (length != 0).then_some(length + crate::ts::pes::PREFIX_BYTES)
    }

    fn complete(&mut self) -> Option<Pes> {
        if !std::mem::take(&mut self.collecting) {
            return None;
        }
        let mut bytes = self.partial.split();
        let Some(header) = PesHeader::parse(&bytes) else {
            self.damaged += 1;
            return None;
        };
        if let Some(total) = header.total_bytes {
            if bytes.len() < total {
                self.damaged += 1;
                return None;
            }
            bytes.truncate(total);
        }
        if header.payload_offset >= bytes.len() {
            return None;
        }
        let payload = bytes.split_off(header.payload_offset).freeze();
        Some(Pes {
            pts: header.pts,
            dts: header.dts,
            indicated: self.indicated,
            payload,
        })
    }

    fn drop_damaged(&mut self) {
        if std::mem::take(&mut self.collecting) {
            self.damaged += 1;
        }
        self.partial.clear();
    }
}
