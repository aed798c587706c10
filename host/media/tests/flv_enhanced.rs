//! Enhanced RTMP: AV1, VP9, Opus and several tracks, on bytes built by hand from the
//! specification (Veovera, "Enhanced RTMP" v2): FFmpeg 5.1 and GStreamer 1.22 know none of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use bytes::Bytes;
use media::codec::{av1, opus, vp9};
use media::flv::{self, Abilities, AudioTag, Demuxer, FourCc, Kind, Muxer, VideoTag};
use media::frame::Video;
use media::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The frames of an IVF file: 32 bytes of head, then 12 before each.
fn ivf(name: &str) -> Vec<Bytes> {
    let mut rest = Bytes::from(fixtures::read(name)).slice(32..);
    let mut frames = Vec::new();
    while rest.len() > 12 {
        let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        frames.push(rest.slice(12..12 + size));
        rest = rest.slice(12 + size..);
    }
    frames
}

/// AV1 temporal units without delimiters, and their track.
fn av1_units() -> (Codec, Vec<Bytes>) {
    let units = ivf("av1.ivf");
    let config = av1::DecoderConfig::new(&units[0]).unwrap();
    let codec = Codec::Av1 {
        video: config.video().unwrap(),
        config: config.build(),
    };
    // Each begins with a delimiter of two bytes.
    let units = units.iter().map(|unit| unit.slice(2..)).collect();
    (codec, units)
}

fn vp9_frames() -> (Codec, Vec<Bytes>) {
    let frames = ivf("vp9.ivf");
    let key = vp9::KeyFrame::parse(&frames[0]).unwrap().unwrap();
    let codec = Codec::Vp9 {
        config: key.config().build(),
        video: key.video,
    };
    (codec, frames)
}

fn opus_packets() -> (Codec, Vec<Bytes>) {
    let head = opus::Head::new(2);
    let codec = Codec::Opus {
        audio: head.audio(),
        config: head.build(),
    };
    // CELT, 20 ms, one frame each.
    let packet = |n: u8| Bytes::from(vec![0b1111_1000, n, n]);
    (codec, (0..80).map(packet).collect())
}

/// Two pictures and two sounds, interleaved by time as a publisher sends them.
fn stream() -> Vec<Frame> {
    let sources = [av1_units(), opus_packets(), vp9_frames(), opus_packets()];
    let list = sources.iter().enumerate().map(|(id, (codec, _))| Track {
        id: TrackId(id as u8),
        codec: codec.clone(),
        language: None,
    });
    let tracks = Arc::new(Tracks {
        list: list.collect(),
    });
    let mut frames = Vec::new();
    for (id, (codec, units)) in sources.into_iter().enumerate() {
        let step = if codec.is_video() { 3_600 } else { 1_800 };
        for (n, payload) in units.into_iter().enumerate() {
            let key = match &codec {
                Codec::Av1 { .. } => av1::is_key(&payload),
                Codec::Vp9 { .. } => vp9::is_key(&payload),
                _ => false,
            };
            let time = Ticks90k(n as i64 * step);
            frames.push(Frame {
                tracks: tracks.clone(),
                track: TrackId(id as u8),
                dts: time,
                pts: time,
                random_access: key,
                epoch: 0,
                payload,
            });
        }
    }
    frames.sort_by_key(|frame| (frame.dts, frame.track));
    frames
}

fn messages(frames: &[Frame], abilities: Abilities) -> Vec<flv::Message> {
    let mut out = flv::preface(&frames[0].tracks, frames[0].dts, abilities);
    let mut muxer = Muxer::default();
    for frame in frames {
        muxer.convert(UNIX_EPOCH, frame, &mut out);
    }
    assert_eq!(muxer.complaints(), [""; 0]);
    out.retain(|message| abilities.meet(message.need));
    out
}

fn demux(messages: &[flv::Message]) -> (Demuxer, Vec<Frame>) {
    let (mut demuxer, mut frames) = (Demuxer::new(), Vec::new());
    for message in messages {
        let body = message.to_body();
        demuxer.push(message.kind, message.timestamp_ms, &body, &mut frames);
    }
    (demuxer, frames)
}

type Told = (Codec, i64, bool, Bytes);

