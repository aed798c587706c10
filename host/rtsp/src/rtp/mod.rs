//! RTP packets (RFC 3550 §5), their order and their time.

pub mod clock;
pub mod reorder;
pub mod rtcp;

use bytes::{BufMut, Bytes};

/// Bytes of a header without contributing sources and extension.
pub const HEADER_BYTES: usize = 12;

/// What a receiver needs of a packet's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// The last packet of an access unit, mostly.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// One more with each packet; wraps.
    pub sequence: u16,
    /// In units of the track's clock; wraps.
    pub timestamp: u32,
    /// Synchronisation source: who sends.
    pub ssrc: u32,
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Its header.
    pub header: Header,
    /// Without padding and extensions.
    pub payload: Bytes,
}

/// Why bytes are no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Shorter than its header says.
    #[error("an RTP packet of {0} bytes is shorter than its header says")]
    Truncated(usize),
    /// Another version.
    #[error("RTP version {0} is not 2")]
    Version(u8),
}

impl Header {
    /// Appends the header.
    pub fn write(&self, out: &mut impl BufMut) {
        out.put_u8(2 << 6);
        out.put_u8(u8::from(self.marker) << 7 | (self.payload_type & 0x7f));
        out.put_u16(self.sequence);
        out.put_u32(self.timestamp);
        out.put_u32(self.ssrc);
    }
}

impl Packet {
    /// Reads a datagram; the payload is a slice of it.
    ///
    /// # Errors
    /// When it is too short for what its header announces, or of another version.
    pub fn parse(bytes: Bytes) -> Result<Self, PacketError> {
        let short = PacketError::Truncated(bytes.len());
        let fixed: [u8; HEADER_BYTES] = bytes
            .get(..HEADER_BYTES)
            .and_then(|fixed| fixed.try_into().ok())
            .ok_or(short)?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = fixed;
        if flags >> 6 != 2 {
            return Err(PacketError::Version(flags >> 6));
        }
        let mut begin = HEADER_BYTES + 4 * usize::from(flags & 0x0f);
        if flags & 0x10 != 0 {
            let length = bytes.get(begin + 2..begin + 4).ok_or(short)?;
            let words = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            begin += 4 + 4 * words;
        }
        let padding = match flags & 0x20 {
            0 => 0,
            _ => usize::from(*bytes.last().ok_or(short)?),
        };
        let end = bytes.len().checked_sub(padding).ok_or(short)?;
        if begin > end {
            return Err(short);
        }
        Ok(Self {
            header: Header {
                marker: kind & 0x80 != 0,
                payload_type: kind & 0x7f,
                sequence: u16::from_be_bytes([s0, s1]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            },
            payload: bytes.slice(begin..end),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header {
            marker: true,
            payload_type: 97,
            sequence: 0xfffe,
            timestamp: 0x8000_0001,
            ssrc: 7,
        };
        let mut wire = Vec::new();
        header.write(&mut wire);
        wire.extend(b"payload");
        let packet = Packet::parse(wire.into()).unwrap();
        assert_eq!(packet.header, header);
        assert_eq!(packet.payload, "payload");
    }

    #[test]
    fn extensions_sources_and_padding_are_taken_off() {
        let mut wire = vec![0x80 | 0x20 | 0x10 | 1, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        wire.extend([9; 4]); // a contributing source
        wire.extend([0xbe, 0xde, 0, 1, 5, 5, 5, 5]);
        wire.extend(b"ab");
        wire.extend([0, 0, 3]);
        assert_eq!(Packet::parse(wire.into()).unwrap().payload, "ab");
    }

    #[test]
    fn liars_are_errors() {
        let head = |flags: u8, rest: &[u8]| {
            let mut wire = vec![flags, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
            wire.extend(rest);
            Packet::parse(wire.into())
        };
        assert_eq!(
            Packet::parse("short".into()),
            Err(PacketError::Truncated(5))
        );
        assert_eq!(head(0x40, b""), Err(PacketError::Version(1)));
        assert!(head(0x8f, b"").is_err(), "sources that are not there");
        assert!(head(0x90, b"").is_err(), "no extension");
        assert!(head(0x90, &[0, 0, 0xff, 0xff]).is_err(), "a long extension");
        assert!(head(0xa0, &[200]).is_err(), "more padding than packet");
    }
}
