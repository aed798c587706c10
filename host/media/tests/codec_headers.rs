//! Codec headers against what ffmpeg writes and ffprobe reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use bytes::{Bytes, BytesMut};
use media::codec::aac::AudioSpecificConfig;
use media::codec::nal::{self, LengthSize};
use media::codec::{CodecError, adts, h264, hevc};
use media::frame::Video;
use proptest::prelude::*;

/// The contents of the first box of that type in an MP4 file.
fn mp4_box(file: &[u8], kind: &[u8; 4]) -> Bytes {
    let at = memchr::memmem::find(file, kind).unwrap();
    let size = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    Bytes::copy_from_slice(&file[at + 4..at - 4 + size])
}

#[test]
fn ffmpegs_avc_records_are_read_and_written_to_the_byte() {
    for (file, width, height, fps_milli, name) in [
        ("h264_aac.mp4", 128, 72, 25_000, "avc1.64000A"),
        ("h264_422_high10.mp4", 128, 72, 29_970, "avc1.7A000A"),
        ("h264_odd_size.mp4", 98, 50, 25_000, "avc1.42C00A"),
    ] {
        let record = mp4_box(&fixtures::read(file), b"avcC");
        let config = h264::DecoderConfig::parse(&record).unwrap();
        assert_eq!(
            config.video(),
            Ok(Video {
                width,
                height,
                fps_milli
            }),
            "{file}"
        );
        assert_eq!(config.codec_string(), name);
        assert_eq!(config.build(), record, "{file}");
        let again = h264::DecoderConfig::new(config.sps.clone(), config.pps.clone()).unwrap();
        assert_eq!(again.build(), record, "{file}");
    }
}

#[test]
fn the_sps_of_a_high_profile_tells_chroma_and_depth() {
    let record = mp4_box(&fixtures::read("h264_422_high10.mp4"), b"avcC");
    let config = h264::DecoderConfig::parse(&record).unwrap();
    let sps = h264::Sps::parse(&config.sps[0]).unwrap();
    assert_eq!(
        (sps.profile_idc, sps.chroma_format_idc, sps.bit_depth_luma),
        (122, 2, 10)
    );
}

#[test]
fn several_parameter_sets_survive_the_avc_record() {
    let record = mp4_box(&fixtures::read("h264_aac.mp4"), b"avcC");
    let one = h264::DecoderConfig::parse(&record).unwrap();
    let (sps, pps) = (one.sps[0].clone(), one.pps[0].clone());
    let two = h264::DecoderConfig::new(vec![sps.clone(), sps], vec![pps.clone(), pps.clone(), pps])
        .unwrap();
    assert_eq!(h264::DecoderConfig::parse(&two.build()), Ok(two));
}

#[test]
fn ffmpegs_hevc_record_is_read_and_survives_ours() {
    let record = mp4_box(&fixtures::read("hevc_aac.mp4"), b"hvcC");
    let config = hevc::DecoderConfig::parse(&record).unwrap();
    assert_eq!(
        config.video(),
        Ok(Video {
            width: 128,
            height: 72,
            fps_milli: 25_000
        })
    );
    assert_eq!(config.codec_string(), "hvc1.1.6.L30.90");
    assert_eq!(
        (config.vps.len(), config.sps.len(), config.pps.len()),
        (1, 1, 1)
    );
    let (vps, sps, pps) = (config.vps.clone(), config.sps.clone(), config.pps.clone());
    let ours = hevc::DecoderConfig::new(vps, sps, pps).unwrap();
    assert_eq!(ours, config);
    let built = ours.build();
    assert_eq!(built[..13], record[..13], "profile, tier and level");
    assert_eq!(built[16..22], record[16..22], "format, depths, layers");
    assert_eq!(hevc::DecoderConfig::parse(&built), Ok(ours));
}

#[test]
fn hevc_names_reverse_the_compatibility_flags_and_drop_trailing_zeros() {
    // ISO/IEC 14496-15 §E.3: the example "hev1.A12.4.H6": space A, profile 12, high tier.
    let record = mp4_box(&fixtures::read("hevc_aac.mp4"), b"hvcC");
    let mut config = hevc::DecoderConfig::parse(&record).unwrap();
    config.general.profile_space = 1;
    config.general.profile_idc = 12;
    config.general.compatibility = 0x2000_0000;
    config.general.high_tier = true;
    config.general.level_idc = 6;
    config.general.constraints = [0; 6];
    assert_eq!(config.codec_string(), "hvc1.A12.4.H6");
}

