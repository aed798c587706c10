//! AV1, VP9 and Opus headers against what ffmpeg writes and ffprobe reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use bytes::Bytes;
use media::codec::opus::{self, Head};
use media::codec::splice::Splice;
use media::codec::{CodecError, av1, codec_string, scte35, vp9};
use media::frame::{Audio, Codec, Video};
use media::ts::psi::crc32;
use proptest::prelude::*;

/// The contents of the first box of that type in an MP4 file.
fn mp4_box(name: &str, kind: &[u8; 4]) -> Bytes {
    let file = fixtures::read(name);
    let at = memchr::memmem::find(&file, kind).unwrap();
    let size = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    Bytes::copy_from_slice(&file[at + 4..at - 4 + size])
}

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

/// Which packets ffprobe takes for key frames.
fn keys(name: &str) -> Vec<bool> {
    let args = ["-show_entries", "packet=flags", "-of", "csv=p=0"];
    let lines = fixtures::ffprobe(&fixtures::path(name), &args);
    lines.iter().map(|line| line.starts_with('K')).collect()
}

const fn size(width: u32, height: u32) -> Video {
    Video {
        width,
        height,
        fps_milli: 0,
    }
}

#[test]
fn ffmpegs_av1_records_are_read_and_written_to_the_byte() {
    for (file, name) in [
        ("av1_opus.mp4", "av01.0.00M.08"),
        ("av1_10bit_hdr.mp4", "av01.0.00M.10.0.110.09.16.09.0"),
    ] {
        let record = mp4_box(file, b"av1C");
        let config = av1::DecoderConfig::parse(&record).unwrap();
        let video = config.video().unwrap();
        assert_eq!((video.width, video.height), (128, 72), "{file}");
        assert_eq!(config.codec_string(), name);
        assert_eq!(config.build(), record, "{file}");
        assert_eq!(av1::DecoderConfig::new(&config.obus), Ok(config));
    }
}

#[test]
fn av1_key_frames_are_those_of_ffprobe() {
    let units = ivf("av1.ivf");
    let found: Vec<bool> = units.iter().map(|unit| av1::is_key(unit)).collect();
    assert_eq!(found, keys("av1.ivf"));
    assert_eq!(found.iter().filter(|key| **key).count(), 2);
    let header = av1::sequence_header(&units[0]).unwrap();
    let parsed = av1::SequenceHeader::parse(header.payload).unwrap();
    assert_eq!((parsed.video.width, parsed.video.height), (128, 72));
    let kinds: Vec<av1::ObuKind> = av1::obus(&units[0]).map(|obu| obu.kind).collect();
    assert_eq!(
        kinds[..2],
        [
            av1::ObuKind::TemporalDelimiter,
            av1::ObuKind::SequenceHeader
        ]
    );
    let bytes: usize = av1::obus(&units[0]).map(|obu| obu.whole.len()).sum();
    assert_eq!(bytes, units[0].len());
}

#[test]
fn ffmpegs_vp9_records_are_those_of_the_key_frames() {
    for (file, name) in [
        ("vp9_opus_51.mp4", "vp09.00.10.08"),
        ("vp9_444.mp4", "vp09.01.10.08"),
    ] {
        // Behind version and flags.
        let record = mp4_box(file, b"vpcC").slice(4..);
        let config = vp9::DecoderConfig::parse(&record).unwrap();
        assert_eq!(config.codec_string(), name);
        assert_eq!(config.build(), record, "{file}");
    }
    let first = vp9::KeyFrame::parse(&ivf("vp9.ivf")[0]).unwrap().unwrap();
    assert_eq!(first.video, size(128, 72));
    assert_eq!(first.config().codec_string(), "vp09.00.10.08");
}

#[test]
fn vp9_key_frames_are_those_of_ffprobe_superframes_included() {
    let frames = ivf("vp9.ivf");
    let found: Vec<bool> = frames.iter().map(|frame| vp9::is_key(frame)).collect();
    assert_eq!(found, keys("vp9.ivf"));
    // A superframe by hand: two frames, then the index (VP9 annex B) of two one-byte sizes.
    let (key, inter) = (frames[0].slice(..20), frames[1].slice(..20));
    let superframe = |first: &Bytes, second: &Bytes| {
        [&first[..], second, &[0b1100_0001, 20, 20, 0b1100_0001]].concat()
    };
    assert!(vp9::is_key(&superframe(&key, &inter)));
    assert!(!vp9::is_key(&superframe(&inter, &key)));
}