/// By track, what a frame is; the numbers of tracks may differ.
fn told(frames: &[Frame], medium: fn(&Codec) -> bool, nth: usize) -> Vec<Told> {
    let tracks = &frames.last().unwrap().tracks;
    let track = tracks
        .list
        .iter()
        .filter(|t| medium(&t.codec))
        .nth(nth)
        .unwrap();
    let mine = frames.iter().filter(|frame| frame.track == track.id);
    mine.map(|frame| {
        let codec = frame.tracks.get(frame.track).unwrap().codec.clone();
        (
            codec,
            frame.pts.as_ms(),
            frame.random_access,
            frame.payload.clone(),
        )
    })
    .collect()
}

#[test]
fn two_pictures_and_two_sounds_survive_enhanced_messages() {
    let sent = stream();
    let (mut demuxer, got) = demux(&messages(&sent, Abilities::ALL));
    assert_eq!(demuxer.complaints(), [""; 0]);
    assert_eq!(sent.len(), got.len());
    for (medium, nth) in [
        (Codec::is_video as fn(&Codec) -> bool, 0),
        (Codec::is_video, 1),
        (Codec::is_audio, 0),
        (Codec::is_audio, 1),
    ] {
        let wanted = told(&sent, medium, nth);
        let found = told(&got, medium, nth);
        assert!(
            wanted
                .iter()
                .any(|(codec, _, key, _)| *key || codec.is_audio())
        );
        // The size of VP9 is learnt from its first key frame, with which it comes.
        assert_eq!(wanted, found, "{nth}");
    }
}

#[test]
fn a_peer_gets_what_it_announced_and_metadata_that_says_the_same() {
    let sent = stream();
    let has = |messages: &[flv::Message], needle: &[u8]| {
        memchr::memmem::find(&messages[0].payload, needle).is_some()
    };
    let cases: [(&[FourCc], bool, usize, bool, bool); 4] = [
        (&[], false, 0, false, false),
        (&[FourCc::Opus], false, 1, false, true),
        (&[FourCc::Av01, FourCc::Opus], false, 2, true, true),
        (&FourCc::ALL, true, 4, true, true),
    ];
    for (fourccs, multitrack, tracks, pictures, sound) in cases {
        let abilities = Abilities::new(|fourcc| fourccs.contains(&fourcc), multitrack);
        let messages = messages(&sent, abilities);
        assert_eq!(has(&messages, b"width"), pictures, "{fourccs:?}");
        assert_eq!(has(&messages, b"audiocodecid"), sound, "{fourccs:?}");
        let (_, got) = demux(&messages);
        let found = got.last().map_or(0, |frame| frame.tracks.list.len());
        assert_eq!(found, tracks, "{fourccs:?}");
    }
}

