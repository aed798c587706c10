//! From each form of a stream to each other and to HLS, judged by ffmpeg.
#![allow(clippy::unwrap_used)]

mod fixtures;

use bytes::Bytes;
use fixtures::flv_file;
use media::hls::{Cutting, Segment, Segmenter};
use media::ts::demux::Demuxer as TsDemuxer;
use media::ts::monitor::Monitor;
use media::ts::mux::Muxer as TsMuxer;
use media::{Convert, Frame, TsChunk, flv};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Datagrams of seven packets, as a gateway hands them on.
fn watched(ts: &[u8]) -> Vec<TsChunk> {
    let mut monitor = Monitor::new();
    ts.chunks(7 * 188)
        .map(|data| TsChunk {
            data: Bytes::copy_from_slice(data),
            random_access: monitor.inspect(data).random_access,
            epoch: 0,
        })
        .collect()
}

fn segments(chunks: &[TsChunk]) -> Vec<Segment> {
    let mut segmenter = Segmenter::new(Cutting::default());
    let mut out = Vec::new();
    for chunk in chunks {
        segmenter.convert(UNIX_EPOCH, chunk, &mut out);
    }
    out.extend(segmenter.finish());
    out
}

fn frames_of_flv(name: &str) -> Vec<Frame> {
    let (mut demuxer, mut frames) = (flv::Demuxer::new(), Vec::new());
    for (kind, timestamp_ms, body) in flv_file::tags(fixtures::read(name).into()) {
        demuxer.push(kind, timestamp_ms, &body, &mut frames);
    }
    frames
}

fn frames_of_ts(ts: &[u8]) -> Vec<Frame> {
    let (mut demuxer, mut frames) = (TsDemuxer::new(), Vec::new());
    for chunk in watched(ts) {
        demuxer.convert(UNIX_EPOCH, &chunk, &mut frames);
    }
    demuxer.finish(&mut frames);
    frames
}

fn ts_of(frames: &[Frame]) -> Vec<TsChunk> {
    let (mut muxer, mut chunks) = (TsMuxer::new("Pointsman", "test"), Vec::new());
    for frame in frames {
        muxer.convert(UNIX_EPOCH, frame, &mut chunks);
    }
    chunks
}

fn flv_of(frames: &[Frame]) -> Bytes {
    let mut messages = flv::preface(&frames[0].tracks, frames[0].dts, flv::Abilities::ALL);
    let mut muxer = flv::Muxer::default();
    for frame in frames {
        muxer.convert(UNIX_EPOCH, frame, &mut messages);
    }
    flv_file::of(&messages)
}

/// MD5 of each decoded picture and of the decoded sound, without stamps.
fn content(file: &Path) -> Vec<String> {
    let args = ["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5"];
    let mut hashes = fixtures::ffmpeg(file, &args);
    hashes.retain(|line| !line.starts_with('#'));
    let last_column = |line: String| line.rsplit(' ').next().map(str::to_owned);
    let mut content: Vec<String> = hashes.into_iter().filter_map(last_column).collect();
    content.extend(fixtures::ffmpeg(file, &["-map", "0:a", "-f", "md5"]));
    content
}

fn assert_segments_play(test: &str, segments: &[Segment]) {
    let dir = fixtures::scratch(&format!("hls-forms-{test}"));
    let durations: Vec<i64> = segments.iter().map(|s| s.duration.as_ms()).collect();
    assert_eq!(durations, [2_000, 2_000, 2_000, 400], "{test}");
    for (segment, pictures) in segments.iter().zip([50, 50, 50, 10]) {
        let file = dir.join(format!("{}.ts", segment.sequence));
        std::fs::write(&file, &segment.data).unwrap();
        assert_eq!(fixtures::decoded_pictures(&file), pictures, "{test}");
    }
}

#[test]
fn a_transport_stream_is_cut_where_the_monitor_sees_entry_points() {
    for name in ["h264_aac.ts", "hevc_aac.ts"] {
        assert_segments_play(name, &segments(&watched(&fixtures::read(name))));
    }
}

#[test]
fn frames_from_flv_become_transport_stream_and_segments() {
    let chunks = ts_of(&frames_of_flv("h264_aac.flv"));
    assert_segments_play("flv", &segments(&chunks));
    let file = fixtures::scratch("forms").join("from_flv.ts");
    let bytes: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.data.to_vec())
        .collect();
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(content(&file), content(&fixtures::path("h264_aac.flv")));
}

#[test]
fn frames_from_a_transport_stream_become_segments_again() {
    for name in ["h264_aac.ts", "hevc_aac.ts"] {
        let chunks = ts_of(&frames_of_ts(&fixtures::read(name)));
        assert_segments_play(&format!("again-{name}"), &segments(&chunks));
    }
}

#[test]
fn frames_from_a_transport_stream_become_flv_with_the_same_content() {
    let file = fixtures::scratch("forms").join("from_ts.flv");
    std::fs::write(&file, flv_of(&frames_of_ts(&fixtures::read("h264_aac.ts")))).unwrap();
    assert_eq!(content(&file), content(&fixtures::path("h264_aac.ts")));
}
