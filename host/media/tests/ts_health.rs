//! TR 101 290: each condition brought about by hand, and a clean stream that has none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // a test fails by panicking, and its time begins somewhere

mod ts_support;

use bytes::{Bytes, BytesMut};
use media::ts::monitor::{Condition, HOLD, Monitor};
use media::ts::packet::{Packet, Pcr, Pid, set_pcr};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use ts_support::*;

/// 5 Mb/s with stuffing, PCR every 20 ms, 4 s, by FFmpeg: within all limits.
fn clean() -> Vec<[u8; 188]> {
    let inputs = [
        "testsrc2=size=320x180:rate=25:duration=4",
        "sine=frequency=440:sample_rate=48000:duration=4",
    ];
    let codec = "-c:v libx264 -preset ultrafast -g 25 -threads 1 -b:v 1M -maxrate 1M -bufsize 200k \
                 -c:a aac -muxrate 5M -pcr_period 20 -pat_period 0.1";
    generate(&inputs, codec).as_chunks().0.to_vec()
}

const RATE_BPS: u64 = 5_000_000;

/// When packet `n` arrives.
fn at(n: usize) -> Duration {
    Duration::from_nanos(n as u64 * 188 * 8 * 1_000_000_000 / RATE_BPS)
}

/// Seven packets at a time, as their rate says; the conditions that were met, with their errors.
fn judged(packets: &[[u8; 188]]) -> HashMap<&'static str, u64> {
    judged_by(packets, at)
}

fn judged_by(packets: &[[u8; 188]], at: impl Fn(usize) -> Duration) -> HashMap<&'static str, u64> {
    let start = Instant::now();
    let mut monitor = Monitor::new();
    for (n, run) in packets.chunks(7).enumerate() {
        monitor.tick(start + at(n * 7), 0);
        monitor.inspect(run.as_flattened());
    }
    let met = monitor
        .conditions()
        .into_iter()
        .filter(|reading| reading.errors > 0);
    met.map(|reading| (reading.condition.name(), reading.errors))
        .collect()
}

fn pid(packet: &[u8; 188]) -> u16 {
    Packet::new(packet).map_or(0xFFFF, |packet| packet.pid().get())
}

fn pcr(packet: &[u8; 188]) -> Option<Pcr> {
    Packet::new(packet)?.adaptation()?.pcr()
}

const PMT: u16 = 0x1000;
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

#[test]
fn a_clean_stream_meets_no_condition() {
    assert_eq!(judged(&clean()), HashMap::new());
}

