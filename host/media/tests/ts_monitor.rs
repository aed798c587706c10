//! What the monitor says about streams of FFmpeg's, and about damaged ones.
#![allow(clippy::unwrap_used)]

mod ts_support;

use bytes::{Bytes, BytesMut};
use media::frame::{Audio, Video};
use media::ts::monitor::Monitor;
use media::ts::packet::Packet;
use media::ts::psi::StreamKind;
use ts_support::*;

/// Random access verdicts of datagrams.
fn entries(ts: &Bytes) -> usize {
    let mut monitor = Monitor::new();
    chunks(ts)
        .iter()
        .filter(|chunk| monitor.inspect(&chunk.data).random_access)
        .count()
}

fn inspected(ts: &[u8]) -> Monitor {
    let mut monitor = Monitor::new();
    for chunk in ts.chunks(1316) {
        monitor.inspect(chunk);
    }
    monitor
}

#[test]
fn tracks_are_described_from_the_stream_itself() {
    let picture = Video {
        width: 128,
        height: 72,
        fps_milli: 25_000,
    };
    let sound = Audio {
        sample_rate_hz: 48_000,
        channels: 1,
    };
    for (ts, kind) in [
        (h264_aac(), StreamKind::H264),
        (hevc_aac(), StreamKind::Hevc),
    ] {
        let monitor = inspected(&ts);
        let [video, audio] = monitor.tracks() else {
            panic!("two tracks expected")
        };
        assert_eq!((video.kind(), video.video), (kind, Some(picture)));
        assert_eq!(
            (audio.kind(), audio.audio),
            (StreamKind::AacAdts, Some(sound))
        );
        assert_eq!(monitor.counters().continuity_errors, 0);
        let last = probe(&ts)
            .into_iter()
            .rfind(|packet| packet.stream == 0)
            .unwrap();
        assert_eq!(video.dts, Some(last.dts as u64));
        assert!(monitor.pcr().unwrap().base() < last.dts as u64);
    }
}

#[test]
fn a_chunk_is_random_access_where_ffprobe_sees_a_key_frame() {
    for ts in [h264_aac(), hevc_aac()] {
        let keys = probe(&ts)
            .iter()
            .filter(|packet| packet.stream == 0 && packet.key)
            .count();
        assert_eq!(entries(&ts), keys);
    }
}

/// Clears the random access indicator of every packet.
fn without_indicator(ts: &Bytes) -> Bytes {
    let mut bytes = BytesMut::from(&ts[..]);
    for packet in bytes.as_chunks_mut::<188>().0 {
        if packet[3] & 0x20 != 0 && packet[4] > 0 {
            packet[5] &= !0x40;
        }
    }
    bytes.freeze()
}

/// Sets it wherever a PES packet starts with an adaptation field.
fn with_indicator_everywhere(ts: &Bytes) -> Bytes {
    let mut bytes = BytesMut::from(&ts[..]);
    for packet in bytes.as_chunks_mut::<188>().0 {
        if packet[1] & 0x40 != 0 && packet[3] & 0x20 != 0 && packet[4] > 0 {
            packet[5] |= 0x40;
        }
    }
    bytes.freeze()
}

#[test]
fn neither_a_missing_nor_a_lying_indicator_changes_the_verdict() {
    for ts in [h264_aac(), hevc_aac()] {
        let honest = entries(&ts);
        assert_eq!(entries(&without_indicator(&ts)), honest);
        assert_eq!(entries(&with_indicator_everywhere(&ts)), honest);
    }
}

#[test]
fn open_gops_without_idr_pictures_are_entered_where_they_are_indicated() {
    let ts = generate(
        &["testsrc2=size=128x72:rate=25:duration=4"],
        "-c:v libx264 -pix_fmt yuv420p -g 25 -x264-params open-gop=1:bframes=2:keyint=25",
    );
    // From the middle on, as a receiver that tunes in: no IDR picture comes any more.
    let tail = ts.slice(ts.len() / 376 * 188..);
    let mut joined = BytesMut::from(&ts[..188 * 3]);
    joined.extend_from_slice(&tail);
    assert!(entries(&joined.freeze()) >= 1);
}

#[test]
fn sound_alone_may_be_entered_at_every_pes_packet() {
    let ts = aac_alone();
    let starts = Packet::iter(&ts)
        .filter(|packet| packet.pid().get() == 0x100 && packet.unit_start())
        .count();
    let mut monitor = Monitor::new();
    let marked: usize = ts
        .chunks(188)
        .filter(|packet| monitor.inspect(packet).random_access)
        .count();
    assert_eq!(marked, starts);
}

#[test]
fn each_lost_packet_is_one_continuity_error() {
    let ts = h264_aac();
    let mut kept = BytesMut::new();
    let mut lost = 0;
    for (index, packet) in ts.chunks(188).enumerate() {
        if index % 50 == 20 {
            lost += 1;
        } else {
            kept.extend_from_slice(packet);
        }
    }
    assert_eq!(inspected(&kept).counters().continuity_errors, lost);
}

#[test]
fn duplicates_null_packets_and_marked_damage_are_counted_apart() {
    let ts = h264_aac();
    let mut edited = BytesMut::new();
    for (index, packet) in ts.chunks(188).enumerate() {
        edited.extend_from_slice(packet);
        let has_payload = packet[3] & 0x10 != 0;
        if index == 40 && has_payload {
            edited.extend_from_slice(packet);
        }
        if index == 50 {
            edited.extend_from_slice(&[[0x47, 0x1F, 0xFF, 0x10].as_slice(), &[0; 184]].concat());
            edited.extend_from_slice(&[[0x47, 0x81, 0x00, 0x15].as_slice(), &[0; 184]].concat());
        }
    }
    let monitor = inspected(&edited);
    let counters = monitor.counters();
    assert_eq!(counters.duplicates, 1);
    assert_eq!((counters.null_packets, counters.transport_errors), (1, 1));
    assert_eq!(counters.continuity_errors, 0);
}

#[test]
fn damaged_tables_are_counted_and_not_believed() {
    let mut ts = BytesMut::from(&h264_aac()[..]);
    for packet in ts.as_chunks_mut::<188>().0 {
        if packet[1] & 0x1F == 0x10 && packet[2] == 0 {
            packet[12] ^= 1;
        }
    }
    let monitor = inspected(&ts);
    assert!(monitor.counters().psi_errors > 0);
    assert!(monitor.tracks().is_empty());
}
