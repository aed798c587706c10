//! Packets go when their program clock says so.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bytes::Bytes;
use media::ts::pace::Pacer;
use media::ts::packet::{Pcr, set_pcr};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const MS: u64 = 27_000;

/// A packet with a clock reference, and one of media behind it.
fn with_pcr(pcr: u64) -> Vec<u8> {
    let mut packet = [0xFF; 188];
    // PID 256, adaptation field of 183 bytes with a PCR.
    packet[..6].copy_from_slice(&[0x47, 0x01, 0x00, 0x20, 183, 0x10]);
    set_pcr(&mut packet, Pcr::new(pcr));
    let mut media = [0xFF; 188];
    media[..4].copy_from_slice(&[0x47, 0x01, 0x01, 0x10]);
    [packet, media].concat()
}

fn run(pcrs: &[u64]) -> Bytes {
    pcrs.iter().flat_map(|pcr| with_pcr(*pcr)).collect()
}

/// Offsets in ms at which pieces go, and how many packets each has.
fn schedule(
    pacer: &mut Pacer,
    start: Instant,
    now: &mut Instant,
    mut run: Bytes,
) -> Vec<(u64, usize)> {
    let mut pieces = Vec::new();
    while !run.is_empty() {
        let (piece, due) = pacer.take(*now, &mut run);
        if !piece.is_empty() {
            pieces.push(((*now - start).as_millis() as u64, piece.len() / 188));
        }
        if let Some(due) = due {
            *now = due;
        }
    }
    pieces
}

#[test]
fn packets_go_in_real_time_from_one_clock_reference_to_the_next() {
    let (start, mut pacer) = (Instant::now(), Pacer::new());
    let mut now = start;
    let pieces = schedule(&mut pacer, start, &mut now, run(&[0, 40 * MS, 80 * MS]));
    assert_eq!(pieces, [(0, 2), (40, 2), (80, 2)]);
    assert_eq!(pacer.elapsed(), Duration::from_millis(80));
}

#[test]
fn a_jump_is_no_time_and_a_wrap_is_no_jump() {
    let (start, mut pacer) = (Instant::now(), Pacer::new());
    let mut now = start;
    let wrap = (1_u64 << 33) * 300;
    let clocks = [
        wrap - 20 * MS,
        20 * MS,
        5_000 * MS,
        5_040 * MS,
        10 * MS,
        50 * MS,
    ];
    let pieces = schedule(&mut pacer, start, &mut now, run(&clocks));
    assert_eq!(pieces, [(0, 2), (40, 4), (80, 4), (120, 2)]);
}

#[test]
fn who_was_held_up_goes_on_without_a_burst() {
    let (start, mut pacer) = (Instant::now(), Pacer::new());
    let mut now = start;
    schedule(&mut pacer, start, &mut now, run(&[0, 40 * MS]));
    now += Duration::from_secs(60);
    let clocks: Vec<u64> = (2..6).map(|n| n * 40 * MS).collect();
    let pieces = schedule(&mut pacer, start, &mut now, run(&clocks));
    assert_eq!(pieces, [(60_040, 2), (60_080, 2), (60_120, 2), (60_160, 2)]);
}

#[test]
fn without_a_clock_nothing_waits_and_no_time_passes() {
    let mut pacer = Pacer::new();
    let mut media = Bytes::from([[0x47; 188]; 5].concat());
    let (piece, due) = pacer.take(Instant::now(), &mut media);
    assert_eq!((piece.len(), due), (5 * 188, None));
    assert_eq!(pacer.elapsed(), Duration::ZERO);
}

proptest! {
    #[test]
    fn packets_are_neither_lost_nor_held_for_ever(
        pcrs in prop::collection::vec(any::<u64>(), 0..40),
        garbage in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut pacer = Pacer::new();
        let mut now = Instant::now();
        let packets = [run(&pcrs).as_ref(), garbage.as_slice()].concat();
        let mut left = Bytes::from(packets.clone());
        let mut taken = Vec::new();
        while !left.is_empty() {
            let (piece, due) = pacer.take(now, &mut left);
            taken.extend_from_slice(&piece);
            if let Some(due) = due {
                prop_assert!(due > now && due <= now + Duration::from_secs(1));
                now = due;
            }
        }
        prop_assert_eq!(taken, packets);
    }
}
