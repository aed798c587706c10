//! Send times that travel inside the media, so that a receiver knows how old it is.

use crate::os;
use std::time::Duration;

/// What a frame's marker begins with: the `uuid_iso_iec_11578` of an SEI message of user data
/// (ISO/IEC 14496-10 §D.1.7).
const UUID: [u8; 16] = *b"pointsman-bench.";

/// Hexadecimal, so that no start code can be in it.
const TIME_DIGITS: usize = 16;

/// The marker as an AVC NAL unit with its four-byte length.
pub(crate) const SEI_BYTES: usize = 4 + 3 + UUID.len() + TIME_DIGITS + 1;

/// Where the time is in it.
const TIME_OFFSET: usize = 4 + 3 + UUID.len();

/// An SEI NAL unit that has yet to be [stamped](stamp_sei).
pub(crate) fn sei() -> [u8; SEI_BYTES] {
    const BODY: u8 = (UUID.len() + TIME_DIGITS) as u8;
    let mut out = [b'0'; SEI_BYTES];
    let (head, rest) = out.split_at_mut(TIME_OFFSET);
    let length = (SEI_BYTES - 4) as u32;
    let fields = length
        .to_be_bytes()
        .into_iter()
        .chain([6, 5, BODY])
        .chain(UUID);
    head.iter_mut()
        .zip(fields)
        .for_each(|(place, byte)| *place = byte);
    if let Some(last) = rest.last_mut() {
        *last = 0x80; // rbsp_trailing_bits
    }
    out
}

/// Writes the present time into an SEI NAL unit.
pub(crate) fn stamp_sei(sei: &mut [u8]) {
    let time = format!("{:016x}", os::monotonic_ns());
    let place = sei
        .get_mut(TIME_OFFSET..TIME_OFFSET + TIME_DIGITS)
        .unwrap_or_default();
    place
        .iter_mut()
        .zip(time.bytes())
        .for_each(|(place, digit)| *place = digit);
}

/// How old the frame is that begins like this, if it is marked.
pub(crate) fn age_of_frame(frame: &[u8]) -> Option<Duration> {
    let at = memchr::memmem::find(frame, &UUID)? + UUID.len();
    let digits = std::str::from_utf8(frame.get(at..at + TIME_DIGITS)?).ok()?;
    let sent = u64::from_str_radix(digits, 16).ok()?;
    Some(Duration::from_nanos(
        os::monotonic_ns().saturating_sub(sent),
    ))
}

/// Bytes of a transport packet.
pub(crate) const PACKET: usize = 188;

/// Bytes of a datagram: six packets of media and the marker.
pub(crate) const DATAGRAM: usize = 7 * PACKET;

/// Where a datagram's marker is: in a null packet (PID 0x1FFF), behind its header.
const NULL_PACKET: usize = 6 * PACKET;
const NULL_HEADER: [u8; 4] = [0x47, 0x1F, 0xFF, 0x10];
const MAGIC: [u8; 8] = *b"pm-bench";

/// What a datagram tells of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// Its place in its stream, from 0.
    pub(crate) sequence: u64,
    /// When it was sent, in nanoseconds of the shared clock.
    pub(crate) sent_ns: u64,
}

/// Makes the seventh packet of a datagram a marked one.
pub(crate) fn mark_datagram(datagram: &mut [u8], mark: Mark) {
    let fields = NULL_HEADER
        .into_iter()
        .chain(MAGIC)
        .chain(mark.sequence.to_be_bytes())
        .chain(mark.sent_ns.to_be_bytes());
    let packet = datagram.get_mut(NULL_PACKET..).unwrap_or_default();
    packet
        .iter_mut()
        .zip(fields)
        .for_each(|(place, byte)| *place = byte);
}

/// Reads a datagram's mark.
pub(crate) fn mark_of(datagram: &[u8]) -> Option<Mark> {
    let marker = datagram
        .get(NULL_PACKET + NULL_HEADER.len()..)?
        .strip_prefix(&MAGIC)?;
    let number = |at: usize| {
        marker
            .get(at..)?
            .first_chunk()
            .map(|bytes| u64::from_be_bytes(*bytes))
    };
    Some(Mark {
        sequence: number(0)?,
        sent_ns: number(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_frame_tells_its_age() {
        let mut sei = sei();
        stamp_sei(&mut sei);
        let frame: Vec<u8> = [9; 5].into_iter().chain(sei).chain([7; 100]).collect();
        assert!(age_of_frame(&frame).unwrap() < Duration::from_secs(60));
        assert_eq!(age_of_frame(&[0; 300]), None);
    }

    #[test]
    fn a_datagram_gives_back_its_mark_and_others_give_none() {
        let mut datagram = [0; DATAGRAM];
        assert!(mark_of(&datagram).is_none());
        mark_datagram(
            &mut datagram,
            Mark {
                sequence: 7,
                sent_ns: 9,
            },
        );
        let mark = mark_of(&datagram).unwrap();
        assert_eq!((mark.sequence, mark.sent_ns), (7, 9));
        assert!(mark_of(&datagram[..PACKET]).is_none());
    }
}
