//! Packets found in bytes of any cut.
#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use media::ts::framer::Framer;
use proptest::prelude::*;

/// Packets with their number in the body, which holds no sync byte.
fn packets(range: std::ops::Range<u16>) -> Bytes {
    let mut out = BytesMut::new();
    for number in range {
        let mut packet = [0xFF; 188];
        packet[0] = 0x47;
        packet[4..8].copy_from_slice(&[0x80, (number >> 6) as u8 | 0x80, (number & 0x3F) as u8, 0]);
        out.extend_from_slice(&packet);
    }
    out.freeze()
}

fn push_all(framer: &mut Framer, pieces: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
    let mut out = Vec::new();
    pieces
        .into_iter()
        .for_each(|piece| framer.push(piece, &mut out));
    out
}

fn cut(data: &Bytes, sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = data.clone();
    let mut sizes = sizes.iter().cycle();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        pieces.push(rest.split_to(rest.len().min(*sizes.next().unwrap())));
    }
    pieces
}

#[test]
fn a_datagram_of_whole_packets_passes_without_a_copy() {
    let datagram = packets(0..7);
    for mut framer in [Framer::datagram(), Framer::stream()] {
        let out = push_all(&mut framer, [datagram.clone()]);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].as_ptr(), datagram.as_ptr());
        assert_eq!(out[0].len(), datagram.len());
    }
}

#[test]
fn a_single_packet_in_a_datagram_is_believed_at_once() {
    let mut framer = Framer::datagram();
    assert_eq!(push_all(&mut framer, [packets(0..1)]), [packets(0..1)]);
}

#[test]
fn a_truncated_datagram_spoils_no_packet_of_the_next() {
    let mut framer = Framer::datagram();
    let out = push_all(
        &mut framer,
        [packets(0..7), packets(7..14).slice(..1000), packets(14..21)],
    );
    let expected = [packets(0..7), packets(7..12), packets(14..21)].concat();
    assert_eq!(out.concat(), expected);
    assert_eq!(framer.skipped_bytes(), 1000 - 5 * 188);
}

#[test]
fn garbage_is_skipped_and_counted() {
    let garbage = vec![0x12; 1000];
    let data = Bytes::from([&packets(0..10), &garbage[..], &packets(10..20)].concat());
    let mut framer = Framer::stream();
    let out = push_all(&mut framer, [data]);
    assert_eq!(out.concat(), packets(0..20));
    assert_eq!((framer.skipped_bytes(), framer.sync_losses()), (1000, 1));
}

#[test]
fn packets_of_204_bytes_are_not_taken_for_188() {
    let padded: Vec<u8> = packets(0..50)
        .chunks(188)
        .flat_map(|packet| [packet, &[0; 16]].concat())
        .collect();
    let mut framer = Framer::stream();
    let out = push_all(&mut framer, [Bytes::from(padded)]);
    assert!(out.concat().is_empty());
    assert!(framer.skipped_bytes() > 9_000);
}

#[test]
fn a_sync_byte_within_garbage_does_not_lock() {
    let mut garbage = vec![0; 900];
    garbage[100] = 0x47;
    garbage[288] = 0x47;
    let data = Bytes::from([&garbage[..], &packets(0..5)].concat());
    assert_eq!(
        push_all(&mut Framer::stream(), [data]).concat(),
        packets(0..5)
    );
}

proptest! {
    #[test]
    fn the_cut_of_a_stream_does_not_matter(
        head in prop::collection::vec(any::<u8>(), 0..400),
        middle in prop::collection::vec(prop_oneof![Just(0x47u8), any::<u8>()], 0..400),
        sizes in prop::collection::vec(1usize..700, 1..20),
    ) {
        let data =
            Bytes::from([&head[..], &packets(0..9), &middle, &packets(9..20), &head].concat());
        let mut whole = Framer::stream();
        let expected = push_all(&mut whole, [data.clone()]).concat();
        let mut framer = Framer::stream();
        let out = push_all(&mut framer, cut(&data, &sizes));
        prop_assert!(out.iter().all(|run| run.len() % 188 == 0 && !run.is_empty()));
        prop_assert_eq!(out.concat(), expected);
        prop_assert_eq!(framer.skipped_bytes(), whole.skipped_bytes());
        prop_assert_eq!(framer.sync_losses(), whole.sync_losses());
    }

    #[test]
    fn messages_of_any_size_yield_every_packet(
        sizes in prop::collection::vec(1usize..1500, 1..20),
    ) {
        let data = packets(0..60);
        let out = push_all(&mut Framer::datagram(), cut(&data, &sizes));
        prop_assert_eq!(out.concat(), data);
    }

    #[test]
    fn every_byte_is_a_packet_or_skipped_or_waiting(
        pieces in prop::collection::vec(
            prop::collection::vec(prop_oneof![3 => Just(0x47u8), 1 => any::<u8>()], 0..900), 0..10),
    ) {
        for mut framer in [Framer::stream(), Framer::datagram()] {
            let fed: usize = pieces.iter().map(Vec::len).sum();
            let out = push_all(&mut framer, pieces.iter().cloned().map(Bytes::from));
            let emitted: usize = out.iter().map(Bytes::len).sum();
            let waiting = fed - emitted - framer.skipped_bytes() as usize;
            prop_assert!(waiting <= Framer::MAX_CARRY);
        }
    }
}
