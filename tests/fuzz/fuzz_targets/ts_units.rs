//! Transport streams that are well formed up to their sections and PES packets, so that the
//! fuzzer gets past sync bytes, counters and CRCs to what reads tables, stamps and units.
#![no_main]

use arbitrary::Arbitrary;
use bytes::{BufMut, BytesMut};
use fuzz::pipeline::Pipeline;
use libfuzzer_sys::fuzz_target;
use media::ts::packet::Pid;
use media::ts::psi::{Pat, PatEntry, Pmt, PmtStream, StreamKind, crc32};
use media::ts::psi::{pat_section, pmt_section, write_section};
use media::ts::{PACKET_BYTES, SYNC_BYTE, pes};
use std::collections::HashMap;

/// One thing that a source sends.
#[derive(Debug, Arbitrary)]
enum Piece<'a> {
    Pat {
        programs: Vec<(u16, u8)>,
    },
    Pmt {
        pid: u8,
        number: u16,
        clock: u8,
        streams: Vec<(u8, Kind, Option<[u8; 3]>)>,
    },
    /// Its length and CRC are made right.
    Section {
        pid: u8,
        body: &'a [u8],
    },
    Pes {
        pid: u8,
        stream_id: u8,
        pts: u64,
        reorder: u16,
        open: bool,
        random_access: bool,
        units: Vec<Unit<'a>>,
    },
    Packet {
        head: [u8; 3],
        body: &'a [u8],
    },
    Splice {
        first_dts: Option<u64>,
        marked: bool,
    },
    /// The chunk ends here.
    Flush,
}

#[derive(Debug, Arbitrary)]
enum Kind {
    H264,
    Hevc,
    Adts,
    Latm,
    Of(u8),
}

#[derive(Debug, Arbitrary)]
enum Unit<'a> {
    AnnexB(&'a [u8]),
    Adts { header: u32, payload: &'a [u8] },
    Raw(&'a [u8]),
}

/// Few PIDs, so that they meet.
fn pid(choice: u8) -> Pid {
    match choice % 8 {
        0 => Pid::PAT,
        7 => Pid::new(0x1000 | u16::from(choice >> 3)),
        other => Pid::new(0x100 + u16::from(other)),
    }
}

#[derive(Default)]
struct Writer {
    counters: HashMap<Pid, u8>,
    data: BytesMut,
}

impl Writer {
    fn section(&mut self, pid: Pid, section: &[u8]) {
        let counter = self.counters.entry(pid).or_default();
        write_section(section, pid, counter, &mut self.data);
    }

    fn packet(&mut self, pid: Pid, start: bool, random_access: bool, body: &[u8]) -> usize {
        let counter = self.counters.entry(pid).or_default();
        *counter = (*counter + 1) & 0x0F;
        let [high, low] = pid.get().to_be_bytes();
        let room = PACKET_BYTES - 6;
        let now = body.len().min(room);
        self.data
            .put_slice(&[SYNC_BYTE, u8::from(start) << 6 | high, low, 0x30 | *counter]);
        self.data.put_u8((1 + room - now) as u8);
        self.data.put_u8(u8::from(random_access) << 6);
        self.data.put_bytes(0xFF, room - now);
        self.data.put_slice(&body[..now]);
        now
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Pat { programs } => {
                let programs = programs
                    .into_iter()
                    .take(253)
                    .map(|(number, choice)| PatEntry {
                        number,
                        pmt_pid: pid(choice),
                    });
                let pat = Pat {
                    stream_id: 1,
                    version: 0,
                    programs: programs.collect(),
                };
                self.section(Pid::PAT, &pat_section(&pat));
            }
            Piece::Pmt {
                pid: at,
                number,
                clock,
                streams,
            } => {
                let streams = streams
                    .into_iter()
                    .take(48)
                    .map(|(choice, kind, language)| {
                        let stream_type = match kind {
                            Kind::H264 => 0x1B,
                            Kind::Hevc => 0x24,
                            Kind::Adts => 0x0F,
                            Kind::Latm => 0x11,
                            Kind::Of(other) => other,
                        };
                        PmtStream {
                            pid: pid(choice),
                            stream_type,
                            kind: StreamKind::of(stream_type, &[]),
                            language: language.map(|code| code.map(|letter| b'a' + letter % 26)),
                        }
                    });
                let pmt = Pmt {
                    number,
                    version: 0,
                    pcr_pid: pid(clock),
                    streams: streams.collect(),
                };
                let section = pmt_section(&pmt);
                assert_eq!(crc32(&section), 0);
                assert_eq!(Pmt::parse(&section), Ok(pmt));
                self.section(pid(at), &section);
            }
            Piece::Section { pid: at, body } => {
                let mut section = body[..body.len().min(1_000)].to_vec();
                section.resize(section.len().max(8), 0);
                let length = section.len() - 3 + 4;
                section[1] = 0xB0 | (length >> 8) as u8;
                section[2] = length as u8;
                section.extend(crc32(&section).to_be_bytes());
                self.section(pid(at), &section);
            }
            Piece::Pes {
                pid: at,
                stream_id,
                pts,
                reorder,
                open,
                random_access,
                units,
            } => {
                let payload = payload(&units);
                let mut unit = BytesMut::new();
                let dts = (pts & 0x1_FFFF_FFFF) as i64;
                let length = if open { 1 << 16 } else { payload.len() };
                pes::write_header(stream_id, dts + i64::from(reorder), dts, length, &mut unit);
                unit.put_slice(&payload);
                let mut rest = &unit[..];
                let mut start = true;
                while !rest.is_empty() {
                    let done = self.packet(pid(at), start, random_access && start, rest);
                    rest = &rest[done..];
                    start = false;
                }
            }
            Piece::Packet { head, body } => {
                let mut packet = [0xFF; PACKET_BYTES];
                packet[0] = SYNC_BYTE;
                packet[1] = head[0] & 0xE0;
                packet[2] = head[1];
                packet[3] = head[2];
                let len = body.len().min(PACKET_BYTES - 4);
                packet[4..4 + len].copy_from_slice(&body[..len]);
                self.data.put_slice(&packet);
            }
            Piece::Splice { .. } | Piece::Flush => {}
        }
    }
}

fn payload(units: &[Unit<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for unit in units {
        match unit {
            Unit::AnnexB(nal) => {
                out.extend([0, 0, 1]);
                out.extend_from_slice(nal);
            }
            Unit::Adts { header, payload } => {
                let len = (payload.len() + 7).min(0x1FFF);
                let [a, b, c, d] = header.to_be_bytes();
                out.extend([0xFF, 0xF1 | a & 0x08, b, c & 0xFC | (len >> 11) as u8]);
                out.extend([
                    (len >> 3) as u8,
                    (len << 5) as u8 | d & 0x1F,
                    0xFC | d >> 6 & 3,
                ]);
                out.extend_from_slice(payload);
            }
            Unit::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
    out
}

fuzz_target!(|pieces: Vec<Piece<'_>>| {
    let mut pipeline = Pipeline::default();
    let mut writer = Writer::default();
    for piece in pieces {
        let ends = matches!(piece, Piece::Flush | Piece::Splice { .. });
        let splice = match &piece {
            Piece::Splice { first_dts, marked } => Some((*first_dts, *marked)),
            _ => None,
        };
        writer.piece(piece);
        if ends {
            pipeline.run(writer.data.split().freeze());
        }
        if let Some((first_dts, marked)) = splice {
            pipeline.splice(first_dts, marked);
        }
    }
    pipeline.run(writer.data.freeze());
    pipeline.finish();
});
