//! `Frames` from `Ts`, judged by ffprobe.
#![allow(clippy::unwrap_used)]

mod ts_support;

use bytes::{Bytes, BytesMut};
use media::codec::aac::AudioSpecificConfig;
use media::codec::adts::Header;
use media::ts::demux::Demuxer;
use media::ts::packet::{Packet, Pid};
use media::ts::pes::{AUDIO_STREAM_ID, write_header};
use media::ts::psi::{
    Pat, PatEntry, Pmt, PmtStream, StreamKind, pat_section, pmt_section, write_section,
};
use media::ts::restamp::Restamper;
use media::{Codec, Convert, Frame, TsChunk};
use std::sync::Arc;
use std::time::SystemTime;
use ts_support::*;

#[test]
fn h264_and_aac_have_the_stamps_and_key_frames_that_ffprobe_sees() {
    assert_eq!(as_probed(&demux(&h264_aac())), probe(&h264_aac()));
}

#[test]
fn hevc_and_aac_have_the_stamps_and_key_frames_that_ffprobe_sees() {
    assert_eq!(as_probed(&demux(&hevc_aac())), probe(&hevc_aac()));
}

#[test]
fn audio_alone_is_random_access_everywhere() {
    let frames = demux(&aac_alone());
    assert_eq!(as_probed(&frames), probe(&aac_alone()));
    assert!(frames.len() > 90 && frames.iter().all(|frame| frame.random_access));
    let Codec::Aac { audio, .. } = &frames[0].tracks.list[0].codec else {
        panic!("AAC expected")
    };
    assert_eq!((audio.sample_rate_hz, audio.channels), (48_000, 2));
}

#[test]
fn picture_size_and_rate_come_from_the_stream() {
    for ts in [h264_aac(), hevc_aac()] {
        let frames = demux(&ts);
        let (Codec::H264 { video, .. } | Codec::Hevc { video, .. }) =
            &frames[0].tracks.video().unwrap().codec
        else {
            panic!("video expected")
        };
        assert_eq!(
            (video.width, video.height, video.fps_milli),
            (128, 72, 25_000)
        );
    }
}

#[test]
fn all_tracks_are_known_from_the_first_frame_on_and_stay_the_same() {
    let frames = demux(&h264_aac());
    assert_eq!(frames[0].tracks.list.len(), 2);
    assert!(
        frames
            .iter()
            .all(|frame| Arc::ptr_eq(&frame.tracks, &frames[0].tracks))
    );
}

#[test]
fn a_stream_without_a_place_is_named_once_and_the_others_pass() {
    let ts = h264_aac_ac3();
    let mut demuxer = Demuxer::new();
    let frames = feed(&mut demuxer, &chunks(&ts));
    let complaints = demuxer.complaints();
    assert_eq!(
        complaints,
        ["PID 0x102: stream type 0x81 (AC-3) has no place in Frames"]
    );
    assert_eq!(frames[0].tracks.list.len(), 2);
    assert_eq!(frames[0].tracks.audio().unwrap().language, Some(*b"deu"));
    feed(&mut demuxer, &chunks(&ts));
    assert!(demuxer.complaints().is_empty());
}

