//! Bytes from outside that mean no good: nothing panics, everything stays bounded.
#![allow(clippy::unwrap_used)]

mod ts_support;

use bytes::{Bytes, BytesMut};
use media::ts::demux::Demuxer;
use media::ts::framer::Framer;
use media::ts::monitor::Monitor;
use media::ts::packet::{Packet, Pid};
use media::ts::pes::PesHeader;
use media::ts::psi::{Pat, Pmt, Programs, Sections};
use media::ts::restamp::Restamper;
use media::{Convert, TsChunk};
use proptest::prelude::*;
use std::time::SystemTime;
use ts_support::*;

/// Everything that reads transport packets, in turn.
fn read_by_all(data: &Bytes) {
    let chunk = TsChunk {
        data: data.clone(),
        random_access: false,
        epoch: 0,
    };
    let mut out = Vec::new();
    let mut demuxer = Demuxer::new();
    demuxer.convert(SystemTime::UNIX_EPOCH, &chunk, &mut out);
    demuxer.finish(&mut out);
    assert!(demuxer.complaints().len() <= 64);
    Monitor::new().inspect(data);
    let mut restamper = Restamper::new();
    restamper.restamp(data.clone());
    restamper.splice(None);
    assert_eq!(restamper.restamp(data.clone()).len(), data.len());
    assert!(mux(&out).iter().all(|chunk| chunk.data.len() <= 1316));
}

/// Packets with a sync byte and a low PID, random otherwise.
fn packets() -> impl Strategy<Value = Bytes> {
    let packet = (0u8..2, prop::collection::vec(any::<u8>(), 187)).prop_map(|(pid, mut body)| {
        body[0] &= 0x60;
        body[1] = pid;
        body[2] &= 0x3F;
        [vec![0x47], body].concat()
    });
    prop::collection::vec(packet, 1..40).prop_map(|packets| packets.concat().into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn random_bytes_do_not_panic(data in prop::collection::vec(any::<u8>(), 0..4000)) {
        let mut out = Vec::new();
        Framer::stream().push(data.clone().into(), &mut out);
        out.iter().for_each(read_by_all);
        read_by_all(&data.clone().into());
        let _ = (Pat::parse(&data), Pmt::parse(&data), PesHeader::parse(&data));
    }

    #[test]
    fn random_packets_do_not_panic(data in packets()) {
        read_by_all(&data);
    }

    #[test]
    fn a_damaged_stream_does_not_panic(
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
    ) {
        let mut ts = BytesMut::from(&h264_aac()[..]);
        for (at, value) in hits {
            let at = at.index(ts.len());
            ts[at] = value;
        }
        read_by_all(&ts.freeze());
    }

    #[test]
    fn a_shuffled_stream_does_not_panic(order in prop::collection::vec(any::<prop::sample::Index>(), 1..300)) {
        let ts = hevc_aac();
        let count = ts.len() / 188;
        let picked: BytesMut = order
            .iter()
            .flat_map(|at| ts[at.index(count) * 188..][..188].iter().copied())
            .collect();
        let mut whole = BytesMut::from(&ts[..188 * 3]);
        whole.extend_from_slice(&picked);
        read_by_all(&whole.freeze());
    }

    #[test]
    fn sections_survive_any_cut_into_packets(
        filler in 0usize..170,
        programs in 1u16..250,
    ) {
        // A PAT that starts behind `filler` bytes of an earlier section's end.
        let entries = (1..=programs)
            .map(|number| media::ts::psi::PatEntry { number, pmt_pid: Pid::new(0x100 + number) })
            .collect();
        let pat = Pat { stream_id: 9, version: 3, programs: entries };
        let section = media::ts::psi::pat_section(&pat);
        let mut bytes = vec![filler as u8];
        bytes.extend(vec![0xFF; filler]);
        bytes.extend_from_slice(&section);
        let mut sections = Sections::default();
        let mut got = Vec::new();
        for (index, body) in bytes.chunks(184).enumerate() {
            let mut packet = [0xFF; 188];
            packet[..4].copy_from_slice(&[
                0x47, if index == 0 { 0x40 } else { 0 }, 0, 0x10 | index as u8 & 0x0F,
            ]);
            packet[4..4 + body.len()].copy_from_slice(body);
            sections.push(Packet::new(&packet).unwrap(), |section| got.push(Pat::parse(section)));
        }
        prop_assert_eq!(got, [Ok(pat)]);
    }
}

#[test]
fn a_picture_without_an_end_is_dropped_at_its_bound() {
    let mut demuxer = Demuxer::new();
    let head = h264_aac();
    let mut out = Vec::new();
    let mut feed = |data: Bytes| {
        let chunk = TsChunk {
            data,
            random_access: false,
            epoch: 0,
        };
        demuxer.convert(SystemTime::UNIX_EPOCH, &chunk, &mut out);
    };
    feed(head);
    let last = Packet::iter(&h264_aac())
        .filter(|packet| packet.pid() == Pid::new(0x100) && packet.has_payload())
        .last()
        .unwrap()
        .continuity();
    // 10 MB of one picture.
    let mut endless = BytesMut::new();
    for count in 1..=(10u32 << 20) / 184 {
        let counter = last.wrapping_add(count as u8) & 0x0F;
        endless.extend_from_slice(&[0x47, 0x01, 0x00, 0x10 | counter]);
        endless.extend_from_slice(&[0x55; 184]);
    }
    feed(endless.freeze());
    assert_eq!(demuxer.damaged_units(), 1);
}

#[test]
fn a_table_that_points_at_itself_is_no_loop() {
    let pat = Pat {
        stream_id: 1,
        version: 0,
        programs: vec![media::ts::psi::PatEntry {
            number: 1,
            pmt_pid: Pid::PAT,
        }],
    };
    let mut out = BytesMut::new();
    let section = media::ts::psi::pat_section(&pat);
    media::ts::psi::write_section(&section, Pid::PAT, &mut 0, &mut out);
    read_by_all(&out.clone().freeze());
    let mut programs = Programs::new();
    for packet in Packet::iter(&out) {
        programs.push(packet);
    }
    assert!(programs.pmt().is_none());
}

#[test]
fn a_section_that_ends_where_the_next_begins_is_not_lost() {
    let pat = |version, count: u16| {
        let entries = (1..=count)
            .map(|number| media::ts::psi::PatEntry {
                number,
                pmt_pid: Pid::new(0x100 + number),
            })
            .collect();
        Pat {
            stream_id: 9,
            version,
            programs: entries,
        }
    };
    let tables = [pat(1, 60), pat(2, 50)];
    let first = media::ts::psi::pat_section(&tables[0]);
    let second = media::ts::psi::pat_section(&tables[1]);
    // Pointer and 183 bytes of the first; its end, behind another pointer, and the second.
    let rest = &first[183..];
    let bodies = [
        [&[0], &first[..183]].concat(),
        [&[rest.len() as u8], rest, &second[..183 - rest.len()]].concat(),
        second[183 - rest.len()..].to_vec(),
    ];
    let mut sections = Sections::default();
    let mut got = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let mut packet = [0xFF; 188];
        let start = if index < 2 { 0x40 } else { 0 };
        packet[..4].copy_from_slice(&[0x47, start, 0, 0x10 | index as u8]);
        packet[4..4 + body.len()].copy_from_slice(body);
        sections.push(Packet::new(&packet).unwrap(), |section| {
            got.push(Pat::parse(section).unwrap());
        });
    }
    assert_eq!(got, tables);
}
