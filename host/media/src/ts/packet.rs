//! One transport packet, looked at in place (ISO/IEC 13818-1 §2.4.3).

use super::{PACKET_BYTES, SYNC_BYTE};
use std::fmt;

/// A packet identifier, 13 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(u16);

impl Pid {
    /// Program association table.
    pub const PAT: Self = Self(0);
    /// Conditional access table.
    pub const CAT: Self = Self(1);
    /// Service description table (ETSI EN 300 468 §5.1.3).
    pub const SDT: Self = Self(0x11);
    /// Stuffing.
    pub const NULL: Self = Self(0x1FFF);
    /// How many there are.
    pub const COUNT: usize = 0x2000;

    /// From the low 13 bits.
    pub const fn new(value: u16) -> Self {
        Self(value & 0x1FFF)
    }

    /// The number, below [`Pid::COUNT`].
    pub const fn get(self) -> u16 {
        self.0
    }

    /// For tables of [`Pid::COUNT`] entries.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// Program clock reference, in 27 MHz ticks (`base * 300 + extension`).
///
/// Wraps after 2^33 base ticks (about 26.5 h). Source: ISO/IEC 13818-1 §2.4.3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pcr(u64);

impl Pcr {
    const TURN: u64 = (1 << 33) * 300;

    /// From 27 MHz ticks; wraps.
    pub const fn new(ticks_27m: u64) -> Self {
        Self(ticks_27m % Self::TURN)
    }

    /// 27 MHz ticks.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The 33-bit 90 kHz part, comparable with PTS and DTS.
    pub const fn base(self) -> u64 {
        self.0 / 300
    }

    /// 27 MHz ticks from `earlier` to here, at most one turn.
    pub const fn wrapping_since(self, earlier: Self) -> u64 {
        (self.0 + Self::TURN - earlier.0) % Self::TURN
    }

    /// From its six bytes in an adaptation field.
    pub fn read(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = bytes.map(u64::from);
        let base = a << 25 | b << 17 | c << 9 | d << 1 | e >> 7;
        Self::new(base * 300 + ((e & 1) << 8 | f))
    }

    /// To its six bytes, reserved bits set.
    pub const fn write(self) -> [u8; 6] {
        let base = self.0 / 300;
        let extension = self.0 % 300;
        [
            (base >> 25) as u8,
            (base >> 17) as u8,
            (base >> 9) as u8,
            (base >> 1) as u8,
            (base << 7) as u8 | 0x7E | (extension >> 8) as u8,
            extension as u8,
        ]
    }
}

/// A view of one packet. Reads nothing until asked.
#[derive(Clone, Copy)]
pub struct Packet<'a>(&'a [u8; PACKET_BYTES]);

/// A view of an adaptation field that is long enough to hold its flags.
#[derive(Clone, Copy)]
pub struct Adaptation<'a> {
    flags: u8,
    body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The packet in `bytes`, if they start with the sync byte.
    pub fn new(bytes: &'a [u8; PACKET_BYTES]) -> Option<Self> {
        (bytes[0] == SYNC_BYTE).then_some(Self(bytes))
    }

    /// The packets of a chunk; an incomplete last one and packets out of sync are left out.
    pub fn iter(chunk: &'a [u8]) -> impl Iterator<Item = Self> {
        chunk
            .as_chunks::<PACKET_BYTES>()
            .0
            .iter()
            .filter_map(Self::new)
    }

    /// The whole packet.
    pub const fn bytes(self) -> &'a [u8; PACKET_BYTES] {
        self.0
    }

    /// Which stream it belongs to.
    pub const fn pid(self) -> Pid {
        Pid::new(u16::from_be_bytes([self.0[1], self.0[2]]))
    }

    /// A demodulator marked it as damaged: nothing else in it can be trusted.
    pub const fn transport_error(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    /// A PES packet or a PSI section starts here (`payload_unit_start_indicator`).
    pub const fn unit_start(self) -> bool {
        self.0[1] & 0x40 != 0
    }

    /// The payload is encrypted (`transport_scrambling_control`).
    pub const fn scrambled(self) -> bool {
        self.0[3] & 0xC0 != 0
    }

    /// Continuity counter, 0 to 15.
    pub const fn continuity(self) -> u8 {
        self.0[3] & 0x0F
    }

    /// Whether the counter of its PID moves with it.
    pub const fn has_payload(self) -> bool {
        self.0[3] & 0x10 != 0
    }

    /// Whether there is room for a PCR and flags.
    pub const fn has_adaptation(self) -> bool {
        self.0[3] & 0x20 != 0
    }

    /// The adaptation field, if there is one of at least one byte that fits the packet.
    pub fn adaptation(self) -> Option<Adaptation<'a>> {
        if !self.has_adaptation() {
            return None;
        }
        let field = self.0.get(5..5 + usize::from(self.0[4]))?;
        let (&flags, body) = field.split_first()?;
        Some(Adaptation { flags, body })
    }

    /// Where the payload starts in the packet; none if it has none, or a field that overruns.
    pub fn payload_offset(self) -> Option<usize> {
        if !self.has_payload() {
            return None;
        }
        let offset = if self.has_adaptation() {
            5 + usize::from(self.0[4])
        } else {
            4
        };
        (offset < PACKET_BYTES).then_some(offset)
    }

    /// The payload; empty if there is none.
    pub fn payload(self) -> &'a [u8] {
        self.payload_offset()
            .and_then(|offset| self.0.get(offset..))
            .unwrap_or_default()
    }
}

