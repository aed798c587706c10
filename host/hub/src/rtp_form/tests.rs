use super::*;
use media::frame::{Audio, Track, Video};
use media::rtp::{Unit, Unpacker};
use rtsp::message::interleaved;
use rtsp::rtp::{Packet, rtcp};
use std::time::{Duration, UNIX_EPOCH};

/// 640x360 of x264, high profile.
const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00,
    0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

fn tracks() -> Arc<Tracks> {
    let sets = (vec![SPS.into()], vec![PPS.into()]);
    let config = media::codec::h264::DecoderConfig::new(sets.0, sets.1).unwrap();
    let track = |id, codec| Track {
        id: TrackId(id),
        codec,
        language: None,
    };
    let video = Codec::H264 {
        config: config.build(),
        video: Video::default(),
    };
    let sound = Codec::Aac {
        config: Bytes::from_static(&[0x11, 0x90]),
        audio: Audio {
            sample_rate_hz: 44_100,
            channels: 2,
        },
    };
    let list = vec![track(0, video), track(1, sound)];
    Arc::new(Tracks { list })
}

fn frame(tracks: &Arc<Tracks>, track: u8, ticks: i64, payload: Vec<u8>) -> Frame {
    Frame {
        tracks: tracks.clone(),
        track: TrackId(track),
        dts: Ticks90k(ticks),
        pts: Ticks90k(ticks),
        random_access: track == 0 && payload.get(4) == Some(&0x65),
        epoch: 0,
        payload: payload.into(),
    }
}

/// A picture of one unit of that type and size.
fn picture(kind: u8, bytes: usize) -> Vec<u8> {
    let mut payload = (bytes as u32).to_be_bytes().to_vec();
    payload.push(kind);
    payload.extend((1..bytes).map(|n| n as u8));
    payload
}

fn encoder() -> Encoder {
    Encoder::new(&"a".parse().unwrap())
}

fn made(encoder: &mut Encoder, frame: &Frame) -> Vec<RtpPackets> {
    let mut out = Vec::new();
    encoder.convert(UNIX_EPOCH + Duration::from_secs(5), frame, &mut out);
    out
}

