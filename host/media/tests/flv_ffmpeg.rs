//! FLV tags against ffmpeg's, both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use bytes::{BufMut, Bytes, BytesMut};
use fixtures::flv_file;
use media::flv::{self, Demuxer, Kind, Message, Muxer};
use media::{Codec, Convert, Frame, Ticks90k};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

fn demux(demuxer: &mut Demuxer, tags: &[(Kind, u32, Bytes)]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (kind, timestamp_ms, body) in tags {
        demuxer.push(*kind, *timestamp_ms, body, &mut frames);
    }
    frames
}

fn fixture(name: &str) -> Vec<(Kind, u32, Bytes)> {
    flv_file::tags(fixtures::read(name).into())
}

fn mux(frames: &[Frame]) -> Vec<Message> {
    let first = frames.first().unwrap();
    let mut messages = flv::preface(&first.tracks, first.dts, flv::Abilities::ALL);
    let mut muxer = Muxer::default();
    for frame in frames {
        muxer.convert(UNIX_EPOCH, frame, &mut messages);
    }
    assert_eq!(muxer.complaints(), [""; 0]);
    messages
}

#[test]
fn frames_have_the_stamps_sizes_and_key_flags_that_ffprobe_reads() {
    let entries = "packet=stream_index,pts,dts,size,flags";
    let file = fixtures::path("h264_aac.flv");
    let wanted = fixtures::ffprobe(&file, &["-show_entries", entries, "-of", "csv=p=0"]);
    let frames = demux(&mut Demuxer::new(), &fixture("h264_aac.flv"));
    let found: Vec<String> = frames
        .iter()
        .map(|frame| {
            let is_video = frame.track.0 == 0;
            let key = if frame.random_access || !is_video {
                "K_"
            } else {
                "__"
            };
            let (pts, dts) = (frame.pts.as_ms(), frame.dts.as_ms());
            format!(
                "{},{pts},{dts},{},{key}",
                frame.track.0,
                frame.payload.len()
            )
        })
        .collect();
    assert!(wanted.len() > 400);
    assert_eq!(found, wanted);
}

#[test]
fn payloads_are_slices_of_the_messages() {
    let tags = fixture("h264_aac.flv");
    let frames = demux(&mut Demuxer::new(), &tags);
    let inside = |frame: &Frame| {
        let range = frame.payload.as_ptr_range();
        tags.iter().any(|(_, _, body)| {
            let body = body.as_ptr_range();
            body.start <= range.start && range.end <= body.end
        })
    };
    assert!(frames.iter().all(inside));
}

#[test]
fn ffmpeg_reads_our_tags_as_it_reads_its_own() {
    let frames = demux(&mut Demuxer::new(), &fixture("h264_aac.flv"));
    let ours = fixtures::scratch("flv").join("remuxed.flv");
    std::fs::write(&ours, flv_file::of(&mux(&frames))).unwrap();
    let hashes = |file: &std::path::Path| fixtures::ffmpeg(file, &["-c", "copy", "-f", "framemd5"]);
    assert_eq!(hashes(&ours), hashes(&fixtures::path("h264_aac.flv")));
    assert_eq!(fixtures::decoded_pictures(&ours), 160);
}

#[test]
fn metadata_is_amf0_that_another_reader_understands() {
    use rml_amf0::Amf0Value::{Boolean, Number, Object, Utf8String};
    let frames = demux(&mut Demuxer::new(), &fixture("h264_aac.flv"));
    let mut body = flv::SET_DATA_FRAME.to_vec();
    body.extend_from_slice(&flv::on_metadata(&frames[0].tracks));
    let values = rml_amf0::deserialize(&mut body.as_slice()).unwrap();
    let [Utf8String(command), Utf8String(name), Object(properties)] = &values[..] else {
        panic!("{values:?}");
    };
    assert_eq!(
        (command.as_str(), name.as_str()),
        ("@setDataFrame", "onMetaData")
    );
    for (key, value) in [("width", 128.0), ("height", 72.0), ("framerate", 25.0)]
        .into_iter()
        .chain([
            ("videocodecid", 7.0),
            ("audiocodecid", 10.0),
            ("audiosamplerate", 48_000.0),
        ])
    {
        assert_eq!(properties[key], Number(value), "{key}");
    }
    assert_eq!(properties["stereo"], Boolean(true));
}

