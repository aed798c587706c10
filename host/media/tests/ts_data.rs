//! Metadata and Opus through transport streams, judged by FFmpeg.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ts_support;

use bytes::Bytes;
use media::codec::{opus, scte35};
use media::frame::Audio;
use media::ts::mux::{LEAD, Muxer};
use media::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use std::sync::Arc;
use std::time::SystemTime;
use ts_support::*;

/// SCTE 35 §14.1: a time signal at PTS 0x072bd0050.
const SPLICE: &[u8] = &[
    0xFC, 0x30, 0x34, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xF0, 0x05, 0x06, 0xFE, 0x72,
    0xBD, 0x00, 0x50, 0x00, 0x1E, 0x02, 0x1C, 0x43, 0x55, 0x45, 0x49, 0x48, 0x00, 0x00, 0x8E, 0x7F,
    0xCF, 0x00, 0x01, 0xA5, 0x99, 0xB0, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x2C, 0xA0, 0xA1, 0x8A,
    0x34, 0x02, 0x00, 0x9A, 0xC9, 0xD1, 0x7E,
];
/// ID3v2.4 with one empty frame, TIT2.
const TAG: &[u8] = b"ID3\x04\x00\x00\x00\x00\x00\x0DTIT2\x00\x00\x00\x03\x00\x00\x03hi";
/// A MISB label with one local item.
const KLV: &[u8] =
    b"\x06\x0E\x2B\x34\x02\x0B\x01\x01\x0E\x01\x03\x01\x01\x00\x00\x00\x03\x41\x01\x0B";

const DATA: [(Codec, &[u8]); 3] = [
    (Codec::Scte35, SPLICE),
    (Codec::Id3, TAG),
    (Codec::Klv, KLV),
];

/// `source` with metadata of all kinds before every 20th frame.
fn with_data(source: &[Frame]) -> Vec<Frame> {
    let mut tracks = Tracks::clone(&source[0].tracks);
    let first = tracks.list.len() as u8;
    for (at, (codec, _)) in DATA.into_iter().enumerate() {
        tracks.list.push(Track {
            id: TrackId(first + at as u8),
            codec,
            language: None,
        });
    }
    let tracks = Arc::new(tracks);
    let mut frames = Vec::new();
    for (index, frame) in source.iter().enumerate() {
        let frame = Frame {
            tracks: Arc::clone(&tracks),
            ..frame.clone()
        };
        for (at, (_, payload)) in DATA.into_iter().enumerate().filter(|_| index % 20 == 10) {
            frames.push(Frame {
                track: TrackId(first + at as u8),
                pts: frame.dts,
                random_access: false,
                payload: Bytes::from_static(payload),
                ..frame.clone()
            });
        }
        frames.push(frame);
    }
    frames
}

fn of_kind(frames: &[Frame], codec: &Codec) -> Vec<Frame> {
    let mine = |frame: &&Frame| &frame.tracks.get(frame.track).unwrap().codec == codec;
    frames.iter().filter(mine).cloned().collect()
}

#[test]
fn metadata_survives_a_transport_stream_in_place_and_leads_nowhere() {
    let sent = with_data(&demux(&h264_aac()));
    let got = demux(&join(&mux(&sent)));
    assert_eq!(got[0].tracks, sent[0].tracks);
    for (codec, payload) in DATA {
        let (sent, got) = (of_kind(&sent, &codec), of_kind(&got, &codec));
        assert_eq!(sent.len(), got.len(), "{codec:?}");
        assert!(sent.len() > 5);
        for (sent, got) in sent.iter().zip(&got) {
            assert!(!got.random_access && got.epoch == 0);
            if codec == Codec::Scte35 {
                // It names times of the stream, which moved.
                assert_eq!(got.payload, scte35::shift(&sent.payload, LEAD));
                let late = got.dts - (sent.dts + LEAD);
                assert!(late.0.abs() <= 36_000, "{late}");
            } else {
                assert_eq!((got.dts, &got.payload[..]), (sent.dts + LEAD, payload));
            }
        }
    }
}

#[test]
fn ffmpeg_knows_the_metadata_streams_and_reads_what_was_sent() {
    let sent = with_data(&demux(&h264_aac()));
    let ts = join(&mux(&sent));
    let entries = ["-show_entries", "stream=codec_name", "-of", "csv=p=0", "-"];
    let names = String::from_utf8(run("ffprobe", &entries, &ts)).unwrap();
    let names: Vec<&str> = names.split_whitespace().collect();
    assert!(
        names.ends_with(&["h264", "aac", "scte_35", "timed_id3", "klv"]),
        "{names:?}"
    );
    for (stream, (codec, payload)) in ["0:2", "0:3", "0:4"].into_iter().zip(DATA) {
        let args = ["-i", "-", "-map", stream, "-c", "copy", "-f", "data", "-"];
        let count = of_kind(&sent, &codec).len();
        let payload = Bytes::from_static(payload);
        let one = match codec {
            Codec::Scte35 => scte35::shift(&payload, LEAD),
            // FFmpeg 5.1 takes five bytes of every 0x15 stream for a cell's head; Apple's
            // timed metadata has none.
            Codec::Id3 => payload.slice(5..),
            _ => payload,
        };
        assert_eq!(run("ffmpeg", &args, &ts), one.repeat(count), "{codec:?}");
    }
    assert_eq!(decoded(&ts, "0:v"), decoded(&h264_aac(), "0:v"));
}

