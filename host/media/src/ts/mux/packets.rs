//! A PES packet cut into transport packets.

use crate::ts::packet::{Pcr, Pid};
use crate::ts::{PACKET_BYTES, SYNC_BYTE, pes};
use bytes::{BufMut, BytesMut};

/// Seven packets: what fits one Ethernet frame behind IP, UDP or SRT headers.
pub(super) const CHUNK_BYTES: usize = 7 * PACKET_BYTES;

const HEAD_BYTES: usize = 4;
const BODY_BYTES: usize = PACKET_BYTES - HEAD_BYTES;

/// Bytes that the packets of a unit of `payload` bytes take at most, tables and parameter
/// sets of ordinary size included.
pub(super) const fn room_for(payload: usize) -> usize {
    ((payload + 512) / BODY_BYTES + 6) * PACKET_BYTES
}

/// One PES packet to be written.
pub(super) struct PesWriter {
    pub(super) pid: Pid,
    pub(super) stream_id: u8,
    pub(super) pcr: Option<Pcr>,
    /// The clock breaks here.
    pub(super) discontinuity: bool,
    pub(super) random_access: bool,
    pub(super) pts: i64,
    pub(super) dts: i64,
}

impl PesWriter {
    /// Appends the packets of `unit`, moves `counter` on.
    pub(super) fn write(&self, unit: &[u8], counter: &mut u8, out: &mut BytesMut) {
        let mut head = BytesMut::with_capacity(32);
        pes::write_header(self.stream_id, self.pts, self.dts, unit.len(), &mut head);
        let field = self.adaptation();
        // The head is far shorter than the room of a packet.
        let room = put_head(
            self.pid,
            true,
            *counter,
            &field,
            head.len() + unit.len(),
            out,
        );
        out.put_slice(&head);
        let (now, mut rest) = unit.split_at(room - head.len());
        out.put_slice(now);
        *counter = (*counter + 1) & 0x0F;
        while !rest.is_empty() {
            let room = put_head(self.pid, false, *counter, &[], rest.len(), out);
            let (now, later) = rest.split_at(room);
            out.put_slice(now);
            rest = later;
            *counter = (*counter + 1) & 0x0F;
        }
    }

    /// Flags and PCR of the first packet; empty if it needs none.
    fn adaptation(&self) -> Vec<u8> {
        if self.pcr.is_none() && !self.random_access && !self.discontinuity {
            return Vec::new();
        }
        let mut field = Vec::with_capacity(7);
        field.push(
            u8::from(self.discontinuity) << 7
                | u8::from(self.random_access) << 6
                | u8::from(self.pcr.is_some()) << 4,
        );
        if let Some(pcr) = self.pcr {
            field.extend_from_slice(&pcr.write());
        }
        field
    }
}

/// Appends a packet with nothing but the clock; the counter does not move.
pub(super) fn put_pcr(pid: Pid, counter: u8, pcr: Pcr, out: &mut BytesMut) {
    let [pid_high, pid_low] = pid.get().to_be_bytes();
    // The counter of a packet without payload is that of the packet before it.
    let counter = counter.wrapping_sub(1) & 0x0F;
    out.put_slice(&[
        SYNC_BYTE,
        pid_high,
        pid_low,
        0x20 | counter,
        BODY_BYTES as u8 - 1,
        0x10,
    ]);
    out.put_slice(&pcr.write());
    out.put_bytes(0xFF, BODY_BYTES - 8);
}

/// Appends header, adaptation field and stuffing of a packet that is to carry `left` bytes or
/// as many as fit; returns how many that is.
fn put_head(
    pid: Pid,
    first: bool,
    counter: u8,
    field: &[u8],
    left: usize,
    out: &mut BytesMut,
) -> usize {
    let [pid_high, pid_low] = pid.get().to_be_bytes();
    let needed = if field.is_empty() { 0 } else { 1 + field.len() };
    let payload = left.min(BODY_BYTES - needed);
    let adaptation = BODY_BYTES - payload;
    let control = if adaptation == 0 { 0x10 } else { 0x30 };
    out.put_slice(&[
        SYNC_BYTE,
        u8::from(first) << 6 | pid_high,
        pid_low,
        control | counter,
    ]);
    if adaptation == 0 {
        return payload;
    }
    out.put_u8(adaptation as u8 - 1);
    if adaptation > 1 {
        let field = if field.is_empty() { &[0] } else { field };
        out.put_slice(field);
        out.put_bytes(0xFF, adaptation - 1 - field.len());
    }
    payload
}
