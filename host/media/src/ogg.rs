//! Opus out of Ogg (RFC 3533, RFC 7845): what an encoder that writes Ogg hands over, packet by
//! packet.

use crate::codec::opus::packet_samples;
use bytes::{Buf, Bytes, BytesMut};

/// Before the lacing values of a page (RFC 3533 §6).
const HEADER_BYTES: usize = 27;
/// What a page begins with.
const CAPTURE: &[u8; 4] = b"OggS";
/// The page's first segment goes on with a packet of the page before.
const CONTINUED: u8 = 1;
/// The longest packet taken. Opus needs 1275 bytes a frame and 48 frames (RFC 6716 §3.4).
const MAX_PACKET_BYTES: usize = 64 << 10;

/// One Opus packet, and when its sound is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Of its first sample, in samples at 48 kHz on the encoder's clock, with what the decoder
    /// has to skip taken off; may lie before 0.
    pub start: i64,
    /// As [`crate::Codec::Opus`] has it.
    pub payload: Bytes,
}

/// Why the bytes are no Ogg stream with Opus in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OggError {
    /// No page begins where one has to.
    #[error("no Ogg page begins at byte {at}")]
    NoPage {
        /// From the start of the stream.
        at: u64,
    },
    /// The first packet is not the identification header of RFC 7845 §5.1.
    #[error("the Ogg stream does not begin with OpusHead")]
    NotOpus,
    /// A packet beyond what Opus has.
    #[error("an Opus packet is longer than {MAX_PACKET_BYTES} bytes")]
    TooLong,
}

/// Takes a stream apart as its bytes come, in any cut.
#[derive(Debug, Default)]
pub struct OpusReader {
    bytes: BytesMut,
    taken: u64,
    /// The start of a packet that goes on on the next page.
    begun: BytesMut,
    headers: Headers,
    pre_skip: u16,
}

/// Which of the two header packets has come (RFC 7845 §3).
#[derive(Debug, Default, PartialEq, Eq)]
enum Headers {
    #[default]
    None,
    Identification,
    Both,
}

impl OpusReader {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes in, and appends the packets that they complete.
    ///
    /// # Errors
    /// When it is no Ogg stream with Opus; then it stays useless.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Packet>) -> Result<(), OggError> {
        self.bytes.extend_from_slice(bytes);
        while let Some(page) = self.next_page()? {
            self.take_page(page, out)?;
        }
        Ok(())
    }

    /// The next whole page, if it is there.
    fn next_page(&mut self) -> Result<Option<Page>, OggError> {
        let held = self.bytes.len().min(CAPTURE.len());
        if self.bytes.get(..held) != CAPTURE.get(..held) {
            return Err(OggError::NoPage { at: self.taken });
        }
        let Some(&[.., segments]) = self.bytes.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let head = HEADER_BYTES + usize::from(segments);
        let Some(lacing) = self.bytes.get(HEADER_BYTES..head) else {
            return Ok(None);
        };
        let body: usize = lacing.iter().map(|length| usize::from(*length)).sum();
        if self.bytes.len() < head + body {
            return Ok(None);
        }
        let page = self.bytes.split_to(head + body).freeze();
        self.taken += page.len() as u64;
        Ok(Page::of(page, head))
    }

    fn take_page(&mut self, page: Page, out: &mut Vec<Packet>) -> Result<(), OggError> {
        if !page.continued {
            self.begun.clear();
        }
        let (mut body, mut packets, mut length) = (page.body, Vec::new(), 0);
        for lacing in page.lacing {
            length += usize::from(lacing);
            if lacing == u8::MAX {
                continue;
            }
            let end = body.split_to(length.min(body.len()));
            length = 0;
            packets.push(self.complete(end)?);
        }
        self.begin(body)?;
        packets.retain(|packet| !packet.is_empty());
        self.skip_headers(&mut packets)?;
        self.time(packets, page.granule, out);
        Ok(())
    }

    /// A packet that ends with these bytes.
    fn complete(&mut self, end: Bytes) -> Result<Bytes, OggError> {
        if self.begun.is_empty() {
            return Ok(end);
        }
        self.begin(end)?;
        Ok(self.begun.split().freeze())
    }

    fn begin(&mut self, bytes: Bytes) -> Result<(), OggError> {
        if self.begun.len() + bytes.len() > MAX_PACKET_BYTES {
            return Err(OggError::TooLong);
        }
        self.begun.extend_from_slice(&bytes);
        Ok(())
    }

    fn skip_headers(&mut self, packets: &mut Vec<Bytes>) -> Result<(), OggError> {
        while self.headers != Headers::Both && !packets.is_empty() {
            let packet = packets.remove(0);
            if self.headers == Headers::Identification {
                self.headers = Headers::Both;
                continue;
            }
            self.headers = Headers::Identification;
            let pre_skip = packet
                .strip_prefix(b"OpusHead")
                .and_then(|rest| rest.get(2..4));
            let mut pre_skip = pre_skip.ok_or(OggError::NotOpus)?;
            self.pre_skip = pre_skip.get_u16_le();
        }
        Ok(())
    }

    /// A page's granule position is that of the end of its last packet (RFC 7845 §4).
    fn time(&self, packets: Vec<Bytes>, granule: i64, out: &mut Vec<Packet>) {
        let whole: i64 = packets.iter().map(|packet| samples(packet)).sum();
        let mut start = granule
            .saturating_sub(whole)
            .saturating_sub(self.pre_skip.into());
        for payload in packets {
            let length = samples(&payload);
            out.push(Packet { start, payload });
            start = start.saturating_add(length);
        }
    }
}