#[test]
fn opus_headers_survive_both_their_forms() {
    for (file, channels) in [("av1_opus.mp4", 2), ("vp9_opus_51.mp4", 6)] {
        let dops = mp4_box(file, b"dOps");
        let head = Head::parse_dops(&dops).unwrap();
        let audio = Audio {
            sample_rate_hz: 48_000,
            channels,
        };
        assert_eq!(head.audio(), audio);
        assert_eq!(head.build_dops(), dops, "{file}");
        assert_eq!(Head::parse(&head.build()), Ok(head.clone()));
        let made = Head::surround(channels).unwrap();
        assert_eq!(made.mapping, head.mapping);
        let codec = Codec::Opus {
            config: head.build(),
            audio,
        };
        assert_eq!(codec_string(&codec).as_deref(), Ok("opus"));
    }
    let file = fixtures::read("opus.ogg");
    let at = memchr::memmem::find(&file, b"OpusHead").unwrap();
    let bytes = Bytes::copy_from_slice(&file[at..at + 19]);
    assert_eq!(Head::parse(&bytes).unwrap().build(), bytes);
}

#[test]
fn opus_packets_sound_as_long_as_their_toc_says() {
    // Configurations of RFC 6716 table 2 with one, two and counted frames.
    for (packet, samples) in [
        (&[0b0000_0000][..], 480),  // SILK, 10 ms
        (&[0b0001_1000], 2_880),    // SILK, 60 ms
        (&[0b0111_1000], 960),      // hybrid, 20 ms
        (&[0b1000_0000], 120),      // CELT, 2.5 ms
        (&[0b1111_1001], 1_920),    // CELT, two of 20 ms
        (&[0b1111_1011, 6], 5_760), // six of them
    ] {
        assert_eq!(opus::packet_samples(packet), Ok(samples), "{packet:?}");
    }
    for packet in [
        &[][..],
        &[0b1111_1011],
        &[0b1111_1011, 0],
        &[0b1111_1011, 7],
    ] {
        assert!(opus::packet_samples(packet).is_err(), "{packet:?}");
    }
}

#[test]
fn codecs_without_a_name_say_so() {
    for codec in [
        Codec::Scte35,
        Codec::Klv,
        Codec::Mjpeg { video: size(8, 8) },
    ] {
        assert!(matches!(
            codec_string(&codec),
            Err(CodecError::Unsupported { .. })
        ));
    }
}

#[test]
fn a_header_cut_anywhere_is_an_error_and_no_panic() {
    let record = mp4_box("av1_opus.mp4", b"av1C");
    for end in 0..record.len() {
        let cut = record.slice(..end);
        if let Ok(config) = av1::DecoderConfig::parse(&cut) {
            assert!(config.video().is_err(), "{end}");
        }
    }
    let frame = &ivf("vp9.ivf")[0];
    // 68 bits (VP9 §6.2).
    for end in 0..9 {
        assert!(vp9::KeyFrame::parse(&frame[..end]).is_err(), "{end}");
    }
    let head = Head::surround(6).unwrap().build();
    for end in 0..head.len() {
        assert!(Head::parse(&head[..end]).is_err(), "{end}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let shared = Bytes::from(bytes.clone());
        let _ = av1::DecoderConfig::parse(&shared).map(|config| config.codec_string());
        let _ = av1::DecoderConfig::new(&shared);
        let _ = av1::SequenceHeader::parse(&bytes);
        let _ = av1::is_key(&bytes);
        prop_assert!(av1::obus(&bytes).map(|obu| obu.whole.len()).sum::<usize>() <= bytes.len());
        let _ = vp9::KeyFrame::parse(&bytes);
        let _ = vp9::DecoderConfig::parse(&bytes);
        let _ = vp9::is_key(&bytes);
        let _ = opus::packet_samples(&bytes);
        let _ = Head::parse(&[b"OpusHead", &bytes[..]].concat()).map(|head| head.build());
        let _ = Head::parse_dops(&bytes);
        let mut section = [&[scte35::TABLE_ID], &bytes[..]].concat();
        section.extend(crc32(&section).to_be_bytes());
        let _ = Splice::read(&section);
    }
}
