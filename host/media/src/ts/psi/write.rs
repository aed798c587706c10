//! PAT, PMT and SDT, written.

use super::section::crc32;
use super::{Pat, Pmt, PmtStream, StreamKind};
use crate::ts::PACKET_BYTES;
use crate::ts::packet::Pid;
use bytes::{BufMut, BytesMut};

/// A PAT of at most 253 programs; further ones are left out.
pub fn pat_section(pat: &Pat) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 * pat.programs.len());
    for entry in pat.programs.iter().take(253) {
        body.put_u16(entry.number);
        body.put_u16(0xE000 | entry.pmt_pid.get());
    }
    section(0x00, 0xB0, pat.stream_id, pat.version, &body)
}

/// A PMT; streams that no longer fit its 1024 bytes are left out.
///
/// Descriptors are the language, and those by which private types are known; in the outer loop
/// the registration that splice information asks for (ANSI/SCTE 35 §8.1).
pub fn pmt_section(pmt: &Pmt) -> Vec<u8> {
    // 1024 less the head, the CRC and the largest entry.
    const ROOM: usize = 1024 - 12 - 32;
    let mut body = Vec::with_capacity(128);
    body.put_u16(0xE000 | pmt.pcr_pid.get());
    let program_info: &[u8] = if pmt.streams.iter().any(|s| s.kind == StreamKind::Scte35) {
        b"\x05\x04CUEI"
    } else {
        b""
    };
    body.put_u16(0xF000 | program_info.len() as u16);
    body.put_slice(program_info);
    for stream in &pmt.streams {
        let descriptors = descriptors(stream);
        if body.len() > ROOM {
            break;
        }
        body.put_u8(stream.stream_type);
        body.put_u16(0xE000 | stream.pid.get());
        body.put_u16(0xF000 | descriptors.len() as u16);
        body.extend_from_slice(&descriptors);
    }
    section(0x02, 0xB0, pmt.number, pmt.version, &body)
}

fn descriptors(stream: &PmtStream) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(language) = stream.language {
        out.extend_from_slice(&[0x0A, 4]);
        out.extend_from_slice(&language);
        out.push(0);
    }
    match stream.kind {
        // Old demuxers know HEVC by its registration only.
        StreamKind::Hevc => out.extend_from_slice(b"\x05\x04HEVC"),
        StreamKind::Opus(code) => {
            out.extend_from_slice(b"\x05\x04Opus");
            out.extend_from_slice(&[0x7F, 2, 0x80, code]);
        }
        // metadata_descriptor: format and application ID3, service 0, no decoder configuration.
        StreamKind::Id3 => out.extend_from_slice(b"\x26\x0D\xFF\xFFID3 \xFFID3 \x00\x0F"),
        StreamKind::Klv | StreamKind::KlvCells => out.extend_from_slice(b"\x05\x04KLVA"),
        _ => {}
    }
    out
}

/// An SDT that names one program (ETSI EN 300 468 §5.2.3); names are cut at 100 bytes.
pub fn sdt_section(stream_id: u16, program: u16, provider: &str, name: &str) -> Vec<u8> {
    let [provider, name] = [provider, name].map(|text| {
        let end = text
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .take_while(|end| *end <= 100);
        text.get(..end.last().unwrap_or(0)).unwrap_or_default()
    });
    let mut service = vec![0x01]; // digital television
    for text in [provider, name] {
        // 0x15: the text is UTF-8 (annex A).
        service.push(text.len() as u8 + 1);
        service.push(0x15);
        service.extend_from_slice(text.as_bytes());
    }
    let mut body = Vec::with_capacity(16 + service.len());
    body.put_u16(stream_id); // original_network_id
    body.put_u8(0xFF);
    body.put_u16(program);
    body.put_u8(0xFC); // no EIT
    body.put_u16(0x8000 | (service.len() as u16 + 2)); // running, not scrambled
    body.extend_from_slice(&[0x48, service.len() as u8]);
    body.extend_from_slice(&service);
    section(0x42, 0xF0, stream_id, 0, &body)
}

/// Appends `section` as packets of `pid`, the last one stuffed; moves `counter` on.
pub fn write_section(section: &[u8], pid: Pid, counter: &mut u8, out: &mut BytesMut) {
    const HEAD: usize = 4;
    let mut rest = section;
    let mut start = true;
    while start || !rest.is_empty() {
        let [pid_high, pid_low] = pid.get().to_be_bytes();
        out.put_slice(&[
            0x47,
            pid_high | u8::from(start) << 6,
            pid_low,
            0x10 | *counter & 0x0F,
        ]);
        *counter = (*counter + 1) & 0x0F;
        let mut room = PACKET_BYTES - HEAD;
        if start {
            out.put_u8(0); // pointer_field
            room -= 1;
        }
        let (now, later) = rest.split_at(room.min(rest.len()));
        out.put_slice(now);
        out.put_bytes(0xFF, room - now.len());
        rest = later;
        start = false;
    }
}

/// A section of the long form, the first and only one of its table.
fn section(table: u8, flags: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let mut section = Vec::with_capacity(12 + body.len());
    section.put_u8(table);
    section.put_u16(u16::from(flags) << 8 | (body.len() as u16 + 9));
    section.put_u16(id);
    section.put_slice(&[0xC1 | (version & 0x1F) << 1, 0, 0]);
    section.put_slice(body);
    section.put_u32(crc32(&section));
    section
}