#[test]
fn random_access_is_seen_where_ffprobe_sees_key_frames() {
    let key = |file: &str, is_random_access: fn(&[u8]) -> bool| {
        let bytes = fixtures::read(file);
        nal::annex_b(&bytes)
            .filter(|unit| is_random_access(unit))
            .count()
    };
    // One slice a picture, a key picture every second, over 6.4 s. (PES packets start with
    // start codes too; their stream ids read as no slice.)
    assert_eq!(key("h264_aac.ts", h264::is_random_access), 7);
    assert_eq!(key("hevc_aac.ts", hevc::is_random_access), 7);
}

#[test]
fn every_adts_header_of_ffmpeg_is_read_and_written_to_the_byte() {
    let bytes = fixtures::read("aac_mono.aac");
    let mut frames = adts::frames(&bytes);
    let mut count = 0;
    let mut at = 0;
    for frame in frames.by_ref() {
        let config = frame.header.config().unwrap();
        assert_eq!((config.sample_rate_hz, config.channels), (22_050, 1));
        assert_eq!(config.codec_string(), "mp4a.40.2");
        let header = adts::Header::build(&config, frame.payload.len()).unwrap();
        assert_eq!(header, bytes[at..at + adts::HEADER_BYTES]);
        at += frame.header.frame_bytes;
        count += 1;
    }
    assert_eq!((frames.skipped(), frames.rest().len()), (0, 0));
    let packets = ["-show_entries", "packet=size", "-of", "csv=p=0"];
    assert_eq!(
        count,
        fixtures::ffprobe(&fixtures::path("aac_mono.aac"), &packets).len()
    );
}

#[test]
fn adts_frames_are_found_again_behind_garbage_and_a_cut_one_is_left() {
    let bytes = fixtures::read("aac_mono.aac");
    let whole: Vec<_> = adts::frames(&bytes).take(3).collect();
    let end: usize = whole.iter().map(|frame| frame.header.frame_bytes).sum();
    let mut dirty = vec![0xff, 0x00, 0x12, 0xff];
    dirty.extend_from_slice(&bytes[..end + 20]);
    let mut frames = adts::frames(&dirty);
    let found: Vec<_> = frames.by_ref().collect();
    assert_eq!(found, whole);
    assert_eq!(
        (frames.skipped(), frames.rest()),
        (4, &bytes[end..end + 20])
    );
}

#[test]
fn audio_configurations_signal_sbr_and_ps_in_each_way() {
    let parse = |bytes: &[u8]| AudioSpecificConfig::parse(bytes).unwrap();
    // What ffmpeg's own encoder writes: a sync extension that says "no SBR".
    let plain = parse(&[0x11, 0x90, 0x56, 0xe5, 0x00]);
    assert_eq!(
        (plain.sample_rate_hz, plain.channels, plain.sbr_rate_hz),
        (48_000, 2, None)
    );
    assert_eq!(plain.build().unwrap()[..], [0x11, 0x90]);
    let hierarchical = parse(&[0x2b, 0x92, 0x08, 0x00]);
    assert_eq!(hierarchical.sbr_rate_hz, Some(44_100));
    assert_eq!(
        (hierarchical.sample_rate_hz, hierarchical.object_type),
        (22_050, 2)
    );
    assert_eq!(hierarchical.codec_string(), "mp4a.40.5");
    let stereo = parse(&[0xeb, 0x8a, 0x08, 0x00]);
    assert_eq!((stereo.ps, stereo.channels), (true, 1));
    assert_eq!(stereo.codec_string(), "mp4a.40.29");
    let compatible = parse(&[0x13, 0x10, 0x56, 0xe5, 0x98]);
    assert_eq!(
        (compatible.sample_rate_hz, compatible.sbr_rate_hz),
        (24_000, Some(48_000))
    );
}

#[test]
fn audio_that_is_not_aac_is_refused_by_name() {
    // Object type 36, ALS.
    let refused = AudioSpecificConfig::parse(&[0xf8, 0x9f, 0, 0, 0, 0]);
    assert!(matches!(
        refused,
        Err(CodecError::Unsupported { .. } | CodecError::Invalid { .. })
    ));
    // A program config element: front pair, back pair, centre, LFE.
    let refused = adts::Header::build(
        &AudioSpecificConfig {
            channel_configuration: 0,
            ..AudioSpecificConfig::new(2, 48_000, 6).unwrap()
        },
        10,
    );
    assert!(matches!(refused, Err(CodecError::Unsupported { .. })));
}

#[test]
fn start_codes_of_both_lengths_and_stuffing_are_understood() {
    let bytes = b"\xaa\0\0\0\x01\x67\x42\0\0\x01\x68\xce\0\0\0\0\x01\0\0\x01\x65\x88\0\0\0";
    let units: Vec<&[u8]> = nal::annex_b(bytes).collect();
    assert_eq!(units, [&[0x67, 0x42][..], &[0x68, 0xce], &[0x65, 0x88]]);
    let mut prefixed = BytesMut::new();
    nal::to_length_prefixed(bytes, h264::in_frame, &mut prefixed);
    assert_eq!(prefixed[..], [0, 0, 0, 2, 0x65, 0x88]);
}