#[test]
fn each_condition_is_found_and_found_alone() {
    type Damage = fn(usize, &mut [u8; 188]) -> bool;
    // Each keeps a packet or not; positions are those of 4 s in 13,300 packets.
    let cases: [(&str, Damage); 8] = [
        ("pat", |n, p| n < 4_000 || pid(p) != 0),
        ("pmt", |n, p| n < 4_000 || pid(p) != PMT),
        ("transport", |n, p| {
            // On stuffing: nothing else is lost.
            if n > 4_000 && n < 4_050 && pid(p) == 0x1FFF {
                p[1] |= 0x80;
            }
            true
        }),
        ("sync-byte", |n, p| {
            if n > 4_000 && n < 4_050 && pid(p) == 0x1FFF {
                p[0] = 0x48;
            }
            true
        }),
        ("crc", |n, p| {
            if n > 4_000 && n < 4_800 && pid(p) == PMT {
                p[20] ^= 1;
            }
            true
        }),
        ("pcr-discontinuity", |n, p| {
            if n > 6_000
                && let Some(pcr) = pcr(p)
            {
                set_pcr(p, Pcr::new(pcr.get() + 27_000_000));
            }
            true
        }),
        ("pcr-accuracy", |n, p| {
            // 20 us back and forth: 540 ticks.
            if n > 6_000
                && let Some(pcr) = pcr(p)
            {
                set_pcr(p, Pcr::new(pcr.get() + 540 * (n as u64 % 2)));
            }
            true
        }),
        ("cat", |n, p| {
            if n == 5_000 {
                // A table of another kind where a CAT belongs.
                p[..8].copy_from_slice(&[0x47, 0x40, 0x01, 0x10, 0, 0x70, 0xB0, 0]);
            }
            true
        }),
    ];
    let clean = clean();
    for (wanted, damage) in cases {
        // What is taken out leaves stuffing behind: positions stay.
        let mut stuffing = [0xFF; 188];
        stuffing[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        let damaged = clean.iter().enumerate().map(|(n, packet)| {
            let mut packet = *packet;
            if damage(n, &mut packet) {
                packet
            } else {
                stuffing
            }
        });
        let found = judged(&damaged.collect::<Vec<_>>());
        // The packet that the foreign table replaced may have been of a counted PID.
        let only: Vec<&str> = found
            .keys()
            .copied()
            .filter(|name| *name != "continuity")
            .collect();
        assert_eq!(only, [wanted], "{found:?}");
        assert!(
            wanted == "cat" || !found.contains_key("continuity"),
            "{found:?}"
        );
    }
}

#[test]
fn lost_packets_are_a_continuity_error_and_no_inaccuracy() {
    let mut packets = clean();
    let lost = packets
        .iter()
        .skip(5_000)
        .position(|p| pid(p) == VIDEO)
        .unwrap();
    packets.remove(5_000 + lost);
    let found = judged(&packets);
    assert_eq!(found.get("continuity"), Some(&1));
    assert!(!found.contains_key("pcr-accuracy"), "{found:?}");
}

#[test]
fn a_stream_that_ceases_within_the_program_misses_its_pid_and_its_pts() {
    // Sound that stops for long: 12 s of pictures are what the rest is three times over.
    let clean = clean();
    let (mut packets, counters) = (Vec::new(), &mut HashMap::<u16, u8>::new());
    for turn in 0..3 {
        for packet in clean.iter().filter(|p| turn == 0 || pid(p) != AUDIO) {
            let mut packet = *packet;
            // The counters go on, and the clock jumps back as announced by nobody.
            if packet[3] & 0x10 != 0 && pid(&packet) != 0x1FFF {
                let counter = counters.entry(pid(&packet)).or_insert(15);
                *counter = (*counter + 1) & 15;
                packet[3] = packet[3] & 0xF0 | *counter;
            }
            packets.push(packet);
        }
    }
    let found = judged(&packets);
    assert_eq!(found.get("pid"), Some(&1), "{found:?}");
    assert_eq!(found.get("pcr-discontinuity"), Some(&2));
}

#[test]
fn times_of_arrival_are_held_against_the_intervals() {
    // The source pauses for a second: tables, clock and stamps come late, once each.
    let pause = |n: usize| at(n) + Duration::from_secs(u64::from(n > 6_000));
    let found = judged_by(&clean(), pause);
    assert_eq!(found.get("pcr-repetition"), Some(&1), "{found:?}");
    assert_eq!(found.get("pat"), Some(&1));
    assert_eq!(found.get("pmt"), Some(&1));
    assert_eq!(found.get("pts"), Some(&2), "one of each track");
}

#[test]
fn a_variable_bitrate_is_no_inaccuracy() {
    let inputs = ["testsrc2=size=320x180:rate=25:duration=4"];
    let ts: Bytes = generate(
        &inputs,
        "-c:v libx264 -preset ultrafast -g 25 -threads 1 -pcr_period 20",
    );
    let found = judged(ts.as_chunks().0);
    assert!(
        found.get("pcr-accuracy").is_none_or(|errors| *errors < 5),
        "{found:?}"
    );
}

#[test]
fn a_condition_begins_once_and_ends_when_it_was_not_seen_for_a_while() {
    let mut packets = BytesMut::new();
    let start = Instant::now();
    let mut monitor = Monitor::new();
    for packet in clean().iter().take(4_000) {
        packets.extend_from_slice(packet);
    }
    monitor.tick(start, 0);
    monitor.inspect(&packets);
    // Garbage of less than two packets, then of more, a hundred times within a second.
    let mut changes = Vec::new();
    for n in 0..100 {
        let now = start + Duration::from_millis(10 * n);
        monitor.tick(now, if n == 50 { 400 } else { 100 });
        changes.extend(monitor.changes());
    }
    // The tables, which do not come any more, are late besides.
    let names: Vec<_> = changes
        .iter()
        .filter(|change| change.condition < Condition::Pat)
        .map(|change| (change.condition, change.active))
        .collect();
    assert_eq!(
        names,
        [(Condition::SyncByte, true), (Condition::SyncLoss, true)]
    );
    let last = start + Duration::from_millis(990);
    monitor.tick(last + HOLD - Duration::from_millis(1), 0);
    let sync = |changes: Vec<media::ts::monitor::Reading>| -> Vec<_> {
        let sync = [Condition::SyncByte, Condition::SyncLoss];
        let ended = changes
            .into_iter()
            .filter(|change| sync.contains(&change.condition));
        ended
            .map(|change| (change.condition.name(), change.active, change.errors))
            .collect()
    };
    assert_eq!(sync(monitor.changes()), [("sync-loss", false, 1)]);
    monitor.tick(last + HOLD, 0);
    assert_eq!(sync(monitor.changes()), [("sync-byte", false, 100)]);
    let priorities = Condition::ALL.map(Condition::priority);
    assert_eq!(
        priorities.iter().filter(|priority| **priority == 1).count(),
        6
    );
    assert_eq!(Pid::CAT.get(), 1);
}