impl Adaptation<'_> {
    /// The counter, or the PCR, may break here.
    pub const fn discontinuity(self) -> bool {
        self.flags & 0x80 != 0
    }

    /// The next unit of this PID is a random access point, says the encoder.
    pub const fn random_access(self) -> bool {
        self.flags & 0x40 != 0
    }

    /// The clock, if it is here.
    pub fn pcr(self) -> Option<Pcr> {
        if self.flags & 0x10 == 0 {
            return None;
        }
        self.body.first_chunk().map(|bytes| Pcr::read(*bytes))
    }
}

/// Writes `pcr` over the one in `packet`; nothing if there is none.
pub fn set_pcr(packet: &mut [u8; PACKET_BYTES], pcr: Pcr) {
    let present = Packet::new(packet)
        .and_then(Packet::adaptation)
        .and_then(Adaptation::pcr)
        .is_some();
    if present && let Some(place) = packet.get_mut(6..12) {
        place.copy_from_slice(&pcr.write());
    }
}

/// Writes the continuity counter (low 4 bits of `counter`).
pub const fn set_continuity(packet: &mut [u8; PACKET_BYTES], counter: u8) {
    packet[3] = packet[3] & 0xF0 | counter & 0x0F;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(head: &[u8]) -> [u8; PACKET_BYTES] {
        let mut bytes = [0xFF; PACKET_BYTES];
        bytes[..head.len()].copy_from_slice(head);
        bytes
    }

    #[test]
    fn every_header_field_is_read() {
        // TEI, PUSI, PID 0x1ABC, scrambled, adaptation + payload, counter 13.
        let bytes = packet(&[
            0x47, 0xDA, 0xBC, 0xBD, 7, 0xD0, 0, 0, 0, 1, 0xFE, 0x2B, 9, 8,
        ]);
        let packet = Packet::new(&bytes).unwrap();
        assert!(packet.transport_error() && packet.unit_start() && packet.scrambled());
        assert_eq!((packet.pid().get(), packet.continuity()), (0x1ABC, 13));
        let adaptation = packet.adaptation().unwrap();
        assert!(adaptation.discontinuity() && adaptation.random_access());
        // base = 1 << 1 | 1 = 3, extension = 0x2B.
        assert_eq!(adaptation.pcr(), Some(Pcr::new(3 * 300 + 0x2B)));
        assert_eq!(packet.payload().len(), PACKET_BYTES - 12);
        assert_eq!(packet.payload()[..2], [9, 8]);
    }

    #[test]
    fn an_adaptation_field_that_overruns_yields_no_payload_and_no_flags() {
        for length in 183..=255 {
            let bytes = packet(&[0x47, 0, 0x11, 0x30, length, 0xFF]);
            let packet = Packet::new(&bytes).unwrap();
            assert!(packet.payload().is_empty());
            assert_eq!(packet.adaptation().is_some(), length == 183);
        }
    }

    #[test]
    fn a_pcr_flag_without_room_for_the_pcr_is_no_pcr() {
        let bytes = packet(&[0x47, 0, 0x11, 0x30, 6, 0x10]);
        assert!(
            Packet::new(&bytes)
                .unwrap()
                .adaptation()
                .unwrap()
                .pcr()
                .is_none()
        );
    }

    #[test]
    fn pcr_survives_its_bytes_at_the_ends_of_its_range() {
        for ticks in [0, 1, 299, 300, 301, Pcr::TURN / 3, Pcr::TURN - 1] {
            let pcr = Pcr::new(ticks);
            assert_eq!(Pcr::read(pcr.write()), pcr);
        }
        assert_eq!(Pcr::new(5).wrapping_since(Pcr::new(Pcr::TURN - 5)), 10);
    }
}