/// Of the specification, "Enhanced Video" and "Enhanced Audio", byte by byte.
#[test]
fn hand_built_tags_of_the_specification_are_read() {
    let video = |bytes: &[u8]| VideoTag::parse(&Bytes::copy_from_slice(bytes));
    // ExHeader | key frame | CodedFrames, "av01": no composition time for AV1.
    let Ok(VideoTag::Frame {
        key,
        composition_ms,
        data,
        ..
    }) = video(b"\x91av01\x12\x00")
    else {
        panic!()
    };
    assert_eq!(
        (key, composition_ms, &data[..]),
        (true, 0, &b"\x12\x00"[..])
    );
    // ExHeader | inter frame | Multitrack; ManyTracks | CodedFrames; "hvc1"; track 0 of 5 bytes
    // with a composition time of 40 ms; track 3 of 4 bytes.
    let body = b"\xA6\x11hvc1\x00\x00\x00\x05\x00\x00\x28AB\x03\x00\x00\x04\x00\x00\x00C";
    let Ok(VideoTag::Tracks(tags)) = video(body) else {
        panic!()
    };
    let read: Vec<_> = tags
        .iter()
        .map(|(number, tag)| match tag {
            VideoTag::Frame {
                composition_ms,
                data,
                ..
            } => (*number, *composition_ms, &data[..]),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read, [(0, 40, &b"AB"[..]), (3, 0, b"C")]);
    // ManyTracksManyCodecs | SequenceStart: a FourCC for each track.
    let body = b"\x96\x20vp09\x01\x00\x00\x02ABav01\x02\x00\x00\x01C";
    let Ok(VideoTag::Tracks(tags)) = video(body) else {
        panic!()
    };
    assert!(matches!(&tags[1], (2, VideoTag::Config { record, .. }) if record == &b"C"[..]));
    // ModEx: three bytes of nanoseconds (size 3 - 1), type 0, then CodedFramesX.
    let body = b"\x97\x02\x00\x00\x09\x03hvc1XY";
    assert!(matches!(video(body), Ok(VideoTag::Frame { data, .. }) if data == b"XY"[..]));
    // ExHeader | Multitrack; OneTrack | CodedFrames; "Opus"; track 1.
    let audio = AudioTag::parse(&Bytes::from_static(b"\x95\x01Opus\x01\xF8\x00"));
    let Ok(AudioTag::Tracks(tags)) = audio else {
        panic!()
    };
    assert!(matches!(&tags[..], [(1, AudioTag::Frame { data, .. })] if data == &b"\xF8\x00"[..]));
}

#[test]
fn sizes_that_lie_and_tags_within_tags_are_errors() {
    for body in [
        &b"\x96"[..],                                // no layout
        b"\x96\x11hv",                               // no FourCC
        b"\x96\x11hvc1\x00\xFF\xFF\xFF",             // a track longer than the body
        b"\x96\x16hvc1\x00\x00\x00\x00",             // a multitrack packet within one
        b"\x96\x31hvc1\x00\x00\x00\x00",             // a layout that does not exist
        b"\x97\xFF\xFF\xFF",                         // a modifier longer than the body
        b"\x97\x00\x00\x07\x00\x00\x07\x00\x00\x07", // modifiers without end
    ] {
        assert!(
            VideoTag::parse(&Bytes::copy_from_slice(body)).is_err(),
            "{body:?}"
        );
    }
    let many = [&b"\x96\x11hvc1"[..], &[0, 0, 0, 0].repeat(100_000)].concat();
    match VideoTag::parse(&many.into()) {
        Ok(VideoTag::Tracks(tags)) => assert!(tags.len() <= 32),
        // A frame of no bytes has no composition time.
        other => assert!(other.is_err()),
    }
}

#[test]
fn tracks_beyond_the_limit_are_left_out_with_one_complaint() {
    let (mut demuxer, mut frames) = (Demuxer::new(), Vec::new());
    for number in 0..100u8 {
        let head = opus::Head::new(2).build();
        let body = [&b"\x95\x00Opus"[..], &[number], &head].concat();
        demuxer.push(Kind::Audio, 0, &body.into(), &mut frames);
    }
    assert_eq!(
        demuxer.complaints(),
        ["FLV tracks beyond the first 16 are left out"]
    );
}

#[test]
fn a_picture_size_that_changes_makes_new_tracks() {
    let (codec, frames) = vp9_frames();
    let mut demuxer = Demuxer::new();
    let mut out = Vec::new();
    let config = [b"\x90vp09", &codec.config()[..]].concat();
    demuxer.push(Kind::Video, 0, &config.into(), &mut out);
    let mut other = frames[0].to_vec();
    // frame_width_minus_1: 16 bits from bit 36 on.
    other[4] ^= 0x01;
    // The first waits a second for sound.
    for (n, frame) in [&frames[0], &frames[0], &other.into()]
        .into_iter()
        .enumerate()
    {
        let body = [b"\x91vp09", &frame[..]].concat();
        demuxer.push(Kind::Video, n as u32 * 1_100, &body.into(), &mut out);
    }
    let widths: Vec<u32> = out
        .iter()
        .map(|frame| frame.tracks.video().unwrap().codec.video().unwrap().width)
        .collect();
    assert_eq!(widths, [128, 128, 128 + 4_096]);
    assert_eq!(
        codec.video(),
        Some(Video {
            width: 128,
            height: 72,
            fps_milli: 0
        })
    );
}

proptest! {
    #[test]
    fn no_enhanced_body_makes_the_parsers_panic(
        first in any::<u8>(),
        rest in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let body = Bytes::from([&[first | 0x80], &rest[..]].concat());
        let _ = VideoTag::parse(&body);
        let body = Bytes::from([&[0x90 | first & 0x0F], &rest[..]].concat());
        let _ = AudioTag::parse(&body);
    }
}
