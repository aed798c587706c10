//! Timestamps that go wrong in the field, from TS through frames to TS and RTMP messages: a
//! marked discontinuity where there is a break, and never a muxer that stops.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ts_support;

use bytes::Bytes;
use media::flv;
use media::ts::demux::Demuxer;
use media::ts::packet::{Packet, Pcr, set_pcr};
use media::ts::pes::{PesHeader, read_stamp, write_stamp};
use media::{Convert, Frame, TsChunk};
use std::time::UNIX_EPOCH;
use ts_support::*;

const TURN: i64 = 1 << 33;

/// What a stamp becomes: the packet's number, its PID, what it was.
type Move = fn(usize, u16, i64) -> i64;

/// The stream with all PTS, DTS and PCR moved.
fn moved(ts: &Bytes, by: Move) -> Bytes {
    let mut out = ts.to_vec();
    for (n, bytes) in out.as_chunks_mut::<188>().0.iter_mut().enumerate() {
        let Some(packet) = Packet::new(bytes) else {
            continue;
        };
        let pid = packet.pid().get();
        let pcr = packet.adaptation().and_then(|field| field.pcr());
        let payload = packet.payload_offset();
        let header = packet
            .unit_start()
            .then(|| PesHeader::parse(packet.payload()))
            .flatten();
        if let Some(pcr) = pcr {
            let base = by(n, pid, pcr.base() as i64).rem_euclid(TURN);
            set_pcr(bytes, Pcr::new(base as u64 * 300));
        }
        for at in header.iter().flat_map(PesHeader::stamp_offsets) {
            let place = bytes[payload.unwrap() + at..]
                .first_chunk_mut::<5>()
                .unwrap();
            let stamp = by(n, pid, read_stamp(place) as i64).rem_euclid(TURN);
            *place = write_stamp(place[0] >> 4, stamp as u64);
        }
    }
    out.into()
}

/// The pictures' stamps and epochs.
fn pictures(frames: &[Frame]) -> Vec<(i64, i64, u32)> {
    let video = frames.iter().filter(|frame| frame.track.0 == 0);
    video
        .map(|frame| (frame.dts.0, frame.pts.0, frame.epoch))
        .collect()
}

/// Through both muxers: all frames are written, and FFmpeg decodes all pictures of the TS.
fn muxed(frames: &[Frame], name: &str) -> Vec<flv::Message> {
    let ts = join(&mux(frames));
    assert_eq!(demux(&ts).len(), frames.len(), "{name}");
    assert_eq!(decoded_pictures(&ts), pictures(frames).len(), "{name}");
    let (mut muxer, mut messages) = (flv::Muxer::default(), Vec::new());
    for frame in frames {
        muxer.convert(UNIX_EPOCH, frame, &mut messages);
    }
    assert_eq!(messages.len(), frames.len(), "{name}");
    messages
}

fn decoded_pictures(ts: &Bytes) -> usize {
    let args = [
        "-i",
        "-",
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ];
    let text = String::from_utf8(run("ffmpeg", &args, ts)).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).count()
}

fn grows(stamps: &[(i64, i64, u32)]) -> bool {
    stamps.windows(2).all(|two| two[1].0 > two[0].0)
}

#[test]
fn a_jump_is_one_marked_discontinuity_and_time_goes_on() {
    let source = h264_aac();
    let half = source.len() / 188 / 2;
    assert!(
        (150..1_000).contains(&half),
        "{half} packets: choose the jumps anew"
    );
    let cases: [(&str, Move); 2] = [
        ("an hour forward", |n, _, stamp| {
            stamp + 3_600 * 90_000 * i64::from(n > 200)
        }),
        ("an hour back", |n, _, stamp| {
            stamp + 3_600 * 90_000 * i64::from(n <= 200)
        }),
    ];
    for (name, jump) in cases {
        let frames = demux(&moved(&source, jump));
        let stamps = pictures(&frames);
        assert_eq!(stamps.len(), 50, "{name}");
        assert!(grows(&stamps), "{name}: {stamps:?}");
        assert_eq!((stamps[0].2, stamps[49].2), (0, 1), "{name}");
        let span = stamps[49].0 - stamps[0].0;
        assert!((span - 49 * 3_600).abs() < 45_000, "{name}: {span}");
        let messages = muxed(&frames, name);
        let ms: Vec<u32> = messages
            .iter()
            .map(|message| message.timestamp_ms)
            .collect();
        let (least, most) = (ms.iter().min().unwrap(), ms.iter().max().unwrap());
        assert!(most - least < 3_000, "{name}: RTMP goes on too");
    }
}

#[test]
fn a_wrap_of_the_33_bit_clock_is_no_discontinuity() {
    let source = h264_aac();
    let plain = pictures(&demux(&source));
    // FFmpeg's first stamps are near 1.4 s: the turn is crossed a second later.
    let frames = demux(&moved(&source, |_, _, stamp| stamp + TURN - 220_000));
    let stamps = pictures(&frames);
    assert!(
        grows(&stamps) && stamps.iter().all(|stamp| stamp.2 == 0),
        "{stamps:?}"
    );
    let steps = |stamps: &[(i64, i64, u32)]| -> Vec<i64> {
        stamps.iter().map(|stamp| stamp.1 - stamps[0].1).collect()
    };
    assert_eq!(steps(&stamps), steps(&plain));
    muxed(&frames, "wrap");
}