#[test]
fn lengths_of_each_size_are_read_and_overruns_refused() {
    for (size, bytes) in [
        (LengthSize::One, &[1, 7, 0, 2, 8, 9][..]),
        (LengthSize::Two, &[0, 1, 7, 0, 0, 0, 2, 8, 9]),
        (LengthSize::Four, &[0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9]),
    ] {
        let units: Result<Vec<&[u8]>, _> = nal::length_prefixed(bytes, size).collect();
        assert_eq!(units, Ok(vec![&[7][..], &[8, 9]]));
        let mut out = BytesMut::new();
        let cut = &bytes[..bytes.len() - 1];
        assert!(nal::to_annex_b(cut, size, &mut out).is_err());
        assert_eq!(out[..], [0, 0, 0, 1, 7], "what was whole is there");
    }
    assert!(LengthSize::from_minus_one(2).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_a_header_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let record = Bytes::from(bytes.clone());
        let _ = h264::Sps::parse(&bytes);
        let _ = hevc::Sps::parse(&bytes);
        if let Ok(config) = h264::DecoderConfig::parse(&record) {
            let _ = (config.build(), config.video());
        }
        if let Ok(config) = hevc::DecoderConfig::parse(&record) {
            let _ = (config.build(), config.video(), config.codec_string());
        }
        if let Ok(config) = AudioSpecificConfig::parse(&bytes) {
            let _ = (config.build(), config.codec_string(), adts::Header::build(&config, bytes.len()));
        }
        let left: usize = adts::frames(&bytes).map(|frame| frame.payload.len()).sum();
        prop_assert!(left <= bytes.len());
    }

    /// Damage to a real parameter set reaches further in than random bytes do.
    #[test]
    fn no_damage_to_real_records_makes_a_panic(at in 0usize..120, bit in 0u8..8, cut in 1usize..120) {
        for (file, kind) in [("h264_aac.mp4", b"avcC"), ("hevc_aac.mp4", b"hvcC")] {
            let mut record = mp4_box(&fixtures::read(file), kind).to_vec();
            let len = record.len();
            record[at % len] ^= 1 << bit;
            record.truncate(cut.max(1));
            let record = Bytes::from(record);
            if let Ok(config) = h264::DecoderConfig::parse(&record) {
                let _ = (config.build(), config.video());
            }
            if let Ok(config) = hevc::DecoderConfig::parse(&record) {
                let _ = (config.build(), config.video());
            }
        }
    }

    #[test]
    fn units_survive_both_framings(units in prop::collection::vec(prop::collection::vec(4u8.., 1..40), 0..8)) {
        let mut annexb = BytesMut::new();
        units.iter().for_each(|unit| nal::put_annex_b(unit, &mut annexb));
        let mut prefixed = BytesMut::new();
        nal::to_length_prefixed(&annexb, |_| true, &mut prefixed);
        let mut back = BytesMut::new();
        nal::to_annex_b(&prefixed, LengthSize::Four, &mut back).unwrap();
        prop_assert_eq!(&back, &annexb);
        let read: Vec<&[u8]> = nal::annex_b(&annexb).collect();
        prop_assert_eq!(read, units);
    }

    #[test]
    fn unescaping_undoes_emulation_prevention(raw in prop::collection::vec(0u8..5, 0..60)) {
        // The encoder's side, by the letter of ITU-T H.264 §7.4.1.1.
        let mut escaped = Vec::new();
        let mut zeros = 0;
        for byte in &raw {
            if zeros == 2 && *byte <= 3 {
                escaped.push(3);
                zeros = 0;
            }
            escaped.push(*byte);
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
        }
        let unescaped = nal::unescape(&escaped);
        prop_assert_eq!(&unescaped[..], &raw[..]);
    }

    #[test]
    fn audio_configurations_survive_their_bytes(
        object_type in prop::sample::select(vec![1u8, 2, 3, 4, 17, 23]),
        rate in prop_oneof![prop::sample::select(vec![48_000u32, 44_100, 7_350]), 1u32..1 << 24],
        channels in prop::sample::select(vec![1u8, 2, 3, 4, 5, 6, 7, 11, 12]),
        sbr in prop::option::of(1u32..1 << 24),
        short in any::<bool>(),
        ps in any::<bool>(),
    ) {
        let mut config = AudioSpecificConfig::new(object_type, rate, channels).unwrap();
        config.sbr_rate_hz = sbr;
        config.ps = ps && sbr.is_some();
        config.samples_per_frame = if short { 960 } else { 1024 };
        prop_assert_eq!(AudioSpecificConfig::parse(&config.build().unwrap()), Ok(config));
    }
}