#[test]
fn what_is_packed_is_unpacked_the_same_and_packets_are_numbered_in_order() {
    let (tracks, mut encoder) = (tracks(), encoder());
    let mut unpacker = Unpacker::h264(&[]);
    let (mut units, mut sequences, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for (n, bytes) in [5000, 20, 1400, 1401, 2797].into_iter().enumerate() {
        let kind = if n == 0 { 0x65 } else { 0x41 };
        let frame = frame(&tracks, 0, n as i64 * 3600, picture(kind, bytes));
        let out = made(&mut encoder, &frame);
        assert_eq!(out[0].random_access, n == 0);
        for (_, bytes) in interleaved(&out[0].wire).filter(|(channel, _)| *channel == 0) {
            assert!(bytes.len() <= 1412, "{}", bytes.len());
            let packet = Packet::parse(bytes).unwrap();
            let Header {
                marker,
                sequence,
                timestamp,
                ..
            } = packet.header;
            sequences.push(sequence);
            unpacker.push(timestamp, marker, &packet.payload, &mut units);
        }
        sent.push(frame.payload);
    }
    assert!(
        sequences
            .windows(2)
            .all(|two| two[0].wrapping_add(1) == two[1])
    );
    let got: Vec<Bytes> = units
        .iter()
        .map(|unit: &Unit| unit.payload.clone())
        .collect();
    assert_eq!(got, sent);
    let steps = units
        .windows(2)
        .map(|two| two[1].timestamp.wrapping_sub(two[0].timestamp));
    assert_eq!(steps.collect::<Vec<_>>(), [3600; 4]);
    // Known only from what travels with the pictures.
    assert_eq!(
        unpacker.codec().map(Codec::config),
        Some(tracks.list[0].codec.config())
    );
    assert_eq!(unpacker.spoilt(), 0);
}

#[test]
fn a_lost_packet_costs_its_picture_and_no_other() {
    let (tracks, mut encoder) = (tracks(), encoder());
    let mut unpacker = Unpacker::h264(&[]);
    let mut units = Vec::new();
    for n in 0..3 {
        let frame = frame(&tracks, 0, n * 3600, picture(0x65, 5000));
        let out = made(&mut encoder, &frame);
        let packets = interleaved(&out[0].wire).filter(|(channel, _)| *channel == 0);
        for (at, (_, bytes)) in packets.enumerate() {
            if n == 1 && at == 2 {
                unpacker.lost();
                continue;
            }
            let packet = Packet::parse(bytes).unwrap();
            let header = packet.header;
            unpacker.push(header.timestamp, header.marker, &packet.payload, &mut units);
        }
    }
    assert_eq!((units.len(), unpacker.spoilt()), (2, 1));
    assert!(units.iter().all(|unit| unit.payload == picture(0x65, 5000)));
}

#[test]
fn a_random_access_point_begins_with_the_reports_of_all_tracks() {
    let (tracks, mut encoder) = (tracks(), encoder());
    let first = made(&mut encoder, &frame(&tracks, 0, 90_000, picture(0x65, 9)));
    let channels: Vec<u8> = interleaved(&first[0].wire)
        .map(|(channel, _)| channel)
        .collect();
    assert_eq!(channels, [1, 3, 0, 0]);
    let reports: Vec<_> = interleaved(&first[0].wire)
        .take(2)
        .flat_map(|(_, packet)| rtcp::parse(&packet).0)
        .collect();
    assert_eq!(reports[0].ntp, reports[1].ntp);
    assert_eq!(reports[0].ssrc, first[0].session.ssrcs[0]);
    let sound = made(&mut encoder, &frame(&tracks, 1, 90_000, vec![7; 9]));
    let (_, bytes) = interleaved(&sound[0].wire).next().unwrap();
    assert_eq!(
        Packet::parse(bytes).unwrap().header.timestamp,
        reports[1].timestamp
    );
    let next = made(&mut encoder, &frame(&tracks, 0, 93_600, picture(0x41, 9)));
    assert_eq!(interleaved(&next[0].wire).count(), 1);
}

#[test]
fn sound_follows_to_the_sample_though_ticks_are_coarser() {
    let (tracks, mut encoder) = (tracks(), encoder());
    let mut stamps = Vec::new();
    for n in 0..200 {
        let ticks = n * 1024 * 90_000 / 44_100;
        let out = made(&mut encoder, &frame(&tracks, 1, ticks, vec![7; 9]));
        let (_, bytes) = interleaved(&out[0].wire).last().unwrap();
        stamps.push(Packet::parse(bytes).unwrap().header.timestamp);
    }
    assert!(
        stamps
            .windows(2)
            .all(|two| two[1].wrapping_sub(two[0]) == 1024)
    );
}

#[test]
fn a_new_size_goes_on_and_another_codec_does_not() {
    let (tracks, mut encoder) = (tracks(), encoder());
    let first = made(&mut encoder, &frame(&tracks, 0, 0, picture(0x65, 9)));
    let mut list = tracks.list.clone();
    let mut pps = PPS.to_vec();
    pps.push(1);
    let sets = (vec![SPS.into()], vec![pps.into()]);
    let config = media::codec::h264::DecoderConfig::new(sets.0, sets.1).unwrap();
    list[0].codec = Codec::H264 {
        config: config.build(),
        video: Video::default(),
    };
    let sized = Arc::new(Tracks { list: list.clone() });
    let second = made(&mut encoder, &frame(&sized, 0, 3600, picture(0x65, 9)));
    assert!(first[0].session.continues(&second[0].session));
    list.remove(1);
    let less = Arc::new(Tracks { list });
    let third = made(&mut encoder, &frame(&less, 0, 7200, picture(0x65, 9)));
    assert!(!first[0].session.continues(&third[0].session));
}
