//! Headers of packetized elementary streams (ISO/IEC 13818-1 §2.4.3.6).

use bytes::{BufMut, BytesMut};

/// `stream_id` of the first video stream.
pub const VIDEO_STREAM_ID: u8 = 0xE0;

/// `stream_id` of the first MPEG audio stream.
pub const AUDIO_STREAM_ID: u8 = 0xC0;

/// `private_stream_1`: Opus, ID3, KLV and whatever has no id of its own.
pub const PRIVATE_STREAM_ID: u8 = 0xBD;

/// Bytes up to and with `PES_packet_length`.
pub const PREFIX_BYTES: usize = 6;

/// The head of a PES packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PesHeader {
    /// What kind of stream.
    pub stream_id: u8,
    /// All bytes of the PES packet, prefix included; none if it ends where the next begins.
    pub total_bytes: Option<usize>,
    /// Presentation time, 33 bits.
    pub pts: Option<u64>,
    /// Decoding time, 33 bits; none if the same as `pts`.
    pub dts: Option<u64>,
    /// Where the elementary stream's bytes begin.
    pub payload_offset: usize,
}

impl PesHeader {
    /// Reads the head of a PES packet; none if `bytes` are not one, or end within it.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0, 0, 1, stream_id, length_high, length_low] = bytes.first_chunk()? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let mut header = Self {
            stream_id,
            total_bytes: (length != 0).then_some(PREFIX_BYTES + length),
            pts: None,
            dts: None,
            payload_offset: PREFIX_BYTES,
        };
        if !has_optional_header(stream_id) {
            return Some(header);
        }
        let &[marker, flags, header_length] = bytes.get(PREFIX_BYTES..)?.first_chunk()?;
        if marker & 0xC0 != 0x80 {
            return None;
        }
        header.payload_offset = PREFIX_BYTES + 3 + usize::from(header_length);
        let fields = bytes.get(PREFIX_BYTES + 3..header.payload_offset)?;
        if flags & 0x80 != 0 {
            header.pts = fields.first_chunk().map(read_stamp);
        }
        if flags & 0xC0 == 0xC0 {
            header.dts = fields
                .get(5..)
                .and_then(|fields| fields.first_chunk())
                .map(read_stamp);
        }
        Some(header)
    }

    /// Where PTS and DTS stand in the packet; as [`PesHeader::parse`] found them.
    pub fn stamp_offsets(&self) -> impl Iterator<Item = usize> {
        let first = PREFIX_BYTES + 3;
        let pts = self.pts.map(|_| first);
        pts.into_iter().chain(self.dts.map(|_| first + 5))
    }
}

/// Whether PES packets of this kind have flags and stamps (table 2-21).
const fn has_optional_header(stream_id: u8) -> bool {
    // program_stream_map, padding, private_stream_2, ECM, EMM, DSM-CC, H.222.1 type E,
    // program_stream_directory.
    !matches!(
        stream_id,
        0xBC | 0xBE | 0xBF | 0xF0 | 0xF1 | 0xF2 | 0xF8 | 0xFF
    )
}

/// A 33-bit stamp from its five bytes; marker bits are not insisted on.
pub fn read_stamp(bytes: &[u8; 5]) -> u64 {
    let [a, b, c, d, e] = bytes.map(u64::from);
    (a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1
}

/// The five bytes of a stamp; `guard` are its upper four bits (2, 3 or 1).
pub const fn write_stamp(guard: u8, stamp: u64) -> [u8; 5] {
    [
        guard << 4 | (stamp >> 29) as u8 & 0x0E | 1,
        (stamp >> 22) as u8,
        (stamp >> 14) as u8 | 1,
        (stamp >> 7) as u8,
        (stamp << 1) as u8 | 1,
    ]
}

/// Appends the head of a PES packet of `payload_bytes`; stamps are taken modulo 2^33.
///
/// Its length is given if it fits 16 bits, so that a receiver need not wait for the next one.
pub fn write_header(stream_id: u8, pts: i64, dts: i64, payload_bytes: usize, out: &mut BytesMut) {
    let [pts, dts] = [pts, dts].map(|stamp| stamp.rem_euclid(crate::timeline::TS_WRAP) as u64);
    let fields = if pts == dts { 5 } else { 10 };
    let length = u16::try_from(3 + fields + payload_bytes).unwrap_or(0);
    out.put_slice(&[0, 0, 1, stream_id]);
    out.put_u16(length);
    // 0x84: data_alignment_indicator, an access unit starts right here.
    if pts == dts {
        out.put_slice(&[0x84, 0x80, 5]);
        out.put_slice(&write_stamp(2, pts));
    } else {
        out.put_slice(&[0x84, 0xC0, 10]);
        out.put_slice(&write_stamp(3, pts));
        out.put_slice(&write_stamp(1, dts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_survive_their_bytes() {
        for stamp in [0, 1, 0x7FFF, 0x8000, 0x1_2345_6789, (1 << 33) - 1] {
            assert_eq!(read_stamp(&write_stamp(2, stamp)), stamp);
        }
    }

    #[test]
    fn a_header_survives_its_bytes() {
        let mut out = BytesMut::new();
        write_header(VIDEO_STREAM_ID, 7_200, -3_600, 100, &mut out);
        let header = PesHeader::parse(&out).unwrap();
        assert_eq!(header.pts, Some(7_200));
        assert_eq!(header.dts, Some((1 << 33) - 3_600));
        assert_eq!(header.total_bytes, Some(out.len() + 100));
        assert_eq!(header.payload_offset, out.len());
        assert_eq!(header.stamp_offsets().collect::<Vec<_>>(), [9, 14]);
    }

    #[test]
    fn a_length_that_does_not_fit_is_left_open() {
        let mut out = BytesMut::new();
        write_header(VIDEO_STREAM_ID, 0, 0, 70_000, &mut out);
        assert_eq!(PesHeader::parse(&out).unwrap().total_bytes, None);
    }

    #[test]
    fn every_cut_of_a_header_is_refused_without_panic() {
        let mut out = BytesMut::new();
        write_header(VIDEO_STREAM_ID, 7_200, 3_600, 0, &mut out);
        for end in 0..out.len() {
            assert_eq!(PesHeader::parse(&out[..end]), None);
        }
    }
}