struct Page {
    continued: bool,
    granule: i64,
    lacing: Bytes,
    body: Bytes,
}

impl Page {
    fn of(page: Bytes, head: usize) -> Option<Self> {
        let mut granule = page.get(6..14)?;
        Some(Self {
            continued: page.get(5)? & CONTINUED != 0,
            granule: granule.get_i64_le(),
            lacing: page.slice(HEADER_BYTES..head),
            body: page.slice(head..),
        })
    }
}

/// How long a packet sounds, in samples; 0 if it is none.
fn samples(packet: &[u8]) -> i64 {
    packet_samples(packet).map_or(0, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(flags: u8, granule: i64, packets: &[&[u8]]) -> Vec<u8> {
        let mut lacing = Vec::new();
        for packet in packets {
            lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
            lacing.push((packet.len() % 255) as u8);
        }
        raw_page(flags, granule, &lacing, &packets.concat())
    }

    fn raw_page(flags: u8, granule: i64, lacing: &[u8], body: &[u8]) -> Vec<u8> {
        let mut page = CAPTURE.to_vec();
        page.extend([0, flags]);
        page.extend(granule.to_le_bytes());
        page.extend([0; 12]);
        page.push(lacing.len() as u8);
        page.extend(lacing);
        page.extend(body);
        page
    }

    fn head() -> Vec<u8> {
        let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
        [page(2, 0, &[head]), page(0, 0, &[b"OpusTags"])].concat()
    }

    /// CELT, 20 ms, one frame.
    fn sound(len: usize) -> Vec<u8> {
        let mut packet = vec![7; len];
        packet[0] = 31 << 3;
        packet
    }

    fn read(bytes: &[u8], cut: usize) -> Result<Vec<(i64, usize)>, OggError> {
        let (mut reader, mut out) = (OpusReader::new(), Vec::new());
        for bytes in bytes.chunks(cut) {
            reader.push(bytes, &mut out)?;
        }
        let told = out
            .iter()
            .map(|packet| (packet.start, packet.payload.len()));
        Ok(told.collect())
    }

    #[test]
    fn packets_are_timed_from_the_end_of_their_page_whatever_the_cut() {
        let mut stream = head();
        stream.extend(page(0, 960 + 312, &[&sound(100)]));
        stream.extend(page(0, 3 * 960 + 312, &[&sound(255), &sound(700)]));
        for cut in [1, 13, stream.len()] {
            assert_eq!(
                read(&stream, cut).unwrap(),
                [(0, 100), (960, 255), (1920, 700)]
            );
        }
    }

    #[test]
    fn a_packet_may_go_on_on_the_next_page() {
        let packet = sound(600);
        let mut stream = head();
        stream.extend(raw_page(0, -1, &[255, 255], &packet[..510]));
        stream.extend(raw_page(CONTINUED, 960 + 312, &[90], &packet[510..]));
        assert_eq!(read(&stream, 64).unwrap(), [(0, 600)]);
    }

    #[test]
    fn what_is_not_ogg_or_not_opus_is_refused() {
        assert_eq!(read(b"RIFF", 4), Err(OggError::NoPage { at: 0 }));
        let vorbis = page(2, 0, &[b"\x01vorbis...."]);
        assert_eq!(read(&vorbis, 9), Err(OggError::NotOpus));
        let mut stream = head();
        for _ in 0..2 {
            stream.extend(raw_page(CONTINUED, 0, &[255; 255], &[1; 255 * 255]));
        }
        assert_eq!(read(&stream, 4096), Err(OggError::TooLong));
    }
}
