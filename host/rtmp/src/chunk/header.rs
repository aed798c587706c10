//! Chunk headers: basic header, message header, extended timestamp (RTMP 1.0 §5.3.1).

use bytes::{BufMut, BytesMut};

/// The 24-bit timestamp that says that four more bytes hold the real one.
pub(crate) const EXTENDED: u32 = 0xff_ffff;
/// The longest header: 3 basic, 11 message, 4 extended timestamp.
pub(super) const MAX_LEN: usize = 18;

/// Chunk type and chunk stream id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BasicHeader {
    /// 0: full; 1: same stream; 2: same length and type too; 3: nothing changed, or more of a message.
    pub(crate) fmt: u8,
    /// 2 to 65599.
    pub(crate) csid: u32,
}

impl BasicHeader {
    /// Reads it off the front of `bytes`, with its length; `None` if bytes are missing.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&first, rest) = bytes.split_first()?;
        let fmt = first >> 6;
        let (csid, len) = match first & 0x3f {
            0 => (64 + u32::from(*rest.first()?), 2),
            1 => {
                let &[low, high] = rest.first_chunk::<2>()?;
                (64 + u32::from(low) + 256 * u32::from(high), 3)
            }
            small => (u32::from(small), 1),
        };
        Some((Self { fmt, csid }, len))
    }

    /// Writes it in its shortest form.
    pub(crate) fn write(self, out: &mut BytesMut) {
        let fmt = self.fmt << 6;
        match self.csid {
            0..64 => out.put_u8(fmt | self.csid as u8),
            64..320 => {
                out.put_u8(fmt);
                out.put_u8((self.csid - 64) as u8);
            }
            _ => {
                let id = self.csid - 64;
                out.put_slice(&[fmt | 1, id as u8, (id >> 8) as u8]);
            }
        }
    }

    /// Bytes that [`BasicHeader::write`] writes.
    pub(crate) fn len(self) -> usize {
        match self.csid {
            0..64 => 1,
            64..320 => 2,
            _ => 3,
        }
    }
}

/// The message header of chunk types 0 to 2; what a type leaves out is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageHeader {
    /// Absolute in type 0, else a difference; extension applied.
    pub(super) timestamp: u32,
    /// Whether an extended timestamp was there.
    pub(super) extended: bool,
    /// Length and type id of the message.
    pub(super) shape: Option<(usize, u8)>,
    pub(super) stream_id: Option<u32>,
}

impl MessageHeader {
    /// Reads the header of chunk type `fmt` (0 to 2); `None` if bytes are missing.
    pub(super) fn parse(fmt: u8, bytes: &[u8]) -> Option<(Self, usize)> {
        let &[t2, t1, t0] = bytes.first_chunk::<3>()?;
        let mut header = Self {
            timestamp: u32::from_be_bytes([0, t2, t1, t0]),
            extended: false,
            shape: None,
            stream_id: None,
        };
        let mut len = 3;
        if fmt < 2 {
            let &[l2, l1, l0, kind] = bytes.get(len..)?.first_chunk::<4>()?;
            header.shape = Some((u32::from_be_bytes([0, l2, l1, l0]) as usize, kind));
            len += 4;
        }
        if fmt == 0 {
            // The one little-endian field of the protocol.
            header.stream_id = Some(u32::from_le_bytes(*bytes.get(len..)?.first_chunk::<4>()?));
            len += 4;
        }
        if header.timestamp == EXTENDED {
            header.timestamp = u32::from_be_bytes(*bytes.get(len..)?.first_chunk::<4>()?);
            header.extended = true;
            len += 4;
        }
        Some((header, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_headers_of_each_length_survive_the_wire() {
        for csid in [2, 63, 64, 319, 320, 65_599] {
            let header = BasicHeader { fmt: 2, csid };
            let mut out = BytesMut::new();
            header.write(&mut out);
            assert_eq!(out.len(), header.len());
            assert_eq!(BasicHeader::parse(&out), Some((header, out.len())));
            assert_eq!(BasicHeader::parse(&out[..out.len() - 1]), None);
        }
    }
}