#[test]
fn metadata_of_another_time_breaks_nothing_and_is_given_the_time_it_came() {
    let mut sent = with_data(&demux(&h264_aac()));
    let plain = demux(&join(&mux(&sent)));
    for frame in &mut sent {
        if frame.tracks.get(frame.track).unwrap().codec == Codec::Id3 {
            frame.pts += Ticks90k(5_000 * 90_000);
            frame.dts = frame.pts;
        }
    }
    let got = demux(&join(&mux(&sent)));
    let media = |frames: &[Frame]| -> Vec<_> {
        let seen = frames.iter().filter(|frame| frame.track.0 < 2);
        seen.map(|frame| (frame.track, frame.dts, frame.epoch))
            .collect()
    };
    assert_eq!(media(&got), media(&plain));
    let (tags, before) = (of_kind(&got, &Codec::Id3), of_kind(&plain, &Codec::Id3));
    assert_eq!(tags.len(), before.len());
    for (tag, before) in tags.iter().zip(&before) {
        assert!((tag.dts - before.dts).0.abs() <= 36_000 && tag.epoch == 0);
    }
}

#[test]
fn splice_times_follow_when_the_stream_jumps() {
    let mut sent = with_data(&demux(&h264_aac()));
    let jump = Ticks90k(1_000 * 90_000);
    let middle = sent.len() / 2;
    for frame in &mut sent[middle..] {
        frame.dts += jump;
        frame.pts += jump;
    }
    let got = demux(&join(&mux(&sent)));
    let last = of_kind(&got, &Codec::Scte35).pop().unwrap();
    assert_eq!(last.epoch, 1);
    let back = scte35::shift(&last.payload, jump);
    let (low, high) = (back[5..9].try_into().unwrap(), back[4] & 1);
    let moved = i64::from(high) << 32 | i64::from(u32::from_be_bytes(low));
    // By as much as the frames, which go on one step after the last one.
    assert!((moved - LEAD.0).abs() < 90_000, "{moved}");
}

/// H.264 and Opus of 5.1 channels, made by FFmpeg.
fn h264_opus() -> Bytes {
    let inputs = [
        "testsrc2=size=128x72:rate=25:duration=2",
        "anoisesrc=seed=1:sample_rate=48000:duration=2",
    ];
    generate(
        &inputs,
        "-c:v libx264 -bf 2 -g 12 -threads 1 -c:a libopus -ac 6",
    )
}

#[test]
fn ffmpegs_opus_has_its_stamps_and_channels_and_sounds_the_same_again() {
    let ts = h264_opus();
    let frames = demux(&ts);
    assert_eq!(as_probed(&frames), probe(&ts));
    let codec = &frames[0].tracks.audio().unwrap().codec;
    let audio = Audio {
        sample_rate_hz: 48_000,
        channels: 6,
    };
    assert_eq!(codec.audio(), Some(audio));
    let sounds = of_kind(&frames, codec);
    assert!(
        sounds
            .iter()
            .all(|frame| opus::packet_samples(&frame.payload) == Ok(960))
    );
    let again = join(&mux(&frames));
    let (before, after) = (decoded(&ts, "0:a"), decoded(&again, "0:a"));
    assert!(before.len() > 90 && before.len() <= after.len() + 1);
    assert_eq!(before[1..after.len()], after[1..]);
    assert_eq!(demux(&again)[0].tracks, frames[0].tracks);
}

#[test]
fn metadata_without_a_picture_in_sight_is_not_held_for_ever() {
    // A video PES without parameter sets, then 200 MB of tags: what the gate holds is bounded.
    let mut source = demux(&h264_aac());
    source.retain(|frame| frame.track.0 == 0 && !frame.random_access);
    let mut frames = with_data(&source[..25]);
    frames.retain(|frame| frame.track.0 != 1);
    let tag = frames
        .iter()
        .find(|frame| frame.track.0 == 3)
        .cloned()
        .unwrap();
    let mut demuxer = media::ts::demux::Demuxer::new();
    let mut muxer = Muxer::new("", "");
    let (mut out, mut got) = (Vec::new(), Vec::new());
    for frame in &frames {
        muxer.convert(SystemTime::UNIX_EPOCH, frame, &mut out);
    }
    for _ in 0..3_200 {
        let payload = Bytes::from(vec![0x49; 60_000]);
        let big = Frame {
            payload,
            ..tag.clone()
        };
        muxer.convert(SystemTime::UNIX_EPOCH, &big, &mut out);
        for chunk in out.drain(..) {
            demuxer.convert(SystemTime::UNIX_EPOCH, &chunk, &mut got);
        }
    }
    assert!(got.is_empty());
    demuxer.finish(&mut got);
    let held: usize = got.iter().map(|frame| frame.payload.len()).sum();
    assert!(held < 20 << 20, "{held}");
}