#[test]
fn a_publisher_with_one_track_starts_after_a_second_and_loses_nothing() {
    for (file, is_video) in [("h264_only.flv", true), ("aac_only.flv", false)] {
        let tags = fixture(file);
        let mut demuxer = Demuxer::new();
        let mut frames = Vec::new();
        let mut started_ms = None;
        for (kind, timestamp_ms, body) in &tags {
            demuxer.push(*kind, *timestamp_ms, body, &mut frames);
            if !frames.is_empty() {
                started_ms.get_or_insert(*timestamp_ms);
            }
        }
        assert!(
            (900..=1_200).contains(&started_ms.unwrap()),
            "{file}: {started_ms:?}"
        );
        let packets = ["-show_entries", "packet=pts", "-of", "csv=p=0"];
        assert_eq!(
            frames.len(),
            fixtures::ffprobe(&fixtures::path(file), &packets).len()
        );
        assert_eq!(frames[0].tracks.list.len(), 1);
        assert_eq!(frames[0].tracks.video().is_some(), is_video);
        assert!(is_video || frames.iter().all(|frame| frame.random_access));
    }
}

#[test]
fn a_header_that_comes_late_makes_new_tracks() {
    let (video, audio) = (fixture("h264_only.flv"), fixture("aac_only.flv"));
    let mut demuxer = Demuxer::new();
    let mut frames = demux(&mut demuxer, &audio);
    assert!(frames.iter().all(|frame| frame.tracks.list.len() == 1));
    frames.clear();
    for (kind, timestamp_ms, body) in video {
        demuxer.push(kind, timestamp_ms + 6_400, &body, &mut frames);
    }
    assert_eq!(frames.len(), 160);
    assert!(frames.iter().all(|frame| frame.tracks.list.len() == 2));
}

#[test]
fn a_repeated_header_changes_nothing_and_a_different_one_the_tracks() {
    let first = fixture("h264_aac.flv");
    let mut demuxer = Demuxer::new();
    demux(&mut demuxer, &first);
    let before = Arc::clone(demuxer.tracks().unwrap());
    let headers = &first[..3]; // metadata, video, audio
    assert!(demux(&mut demuxer, headers).is_empty());
    assert!(Arc::ptr_eq(&before, demuxer.tracks().unwrap()));
    let other = Bytes::from_static(&[0xaf, 0, 0x12, 0x08]); // 44.1 kHz, mono
    demuxer.push(Kind::Audio, 0, &other, &mut Vec::new());
    assert!(!Arc::ptr_eq(&before, demuxer.tracks().unwrap()));
    let Some(Codec::Aac { audio, .. }) = demuxer.tracks().unwrap().audio().map(|t| &t.codec) else {
        panic!("no audio");
    };
    assert_eq!((audio.sample_rate_hz, audio.channels), (44_100, 1));
}

#[test]
fn a_format_without_a_place_is_named_once() {
    let mut demuxer = Demuxer::new();
    assert!(demux(&mut demuxer, &fixture("mp3_only.flv")).is_empty());
    assert_eq!(
        demuxer.complaints(),
        ["FLV audio format MP3 is not supported"]
    );
    demuxer.push(
        Kind::Video,
        0,
        &Bytes::from_static(b"\x90vvc1"),
        &mut Vec::new(),
    );
    demuxer.push(
        Kind::Audio,
        0,
        &Bytes::from_static(&[0x2f, 0]),
        &mut Vec::new(),
    );
    assert_eq!(
        demuxer.complaints(),
        ["FLV video format vvc1 is not supported"]
    );
}

#[test]
fn stamps_go_on_over_the_turn_of_the_32_bit_clock() {
    let mut demuxer = Demuxer::new();
    let start = u32::MAX - 3_000;
    let mut frames = Vec::new();
    for (kind, timestamp_ms, body) in fixture("h264_aac.flv") {
        demuxer.push(kind, timestamp_ms.wrapping_add(start), &body, &mut frames);
    }
    assert!(frames.iter().all(|frame| frame.epoch == 0));
    let last = frames.last().unwrap().dts.as_ms();
    assert!(last > i64::from(u32::MAX) + 3_000, "{last}");
    let wire: Vec<u32> = mux(&frames)
        .iter()
        .map(|message| message.timestamp_ms)
        .collect();
    assert!(wire.iter().any(|ms| *ms < 4_000) && wire.iter().any(|ms| *ms >= start));
}

#[test]
fn units_that_have_no_place_in_a_frame_are_taken_out() {
    let mut demuxer = Demuxer::new();
    let tags = fixture("h264_aac.flv");
    demux(&mut demuxer, &tags[..3]);
    // AUD, SPS, IDR slice; an access unit as remuxed from a transport stream.
    let body =
        Bytes::from_static(b"\x17\x01\0\0\0\0\0\0\x02\x09\xf0\0\0\0\x02\x67\x64\0\0\0\x02\x65\x88");
    let frames = demux(&mut demuxer, &[(Kind::Video, 0, body)]);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].payload[..], [0, 0, 0, 2, 0x65, 0x88]);
    assert!(frames[0].random_access);
}