#[test]
fn sound_that_drifts_stays_where_it_is_stamped_and_breaks_nothing() {
    // A hundredth too fast: 20 ms over these 2 s, as an encoder with two clocks has in minutes.
    let drifting = moved(&h264_aac(), |_, pid, stamp| {
        if pid == 0x101 {
            stamp + (stamp - 126_000) / 100
        } else {
            stamp
        }
    });
    let frames = demux(&drifting);
    assert_eq!(pictures(&frames), pictures(&demux(&h264_aac())));
    let sound: Vec<i64> = frames
        .iter()
        .filter(|f| f.track.0 == 1)
        .map(|f| f.dts.0)
        .collect();
    assert!(
        sound
            .windows(2)
            .all(|two| (1..2_700).contains(&(two[1] - two[0]))),
        "{sound:?}"
    );
    muxed(&frames, "drift");
}

#[test]
fn a_pes_packet_without_stamps_is_left_out_with_one_complaint_and_the_rest_goes_on() {
    let mut ts = h264_aac().to_vec();
    let mut starts = 0;
    for bytes in ts.as_chunks_mut::<188>().0 {
        let packet = Packet::new(bytes).unwrap();
        let (pid, start) = (packet.pid().get(), packet.unit_start());
        let Some(at) = packet.payload_offset().filter(|_| pid == 0x100 && start) else {
            continue;
        };
        starts += 1;
        // PTS_DTS_flags to none: the fields become stuffing.
        if starts % 10 == 0 {
            bytes[at + 7] &= 0x3F;
        }
    }
    let mut demuxer = Demuxer::new();
    let mut frames = feed(&mut demuxer, &chunks(&ts.into()));
    demuxer.finish(&mut frames);
    let complaints = demuxer.complaints();
    assert_eq!(
        complaints,
        ["PID 0x100: a PES packet without PTS is left out"]
    );
    assert_eq!(pictures(&frames).len(), 45);
    assert!(grows(&pictures(&frames)));
    muxed_loosely(&frames);
}

/// As [`muxed`], where pictures lack those they refer to.
fn muxed_loosely(frames: &[Frame]) {
    assert_eq!(demux(&join(&mux(frames))).len(), frames.len());
}

#[test]
fn stamps_that_stand_still_or_run_back_a_little_do_not_stop_a_muxer() {
    let cases: [(&str, Move); 2] = [
        // One stamp for five packets: an encoder with a coarse clock.
        ("coarse", |_, _, stamp| stamp / 18_000 * 18_000),
        ("jitter", |n, _, stamp| {
            stamp + [0, 9_000, -9_000, 4_000][n % 4]
        }),
    ];
    for (name, change) in cases {
        let frames = demux(&moved(&h264_aac(), change));
        assert_eq!(pictures(&frames).len(), 50, "{name}");
        assert!(
            frames
                .iter()
                .all(|frame| frame.epoch == 0 && frame.pts >= frame.dts),
            "{name}"
        );
        let clock = |chunks: &[TsChunk]| -> Vec<i64> {
            let data = join(chunks);
            let of = |p: Packet<'_>| Some(p.adaptation()?.pcr()?.base() as i64);
            Packet::iter(&data).filter_map(of).collect()
        };
        let pcr = clock(&mux(&frames));
        assert!(
            pcr.windows(2).all(|two| two[1] >= two[0]),
            "{name}: the clock never runs back"
        );
        muxed_loosely(&frames);
    }
}

#[test]
fn b_frames_fields_and_variable_rates_keep_the_stamps_they_came_with() {
    let cases = [
        (
            "B-frames",
            "testsrc2=size=128x72:rate=25:duration=2",
            "-bf 3 -g 24",
        ),
        (
            "59.94 fields",
            "testsrc2=size=128x72:rate=60000/1001:duration=2",
            "-flags +ilme+ildct -g 60",
        ),
        (
            "variable",
            "testsrc2=size=128x72:rate=50:duration=2,select='not(mod(n\\,7))+lt(n\\,30)'",
            "-g 24",
        ),
    ];
    for (name, picture, options) in cases {
        let sound = "sine=frequency=440:sample_rate=48000:duration=2";
        let options = format!("-fps_mode passthrough -c:v libx264 -threads 1 {options} -c:a aac");
        let ts = generate(&[picture, sound], &options);
        let frames = demux(&ts);
        assert_eq!(as_probed(&frames), probe(&ts), "{name}");
        let messages = muxed(&frames, name);
        let pictures = frames
            .iter()
            .zip(&messages)
            .filter(|(frame, _)| frame.track.0 == 0);
        for (frame, message) in pictures {
            assert_eq!(message.timestamp_ms as i64, frame.dts.as_ms(), "{name}");
        }
    }
}
