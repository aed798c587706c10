//! Sources joined into one stream, judged by the monitor, the demuxer and FFmpeg.
#![allow(clippy::unwrap_used)]

mod ts_support;

use bytes::{Bytes, BytesMut};
use media::Frame;
use media::ts::monitor::Monitor;
use media::ts::packet::{Adaptation, Packet, Pid};
use media::ts::psi::Pmt;
use media::ts::restamp::Restamper;
use ts_support::*;

/// `first` to its end, then `second`.
fn joined(first: &Bytes, second: &Bytes) -> Bytes {
    let mut restamper = Restamper::new();
    let mut out = BytesMut::new();
    for chunk in chunks(first) {
        out.extend_from_slice(&restamper.restamp(chunk.data));
    }
    restamper.splice(None);
    for chunk in chunks(second) {
        out.extend_from_slice(&restamper.restamp(chunk.data));
    }
    out.freeze()
}

#[test]
fn chunks_pass_untouched_until_a_splice() {
    let mut restamper = Restamper::new();
    for chunk in chunks(&h264_aac()) {
        let address = chunk.data.as_ptr();
        let passed = restamper.restamp(chunk.data.clone());
        assert_eq!((passed.as_ptr(), &passed), (address, &chunk.data));
    }
}

#[test]
fn a_splice_continues_stamps_one_frame_later() {
    let ts = h264_aac();
    let frames = demux(&joined(&ts, &ts));
    let video: Vec<&Frame> = frames.iter().filter(|frame| frame.track.0 == 0).collect();
    assert_eq!(video.len(), 100);
    assert!(
        video
            .windows(2)
            .all(|two| (two[1].dts - two[0].dts).0 == 3_600)
    );
    assert!(
        frames.iter().all(|frame| frame.epoch == 0),
        "no repair was needed"
    );
    // Sound keeps its distance to the picture.
    let audio: Vec<&Frame> = frames.iter().filter(|frame| frame.track.0 == 1).collect();
    let half = audio.len() / 2;
    let distance = |audio: &Frame, video: &Frame| audio.pts - video.pts;
    assert_eq!(
        distance(audio[half], video[50]),
        distance(audio[0], video[0])
    );
}

#[test]
fn counters_go_on_over_a_splice() {
    let ts = h264_aac();
    // An odd packet count, so that the counters do not meet by chance.
    let out = joined(&ts.slice(..ts.len() / 2 / 188 * 188), &ts);
    let mut monitor = Monitor::new();
    monitor.inspect(&out);
    assert_eq!(monitor.counters().continuity_errors, 0);
}

#[test]
fn a_gap_within_the_second_source_stays_visible() {
    let ts = h264_aac();
    let mut holed = BytesMut::from(&ts[..188 * 40]);
    holed.extend_from_slice(&ts[188 * 41..]);
    let out = joined(&ts, &holed.freeze());
    let mut monitor = Monitor::new();
    monitor.inspect(&out);
    assert_eq!(monitor.counters().continuity_errors, 1);
}

#[test]
fn tables_that_differ_get_the_next_version_and_equal_ones_keep_theirs() {
    let versions = |ts: &[u8]| {
        let mut versions: Vec<u8> = Packet::iter(ts)
            .filter(|packet| packet.pid() == Pid::new(0x1000))
            .map(|packet| {
                let payload = &packet.payload()[1..];
                let end = 3 + usize::from(payload[2]);
                Pmt::parse(&payload[..end]).unwrap().version
            })
            .collect();
        versions.dedup();
        versions
    };
    assert_eq!(versions(&joined(&h264_aac(), &hevc_aac())), [0, 1]);
    assert_eq!(versions(&joined(&h264_aac(), &h264_aac())), [0]);
}

#[test]
fn the_first_clock_after_a_splice_is_marked() {
    let ts = h264_aac();
    let out = joined(&ts, &ts);
    let marked: Vec<usize> = Packet::iter(&out)
        .enumerate()
        .filter(|(_, packet)| packet.adaptation().is_some_and(Adaptation::discontinuity))
        .map(|(at, _)| at)
        .collect();
    let [at] = marked[..] else {
        panic!("one mark expected, not {marked:?}")
    };
    assert!((ts.len() / 188..ts.len() / 188 + 20).contains(&at));
}

#[test]
fn a_splice_across_the_33_bit_turn_wraps() {
    let ahead = (1i64 << 33) / 90_000 - 3;
    let codec = format!(
        "-c:v libx264 -pix_fmt yuv420p -bf 2 -g 12 -c:a aac -output_ts_offset {ahead} -muxdelay 0"
    );
    let first = generate(
        &[
            "testsrc2=size=128x72:rate=25:duration=2",
            "sine=sample_rate=48000:duration=2",
        ],
        &codec,
    );
    let frames = demux(&joined(&first, &h264_aac()));
    let video: Vec<&Frame> = frames.iter().filter(|frame| frame.track.0 == 0).collect();
    assert!(video.last().unwrap().dts.0 > 1 << 33);
    assert!(
        video
            .windows(2)
            .all(|two| (two[1].dts - two[0].dts).0 == 3_600)
    );
}

#[test]
fn ffmpeg_decodes_both_sources_through_a_splice() {
    let ts = h264_aac();
    assert_eq!(decoded(&joined(&ts, &ts), "0:v").len(), 100);
}
