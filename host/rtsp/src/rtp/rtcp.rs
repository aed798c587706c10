//! RTCP (RFC 3550 §6): what senders say about their clocks, and what receivers say at all.

use bytes::{BufMut, Bytes, BytesMut};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// Seconds from 1900 to 1970.
const NTP_UNIX_S: u64 = 2_208_988_800;

/// A point of a sender's wall clock: seconds since 1900 in the upper 32 bits, fractions below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ntp(pub u64);

impl Ntp {
    /// Of a time; times before 1970 are taken for 1970.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        Self((since.as_secs() + NTP_UNIX_S) << 32 | fraction)
    }

    /// How much later than `other`, in 90 kHz ticks, within 68 years.
    pub const fn ticks_since(self, other: Self) -> i64 {
        let distance = self.0.wrapping_sub(other.0) as i64 as i128;
        ((distance * 90_000 + (1 << 31)) >> 32) as i64
    }
}

/// A sender's clock and its track's at one moment, and what it sent until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport {
    /// Who sends.
    pub ssrc: u32,
    /// By the wall.
    pub ntp: Ntp,
    /// In units of the track's clock; wraps.
    pub timestamp: u32,
    /// Sent so far; wraps.
    pub packets: u32,
    /// Payload sent so far; wraps.
    pub bytes: u32,
}

/// The sender reports of a compound packet, and whether its sender leaves.
///
/// Reads as far as the packet makes sense.
pub fn parse(packet: &Bytes) -> (Vec<SenderReport>, bool) {
    let (mut reports, mut goodbye) = (Vec::new(), false);
    let mut rest = &packet[..];
    while let [flags, kind, high, low, ..] = rest {
        let length = 4 * (1 + usize::from(u16::from_be_bytes([*high, *low])));
        let (Some(one), true) = (rest.get(..length), flags >> 6 == 2) else {
            break;
        };
        match *kind {
            SENDER_REPORT => reports.extend(sender_report(one)),
            GOODBYE => goodbye = true,
            _ => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    (reports, goodbye)
}

fn sender_report(packet: &[u8]) -> Option<SenderReport> {
    let word = |index: usize| {
        let four = packet.get(4 * index..4 * index + 4)?;
        Some(u32::from_be_bytes(four.try_into().ok()?))
    };
    Some(SenderReport {
        ssrc: word(1)?,
        ntp: Ntp(u64::from(word(2)?) << 32 | u64::from(word(3)?)),
        timestamp: word(4)?,
        packets: word(5)?,
        bytes: word(6)?,
    })
}

impl SenderReport {
    /// Bytes of [`SenderReport::write`].
    pub const BYTES: usize = 28 + 4 + 4 + CNAME_ITEM.len();

    /// Appends a compound packet: the report, and a description as every one needs
    /// (RFC 3550 §6.1).
    pub fn write(&self, out: &mut impl BufMut) {
        out.put_slice(&[2 << 6, SENDER_REPORT, 0, 6]);
        out.put_u32(self.ssrc);
        out.put_u64(self.ntp.0);
        out.put_u32(self.timestamp);
        out.put_u32(self.packets);
        out.put_u32(self.bytes);
        describe(self.ssrc, out);
    }
}

/// Item CNAME, then the end of the list, padded to whole words.
const CNAME_ITEM: &[u8; 12] = b"\x01\x09pointsman\0";

fn describe(ssrc: u32, out: &mut impl BufMut) {
    let words = 1 + CNAME_ITEM.len() / 4;
    out.put_slice(&[2 << 6 | 1, SOURCE_DESCRIPTION, 0, words as u8]);
    out.put_u32(ssrc);
    out.put_slice(CNAME_ITEM);
}

/// A receiver's sign of life.
pub fn receiver_report(ssrc: u32) -> Bytes {
    let mut out = BytesMut::with_capacity(8 + SenderReport::BYTES);
    out.put_slice(&[2 << 6, RECEIVER_REPORT, 0, 1]);
    out.put_u32(ssrc);
    describe(ssrc, &mut out);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written_with_its_length() {
        let report = SenderReport {
            ssrc: 1,
            ntp: Ntp::of(UNIX_EPOCH + Duration::from_millis(1_500)),
            timestamp: 3,
            packets: 4,
            bytes: 5,
        };
        let mut wire = BytesMut::new();
        report.write(&mut wire);
        assert_eq!(wire.len(), SenderReport::BYTES);
        wire.put_slice(&[0x81, GOODBYE, 0, 1, 0, 0, 0, 1]);
        assert_eq!(parse(&wire.freeze()), (vec![report], true));
        assert_eq!(parse(&receiver_report(9)), (vec![], false));
    }

    #[test]
    fn a_second_of_the_wall_is_ninety_thousand_ticks() {
        let at = |ms| Ntp::of(UNIX_EPOCH + Duration::from_millis(ms));
        assert_eq!(at(3_000).ticks_since(at(2_000)), 90_000);
        assert_eq!(at(2_000).ticks_since(at(3_000)), -90_000);
        assert_eq!(at(40).ticks_since(at(0)), 3_600);
    }

    #[test]
    fn hostile_packets_say_nothing() {
        for wire in [
            &b""[..],
            b"\x80",
            b"\x80\xc8\x00\x06abcd",
            b"\x80\xc8\x00\x00",
            b"\x40\xc8\x00\x00",
            b"\x80\xcb\xff\xff",
        ] {
            assert_eq!(
                parse(&Bytes::from_static(wire)),
                (vec![], false),
                "{wire:?}"
            );
        }
    }
}
