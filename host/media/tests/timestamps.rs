//! Timestamps that go wrong in the field, from TS through frames to TS and RTMP messages: a
//! marked discontinuity where there is a break, and never a muxer that stops.
#![allow(clippy::unwrap_used, clippy::panic)]

mod fixtures;
mod ts_support;

use bytes::Bytes;
use fixtures::flv_file;
use media::cmaf::{Packager, Packaging};
use media::flv;
use media::timeline::Counters;
use media::ts::demux::Demuxer;
use media::ts::monitor::Monitor;
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

/// Through all muxers: every frame is written, and FFmpeg decodes every picture of the transport
/// stream, of FLV and of CMAF.
fn muxed(frames: &[Frame], name: &str) -> Vec<flv::Message> {
    let ts = join(&mux(frames));
    assert_eq!(demux(&ts).len(), frames.len(), "{name}");
    let wanted = pictures(frames).len();
    assert_eq!(decoded_pictures(&ts), wanted, "{name}: TS");
    // Behind a break parts begin at the next random access point, at most a group later.
    let broken = frames.iter().any(|frame| frame.epoch > 0);
    let least = wanted - usize::from(broken) * 12;
    let in_parts = decoded_pictures(&packaged(frames));
    assert!(
        (least..=wanted).contains(&in_parts),
        "{name}: CMAF {in_parts}"
    );
    let messages = published(frames);
    assert_eq!(messages.len(), frames.len(), "{name}");
    let flv = flv_of(frames, &messages);
    assert_eq!(decoded_pictures(&flv), wanted, "{name}: FLV");
    messages
}

fn published(frames: &[Frame]) -> Vec<flv::Message> {
    let (mut muxer, mut messages) = (flv::Muxer::default(), Vec::new());
    for frame in frames {
        muxer.convert(UNIX_EPOCH, frame, &mut messages);
    }
    messages
}

fn flv_of(frames: &[Frame], messages: &[flv::Message]) -> Bytes {
    flv_file::of(&[&headers(frames), messages].concat())
}

fn headers(frames: &[Frame]) -> Vec<flv::Message> {
    let first = &frames[0];
    flv::preface(&first.tracks, first.dts, flv::Abilities::ALL)
}

fn packaged(frames: &[Frame]) -> Bytes {
    let (mut packager, mut parts) = (Packager::new(Packaging::default()), Vec::new());
    for frame in frames {
        packager.convert(UNIX_EPOCH, frame, &mut parts);
    }
    parts.extend(packager.finish());
    let media = parts.iter().map(|part| part.data.clone());
    let file: Vec<Bytes> = [parts[0].header.muxed.clone()]
        .into_iter()
        .chain(media)
        .collect();
    file.concat().into()
}

fn decoded_pictures(file: &Bytes) -> usize {
    let args = "-i - -map 0:v -fps_mode passthrough -f framemd5 -";
    let args: Vec<_> = args.split(' ').collect();
    let text = String::from_utf8(run("ffmpeg", &args, file)).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).count()
}