/// Frames of an HEVC stream, as another gateway would make them.
fn hevc_frames() -> Vec<Frame> {
    let file = fixtures::read("hevc_aac.mp4");
    let at = memchr::memmem::find(&file, b"hvcC").unwrap();
    let size = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    let config = Bytes::copy_from_slice(&file[at + 4..at - 4 + size]);
    let mut video_header = BytesMut::from(&[0x1c, 0, 0, 0, 0][..]); // the private CodecID 12
    video_header.put_slice(&config);
    let mut frames = Vec::new();
    let mut demuxer = Demuxer::new();
    demuxer.push(Kind::Video, 0, &video_header.freeze(), &mut frames);
    demuxer.push(
        Kind::Audio,
        0,
        &Bytes::from_static(&[0xaf, 0, 0x11, 0x90]),
        &mut frames,
    );
    for (ms, composition, header, unit) in [
        (0, 80, 0x1c, 0x26),
        (40, 0, 0x2c, 0x02),
        (80, 40, 0x2c, 0x02),
    ] {
        let body = vec![header, 1, 0, 0, composition, 0, 0, 0, 3, unit, 1, 0xaf];
        demuxer.push(Kind::Video, ms, &body.into(), &mut frames);
    }
    assert_eq!(demuxer.complaints(), [""; 0]);
    frames
}

#[test]
fn private_hevc_comes_in_and_enhanced_hevc_goes_out_and_comes_back() {
    let frames = hevc_frames();
    let messages = mux(&frames);
    let bodies: Vec<Bytes> = messages.iter().map(Message::to_body).collect();
    assert_eq!(bodies[1][..6], *b"\x90hvc1\x01", "sequence start");
    assert_eq!(bodies[3][..8], *b"\x91hvc1\x00\x00\x50", "key frame, 80 ms");
    assert_eq!(
        bodies[4][..9],
        *b"\xa3hvc1\x00\x00\x00\x03",
        "no composition time"
    );
    let mut demuxer = Demuxer::new();
    let tags: Vec<_> = messages
        .iter()
        .map(|m| (m.kind, m.timestamp_ms, m.to_body()))
        .collect();
    let back = demux(&mut demuxer, &tags);
    let essence = |frames: &[Frame]| -> Vec<(Ticks90k, Ticks90k, bool, Bytes)> {
        frames
            .iter()
            .map(|f| (f.dts, f.pts, f.random_access, f.payload.clone()))
            .collect()
    };
    assert_eq!(essence(&back), essence(&frames));
    assert_eq!(*back[0].tracks, *frames[0].tracks);
    assert!(matches!(back[0].tracks.list[0].codec, Codec::Hevc { .. }));
}

proptest! {
    #[test]
    fn no_message_makes_the_demuxer_panic(
        messages in prop::collection::vec(
            (0usize..3, any::<u32>(), prop::collection::vec(any::<u8>(), 0..80)),
            0..40,
        ),
    ) {
        let mut demuxer = Demuxer::new();
        let mut frames = Vec::new();
        let headers = fixture("h264_aac.flv");
        for (kind, timestamp_ms, body) in headers.iter().take(3) {
            demuxer.push(*kind, *timestamp_ms, body, &mut frames);
        }
        for (kind, timestamp_ms, mut body) in messages {
            let kind = [Kind::Audio, Kind::Video, Kind::Data][kind];
            // Half of them past the first check.
            if let Some(first) = body.first_mut().filter(|first| **first & 1 == 1) {
                *first = if kind == Kind::Audio { 0xaf } else { 0x17 };
            }
            demuxer.push(kind, timestamp_ms, &body.into(), &mut frames);
        }
        for frame in &frames {
            prop_assert!(frame.pts >= frame.dts);
            prop_assert!(frame.tracks.get(frame.track).is_some());
        }
    }
}

#[test]
fn key_frames_count_as_entry_points_until_a_clean_picture_shows_that_there_are_better() {
    let mut demuxer = Demuxer::new();
    demux(&mut demuxer, &fixture("h264_aac.flv")[..3]);
    let mut entry = |first: u8, unit: u8, ms: u32| {
        let body = vec![first, 1, 0, 0, 0, 0, 0, 0, 2, unit, 0x88];
        demux(&mut demuxer, &[(Kind::Video, ms, body.into())])[0].random_access
    };
    assert!(entry(0x17, 0x41, 0), "called a key frame, no IDR");
    assert!(!entry(0x27, 0x41, 40));
    assert!(entry(0x17, 0x65, 80), "an IDR");
    assert!(!entry(0x17, 0x41, 120), "no longer");
}
