//! RTP and RTCP packets in any order, and the access units they make.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::Codec;
use media::frame::Audio;
use media::rtp::{DecodingOrder, Unpacker};
use media::{Ticks90k, codec::nal};
use rtsp::rtp::clock::Clock;
use rtsp::rtp::reorder::Reorder;
use rtsp::rtp::{Packet, rtcp};
use std::time::{Duration, Instant};

fuzz_target!(|input: (u8, Vec<(u8, &[u8])>)| {
    let (kind, packets) = input;
    let sound = Codec::Aac {
        config: Bytes::from_static(&[0x11, 0x90]),
        audio: Audio::default(),
    };
    let latm = packets.first().and_then(|(_, bytes)| Unpacker::latm(bytes));
    let mut unpacker = match kind % 4 {
        0 => Unpacker::h264(&[]),
        1 => Unpacker::hevc(&[]),
        2 => latm.unwrap_or_else(|| Unpacker::h264(&[])),
        _ => Unpacker::sound(sound).unwrap_or_else(|| Unpacker::h264(&[])),
    };
    let (mut reorder, mut clock) = (Reorder::default(), Clock::new([90_000]));
    let mut order = DecodingOrder::default();
    let start = Instant::now();
    let (mut now, mut ready, mut units) = (start, Vec::new(), Vec::new());
    for (wait, bytes) in packets {
        now += Duration::from_millis(u64::from(wait));
        let bytes = Bytes::copy_from_slice(bytes);
        for report in rtcp::parse(&bytes).0 {
            clock.report(0, &report, now - start);
        }
        if let Ok(packet) = Packet::parse(bytes) {
            reorder.push(now, packet, &mut ready);
        }
        reorder.handle_timeout(now, &mut ready);
        for packet in ready.drain(..) {
            let header = packet.header;
            unpacker.push(header.timestamp, header.marker, &packet.payload, &mut units);
        }
        for unit in units.drain(..) {
            let placed = clock.place(0, unit.timestamp, now - start);
            let pts = Ticks90k(placed.unwrap_or_default());
            assert!(order.place(pts) <= pts);
            if kind % 4 < 2 {
                let mut nals = nal::length_prefixed(&unit.payload, nal::LengthSize::Four);
                assert!(nals.all(|nal| nal.is_ok()));
            }
        }
    }
});
