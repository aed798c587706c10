//! A segment in the making, and what is known of its time.

use super::Segment;
use crate::Ticks90k;
use crate::ts::packet::{Packet, Pid};
use crate::ts::pes::PesHeader;
use bytes::{BufMut, BytesMut};
use std::collections::HashMap;
use std::time::SystemTime;

/// A segment that still takes packets.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) data: BytesMut,
    pub(super) start: Ticks90k,
    /// Of the access units of the leading stream so far, the last to be shown.
    pub(super) newest: Ticks90k,
    pub(super) program_date_time: SystemTime,
    pub(super) discontinuity: bool,
    pub(super) independent: bool,
}

impl Open {
    pub(super) fn close(self, sequence: u64, end: Ticks90k) -> Segment {
        Segment {
            sequence,
            data: self.data.freeze(),
            duration: end - self.start,
            start: self.start,
            program_date_time: self.program_date_time,
            discontinuity: self.discontinuity,
            independent: self.independent,
        }
    }
}

/// A segment whose end is known, and which waits for PES packets that began in it.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) open: Open,
    pub(super) end: Ticks90k,
    stragglers: HashMap<Pid, usize>,
}

impl Closing {
    pub(super) const fn new(open: Open, end: Ticks90k, stragglers: HashMap<Pid, usize>) -> Self {
        Self {
            open,
            end,
            stragglers,
        }
    }

    /// Takes the packet if it continues a PES packet of this segment.
    pub(super) fn take(&mut self, packet: Packet<'_>) -> bool {
        let pid = packet.pid();
        let Some(missing) = self.stragglers.get_mut(&pid) else {
            return false;
        };
        if packet.unit_start() {
            self.stragglers.remove(&pid);
            return false;
        }
        self.open.data.put_slice(packet.bytes());
        *missing = missing.saturating_sub(packet.payload().len());
        if *missing == 0 {
            self.stragglers.remove(&pid);
        }
        true
    }

    pub(super) fn is_whole(&self) -> bool {
        self.stragglers.is_empty()
    }
}

/// How many bytes of the PES packet in work are missing, by PID.
#[derive(Debug, Default)]
pub(super) struct Unfinished(HashMap<Pid, usize>);

impl Unfinished {
    /// Notes a packet of an elementary stream. PES packets of unknown length count as whole:
    /// only video has them, and video leads.
    pub(super) fn note(&mut self, packet: Packet<'_>) {
        let payload = packet.payload();
        if packet.unit_start() {
            let total = PesHeader::parse(payload).and_then(|header| header.total_bytes);
            let missing = total.unwrap_or(0).saturating_sub(payload.len());
            self.0.insert(packet.pid(), missing);
        } else if let Some(missing) = self.0.get_mut(&packet.pid()) {
            *missing = missing.saturating_sub(payload.len());
        }
    }

    /// Those that miss bytes, but for the leading stream.
    pub(super) fn besides(&self, leader: Pid) -> HashMap<Pid, usize> {
        let missing = self
            .0
            .iter()
            .filter(|(pid, missing)| **pid != leader && **missing > 0);
        missing.map(|(pid, missing)| (*pid, *missing)).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