/// Takes packets out of a stream.
fn without(ts: &Bytes, mut drop: impl FnMut(usize, Packet<'_>) -> bool) -> Bytes {
    let mut kept = BytesMut::new();
    for (index, packet) in Packet::iter(ts).enumerate() {
        if !drop(index, packet) {
            kept.extend_from_slice(packet.bytes());
        }
    }
    kept.freeze()
}

#[test]
fn a_lost_packet_costs_one_access_unit_and_is_counted() {
    let whole = demux(&h264_aac());
    let mut starts = 0;
    let mut after_start = false;
    // The packet after the start of the third picture.
    let ts = without(&h264_aac(), |_, packet| {
        if packet.pid() != Pid::new(0x100) {
            return false;
        }
        starts += u32::from(packet.unit_start());
        let hit = starts == 3 && after_start;
        after_start = starts == 3 && packet.unit_start();
        hit
    });
    let mut demuxer = Demuxer::new();
    let mut frames = feed(&mut demuxer, &chunks(&ts));
    demuxer.finish(&mut frames);
    assert_eq!(demuxer.damaged_units(), 1);
    assert_eq!(frames.len(), whole.len() - 1);
}

#[test]
fn a_mid_stream_join_starts_with_the_next_configuration() {
    let ts = h264_aac();
    let cut = ts.len() / 188 / 2 * 188;
    let frames = demux(&ts.slice(cut..));
    let first = frames
        .iter()
        .find(|frame| frame.tracks.video().unwrap().id == frame.track);
    assert!(first.unwrap().random_access);
    assert_eq!(frames[0].tracks.list.len(), 2);
}

#[test]
fn a_truncated_stream_yields_what_was_whole() {
    let ts = h264_aac();
    let whole = demux(&ts);
    let cut = demux(&ts.slice(..ts.len() / 2 / 188 * 188 + 100));
    assert!(!cut.is_empty() && cut.len() < whole.len());
    for (got, wanted) in cut.iter().zip(&whole).take(cut.len() - 2) {
        assert_eq!((got.dts, &got.payload), (wanted.dts, &wanted.payload));
    }
}

#[test]
fn the_33_bit_turn_is_crossed_without_a_break() {
    // 1 s before the turn.
    let mut ahead = (1i64 << 33) / 90_000;
    ahead -= 2;
    let offset = format!("-output_ts_offset {ahead} -muxdelay 0 -muxpreload 0");
    let codec = format!("-c:v libx264 -pix_fmt yuv420p -bf 2 -g 12 -c:a aac {offset}");
    let input = [
        "testsrc2=size=128x72:rate=25:duration=4",
        "sine=sample_rate=48000:duration=4",
    ];
    let frames = demux(&generate(&input, &codec));
    let video: Vec<&Frame> = frames.iter().filter(|frame| frame.track.0 == 0).collect();
    assert!(video.last().unwrap().dts.0 > 1 << 33 && video[0].dts.0 < 1 << 33);
    assert_eq!(video.len(), 100);
    assert!(
        video
            .windows(2)
            .all(|two| (two[1].dts - two[0].dts).0 == 3_600)
    );
    assert!(frames.iter().all(|frame| frame.epoch == 0));
}

#[test]
fn a_source_that_starts_over_goes_on_in_a_new_epoch_with_rising_stamps() {
    let ts = hevc_aac();
    let mut twice = BytesMut::from(&ts[..]);
    let far = generate(
        &[
            "testsrc2=size=128x72:rate=25:duration=2",
            "sine=sample_rate=48000:duration=2",
        ],
        "-c:v libx265 -x265-params log-level=none -c:a aac -output_ts_offset 1000",
    );
    twice.extend_from_slice(&far);
    let frames = demux(&twice.freeze());
    let video: Vec<&Frame> = frames.iter().filter(|frame| frame.track.0 == 0).collect();
    assert_eq!(video.len(), 100);
    assert!(
        video
            .windows(2)
            .all(|two| (1..9_000).contains(&(two[1].dts - two[0].dts).0))
    );
    assert_eq!((video[0].epoch, video[99].epoch), (0, 1));
    let audio: Vec<&Frame> = frames.iter().filter(|frame| frame.track.0 == 1).collect();
    assert_eq!((audio[0].epoch, audio.last().unwrap().epoch), (0, 1));
}

/// PAT and PMT that name `streams`.
fn tables(version: u8, streams: &[(u16, u8, StreamKind)]) -> BytesMut {
    let pmt_pid = Pid::new(0x20 + u16::from(version));
    let pat = Pat {
        stream_id: 1,
        version,
        programs: vec![PatEntry { number: 1, pmt_pid }],
    };
    let streams = streams
        .iter()
        .map(|&(pid, stream_type, kind)| PmtStream {
            pid: Pid::new(pid),
            stream_type,
            kind,
            language: None,
        })
        .collect();
    let pmt = Pmt {
        number: 1,
        version,
        pcr_pid: Pid::new(0x100),
        streams,
    };
    let mut out = BytesMut::new();
    write_section(&pat_section(&pat), Pid::PAT, &mut (version * 2), &mut out);
    write_section(&pmt_section(&pmt), pmt_pid, &mut 0, &mut out);
    out
}

#[test]
fn tables_that_change_mid_stream_are_followed() {
    let is_table = |packet: Packet<'_>| matches!(packet.pid().get(), 0 | 0x11 | 0x1000);
    let bare = without(&h264_aac(), |_, packet| is_table(packet));
    let (h264, aac) = (
        (0x100, 0x1B, StreamKind::H264),
        (0x101, 0x0F, StreamKind::AacAdts),
    );
    let middle = bare.len() / 376 * 188;
    let mut ts = tables(0, &[h264]);
    ts.extend_from_slice(&bare[..middle]);
    ts.extend_from_slice(&tables(1, &[h264, aac]));
    ts.extend_from_slice(&bare[middle..]);
    let frames = demux(&ts.freeze());
    let video = frames.iter().filter(|frame| frame.track.0 == 0).count();
    assert_eq!(video, 50, "video is not disturbed by the audio that joins");
    assert_eq!(frames[0].tracks.list.len(), 1);
    assert_eq!(frames.last().unwrap().tracks.list.len(), 2);
    assert!(frames.iter().any(|frame| frame.track.0 == 1));
}

#[test]
fn a_stream_that_never_comes_delays_the_others_by_two_seconds_at_most() {
    let is_table = |packet: Packet<'_>| matches!(packet.pid().get(), 0 | 0x11 | 0x1000);
    let ts = generate(
        &["testsrc2=size=128x72:rate=25:duration=4"],
        "-c:v libx264 -pix_fmt yuv420p -g 12",
    );
    let bare = without(&ts, |_, packet| is_table(packet));
    let (h264, aac) = (
        (0x100, 0x1B, StreamKind::H264),
        (0x101, 0x0F, StreamKind::AacAdts),
    );
    let mut ts = tables(0, &[h264, aac]);
    ts.extend_from_slice(&bare);
    let mut demuxer = Demuxer::new();
    let mut seen = 0;
    let mut out: Vec<Frame> = Vec::new();
    for chunk in chunks(&ts.freeze()) {
        demuxer.convert(SystemTime::UNIX_EPOCH, &chunk, &mut out);
        if seen == 0 && !out.is_empty() {
            let held = out.last().unwrap().dts - out[0].dts;
            assert!((180_000..190_000).contains(&held.0), "held {held}");
            seen = out.len();
        }
    }
    assert!(seen > 0 && out.len() > seen);
}

#[test]
fn a_chunk_epoch_is_passed_on() {
    let mut demuxer = Demuxer::new();
    let marked: Vec<TsChunk> = chunks(&h264_aac())
        .into_iter()
        .map(|chunk| TsChunk { epoch: 7, ..chunk })
        .collect();
    assert!(
        feed(&mut demuxer, &marked)
            .iter()
            .all(|frame| frame.epoch == 7)
    );
}

#[test]
fn a_new_picture_size_makes_new_tracks_from_its_first_picture_on() {
    let larger = generate(
        &[
            "testsrc2=size=192x108:rate=25:duration=2",
            "sine=sample_rate=48000:duration=2",
        ],
        "-c:v libx264 -pix_fmt yuv420p -g 12 -c:a aac -b:a 64k",
    );
    // Joined with continuous counters: a gap would cost the last picture before it.
    let mut restamper = Restamper::new();
    let mut both = BytesMut::from(&restamper.restamp(h264_aac())[..]);
    restamper.splice(None);
    both.extend_from_slice(&restamper.restamp(larger));
    let frames = demux(&both.freeze());
    let widths: Vec<u32> = frames
        .iter()
        .filter(|frame| frame.track.0 == 0)
        .map(|frame| match frame.tracks.video().unwrap().codec {
            Codec::H264 { video, .. } => video.width,
            _ => 0,
        })
        .collect();
    assert_eq!(widths, [[128; 50], [192; 50]].concat());
}

/// A PES packet of `payload`, as packets of `pid`.
fn pes_packets(pid: u16, pts: i64, payload: &[u8], counter: &mut u8) -> BytesMut {
    let mut pes = BytesMut::new();
    write_header(AUDIO_STREAM_ID, pts, pts, payload.len(), &mut pes);
    pes.extend_from_slice(payload);
    let mut out = BytesMut::new();
    for (index, body) in pes.chunks(184).enumerate() {
        let [high, low] = pid.to_be_bytes();
        let stuffing = 184 - body.len();
        let control = if stuffing > 0 { 0x30 } else { 0x10 };
        let start = u8::from(index == 0) << 6;
        out.extend_from_slice(&[0x47, start | high, low, control | *counter & 0x0F]);
        if stuffing > 0 {
            out.extend_from_slice(&[stuffing as u8 - 1]);
            out.extend_from_slice(&[[0].as_slice(), &[0xFF; 184]].concat()[..stuffing - 1]);
        }
        out.extend_from_slice(body);
        *counter = counter.wrapping_add(1);
    }
    out
}

#[test]
fn aac_frames_split_over_pes_packets_are_whole_and_in_time() {
    let whole = demux(&aac_alone());
    let Codec::Aac { config, .. } = &whole[0].tracks.list[0].codec else {
        panic!("AAC expected")
    };
    let config = AudioSpecificConfig::parse(config).unwrap();
    let mut es = Vec::new();
    let mut starts = Vec::new();
    for frame in &whole {
        starts.push(es.len());
        es.extend_from_slice(&Header::build(&config, frame.payload.len()).unwrap());
        es.extend_from_slice(&frame.payload);
    }
    // 700 bytes: no PES packet but the first begins with a frame, one ends within a header.
    let mut ts = tables(0, &[(0x100, 0x0F, StreamKind::AacAdts)]);
    let mut counter = 0;
    for (index, piece) in es.chunks(700).enumerate() {
        let first = starts.iter().position(|start| *start >= index * 700);
        let pts = first.map_or(0, |first| whole[first].pts.0);
        ts.extend_from_slice(&pes_packets(0x100, pts, piece, &mut counter));
    }
    let split = demux(&ts.freeze());
    assert_eq!(split.len(), whole.len());
    for (split, whole) in split.iter().zip(&whole) {
        assert_eq!(split.payload, whole.payload);
        // Rounding of 1024 samples to 90 kHz, once.
        assert!((split.pts - whole.pts).0.abs() <= 1, "{split:?} {whole:?}");
    }
}