/// What is counted of a transport stream that passes.
fn counted(ts: &Bytes) -> Counters {
    let mut monitor = Monitor::new();
    monitor.inspect(ts);
    monitor.stamps()
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
        let source = moved(&source, jump);
        let frames = demux(&source);
        let stamps = pictures(&frames);
        let wanted = Counters {
            jumps: 1,
            discontinuities: 1,
            ..Counters::default()
        };
        assert_eq!(counted(&source), wanted, "{name}");
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
    let wrapping = moved(&source, |_, _, stamp| stamp + TURN - 220_000);
    let wanted = Counters {
        wraps: 1,
        ..Counters::default()
    };
    assert_eq!(counted(&wrapping), wanted);
    let frames = demux(&wrapping);
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
fn a_jump_of_sound_alone_leaves_pictures_where_they_are() {
    let source = moved(&h264_aac(), |n, pid, stamp| {
        stamp + 3_600 * 90_000 * i64::from(pid == 0x101 && n > 200)
    });
    let frames = demux(&source);
    let plain = pictures(&demux(&h264_aac()));
    let steps = |stamps: &[(i64, i64, u32)]| -> Vec<(i64, i64)> {
        stamps.iter().map(|stamp| (stamp.0, stamp.1)).collect()
    };
    assert_eq!(steps(&pictures(&frames)), steps(&plain));
    let sound = frames.iter().filter(|frame| frame.track.0 == 1);
    let sound: Vec<i64> = sound.map(|frame| frame.dts.0).collect();
    assert!(
        sound
            .windows(2)
            .all(|two| (0..45_000).contains(&(two[1] - two[0]))),
        "{sound:?}"
    );
    assert_eq!(counted(&source).discontinuities, 1);
    muxed(&frames, "sound alone");
}

/// Two minutes of sound whose clock is a 500th too fast, as it comes from an encoder with two
/// clocks; how far each frame of it is from where it belongs.
fn drifting() -> (Bytes, Vec<Frame>) {
    let inputs = [
        "testsrc2=size=64x36:rate=25:duration=120",
        "sine=frequency=440:sample_rate=48000:duration=120",
    ];
    let options = "-c:v libx264 -pix_fmt yuv420p -preset ultrafast -g 50 -threads 1 -c:a aac";
    let plain = generate(&inputs, options);
    let drifting = moved(&plain, |_, pid, stamp| match pid {
        0x101 => stamp + (stamp - 126_000) / 500,
        _ => stamp,
    });
    (drifting, demux(&plain))
}

#[test]
fn sound_that_drifts_is_drawn_back_beside_its_pictures_and_breaks_nothing() {
    let (ts, plain) = drifting();
    let frames = demux(&ts);
    assert_eq!(pictures(&frames), pictures(&plain));
    let sound = |frames: &[Frame]| -> Vec<i64> {
        let sound = frames.iter().filter(|frame| frame.track.0 == 1);
        sound.map(|frame| frame.dts.0).collect()
    };
    let (drawn, plain) = (sound(&frames), sound(&plain));
    let steps: Vec<i64> = drawn.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(steps.iter().all(|step| (1_850..2_050).contains(step)));
    let away = drawn.last().unwrap() - plain.last().unwrap();
    assert!((90..230 * 90).contains(&away), "{away} of 21600 are left");
    assert!(away < 21_600 - 2_000, "{away}: it is being drawn back");
    let counted = counted(&ts);
    assert_eq!((counted.drifts, counted.discontinuities), (1, 0));
    assert!((-200..-20).contains(&counted.drift_ms), "{counted:?}");
    muxed(&frames, "drift");
}

#[test]
fn the_same_drift_over_rtmp_is_drawn_back_too() {
    let (_, plain) = drifting();
    // As the encoder's sound reaches the muxer: in the order of capture.
    let as_stamped: Vec<Frame> = plain
        .iter()
        .map(|frame| {
            let by = i64::from(frame.track.0 == 1) * (frame.dts.0 - 126_000) / 500;
            let mut frame = frame.clone();
            frame.dts.0 += by;
            frame.pts.0 += by;
            frame
        })
        .collect();
    let mut demuxer = flv::Demuxer::new();
    let mut frames = Vec::new();
    for message in headers(&plain).iter().chain(&published(&as_stamped)) {
        let body = message.to_body();
        demuxer.push(message.kind, message.timestamp_ms, &body, &mut frames);
    }
    assert_eq!(frames.len(), plain.len());
    let counted = demuxer.stamps();
    assert_eq!((counted.drifts, counted.discontinuities), (1, 0));
    assert!((-200..-20).contains(&counted.drift_ms), "{counted:?}");
    muxed(&frames, "drift over RTMP");
}

#[test]
fn pictures_stamped_when_they_are_shown_get_decoding_times() {
    let plain = demux(&h264_aac());
    // A publisher that knows no composition times: what it says is when each is shown.
    let mut messages = published(&plain);
    for message in messages.iter_mut().filter(|it| it.kind == flv::Kind::Video) {
        let body = message.to_body();
        let shown = i32::from_be_bytes([0, body[2], body[3], body[4]]);
        message.timestamp_ms = message.timestamp_ms.wrapping_add_signed(shown);
    }
    let mut demuxer = flv::Demuxer::new();
    let mut frames = Vec::new();
    for message in headers(&plain).iter().chain(&messages) {
        let mut body = message.to_body().to_vec();
        // But for metadata and sequence headers.
        if message.kind == flv::Kind::Video && body[1] == 1 {
            body[2..5].fill(0);
        }
        demuxer.push(
            message.kind,
            message.timestamp_ms,
            &body.into(),
            &mut frames,
        );
    }
    made_up(&frames, &plain, "RTMP");
    assert!(demuxer.stamps().repaired_dts > 30, "{:?}", demuxer.stamps());

    let mut ts = h264_aac().to_vec();
    for bytes in ts.as_chunks_mut::<188>().0 {
        let packet = Packet::new(bytes).unwrap();
        let start = packet.unit_start() && packet.pid().get() == 0x100;
        if let Some(at) = packet.payload_offset().filter(|_| start) {
            // PTS_DTS_flags to PTS alone: the DTS becomes stuffing.
            bytes[at + 7] &= 0xBF;
            bytes[at + 9] = bytes[at + 9] & 0x0F | 0x20;
            let fields = usize::from(bytes[at + 8]);
            bytes[at + 14..(at + 9 + fields).max(at + 14)].fill(0xFF);
        }
    }
    let ts = Bytes::from(ts);
    let frames = demux(&ts);
    made_up(&frames, &plain, "TS");
    // Without parameter sets the order is learnt, and of some the decoding time was right.
    assert!(counted(&ts).repaired_dts > 15, "{:?}", counted(&ts));
}

/// Pictures are shown when they were, and decoded before; the first group shows how they are
/// ordered.
fn made_up(frames: &[Frame], plain: &[Frame], name: &str) {
    let (made, plain) = (pictures(frames), pictures(plain));
    assert_eq!(made.len(), plain.len(), "{name}");
    let first = (made[0].1, plain[0].1);
    for (made, plain) in made.iter().zip(&plain) {
        let apart = (made.1 - first.0) - (plain.1 - first.1);
        assert!(
            apart.abs() <= 90 && made.0 <= made.1,
            "{name}: {made:?} {plain:?}"
        );
    }
    assert!(grows(&made[6..]), "{name}: {made:?}");
    assert!(made.iter().all(|stamp| stamp.2 == 0), "{name}");
    muxed_loosely(frames);
    assert_eq!(
        decoded_pictures(&packaged(frames)),
        made.len(),
        "{name}: CMAF"
    );
    let flv = flv_of(frames, &published(frames));
    assert_eq!(decoded_pictures(&flv), made.len(), "{name}: FLV");
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
        assert_eq!(counted(&ts), Counters::default(), "{name}");
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
