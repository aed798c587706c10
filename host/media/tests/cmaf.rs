//! CMAF parts, judged by FFmpeg and by mp4-atom.
#![allow(clippy::unwrap_used)]

mod ts_support;

use bytes::Bytes;
use media::cmaf::{Packager, Packaging, Part, Window, WindowConfig};
use media::hls::{Cutting, Notes, low_latency_playlist};
use media::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use mp4_atom::{Atom, Decode, DecodeAtom, Header, Moof, Moov};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use ts_support::*;

const START: Duration = Duration::from_secs(1_790_000_000);

fn packaging(segment_ms: i64) -> Packaging {
    Packaging {
        segment: Cutting::every(Ticks90k::from_ms(segment_ms)),
        ..Packaging::default()
    }
}

/// Frames arrive when they are due.
fn pack(frames: &[Frame], segment_ms: i64) -> Vec<Part> {
    let mut packager = Packager::new(packaging(segment_ms));
    let mut parts = Vec::new();
    let first = frames[0].dts;
    for frame in frames {
        let now = UNIX_EPOCH + START + (frame.dts - first).as_duration();
        packager.convert(now, frame, &mut parts);
    }
    parts.extend(packager.finish());
    parts
}

fn of(parts: &[Part], track: u8) -> Vec<Part> {
    let mine = parts.iter().filter(|part| part.track == TrackId(track));
    mine.cloned().collect()
}

/// The file that a player of one track, or of all, would be given.
fn file(init: &Bytes, parts: &[Part]) -> Vec<u8> {
    let media = parts.iter().flat_map(|part| part.data.iter());
    init.iter().chain(media).copied().collect()
}

#[test]
fn every_picture_and_sound_decodes_to_what_the_source_decodes_to() {
    for ts in [h264_aac(), hevc_aac()] {
        let parts = pack(&demux(&ts), 480);
        let header = &parts[0].header;
        let whole = file(&header.muxed, &parts);
        for stream in ["0:v", "0:a"] {
            assert_eq!(decoded(&whole, stream), decoded(&ts, stream), "{stream}");
        }
        for (track, stream) in [(0, "0:v"), (1, "0:a")] {
            let alone = file(&header.renditions[track].init, &of(&parts, track as u8));
            assert_eq!(decoded(&alone, "0"), decoded(&ts, stream), "{stream} alone");
        }
    }
}

#[test]
fn mp4_atom_reads_the_header_and_every_part_as_they_were_meant() {
    let frames = demux(&h264_aac());
    let parts = pack(&frames, 480);
    let mut header: &[u8] = &parts[0].header.muxed;
    mp4_atom::Ftyp::decode(&mut header).unwrap();
    let moov = Moov::decode(&mut header).unwrap();
    assert!(header.is_empty());
    let scales = moov
        .trak
        .iter()
        .map(|it| (it.tkhd.track_id, it.mdia.mdhd.timescale));
    assert_eq!(scales.collect::<Vec<_>>(), [(1, 90_000), (2, 48_000)]);
    let mp4_atom::Codec::Avc1(avc1) = &moov.trak[0].mdia.minf.stbl.stsd.codecs[0] else {
        panic!("avc1 expected")
    };
    assert_eq!((avc1.visual.width, avc1.visual.height), (128, 72));
    let Codec::H264 { config, .. } = &frames[0].tracks.list[0].codec else {
        panic!("H.264 expected")
    };
    let mut record = Vec::new();
    mp4_atom::Encode::encode(&avc1.avcc, &mut record).unwrap();
    assert_eq!(&record[8..], &config[..]);

    for part in &parts {
        let mut data: &[u8] = &part.data;
        let head = Header::decode(&mut data).unwrap();
        assert_eq!(head.kind, Moof::KIND);
        let moof = Moof::decode_atom(&head, &mut data).unwrap();
        let traf = &moof.traf[0];
        let lasts: u64 = traf.trun[0]
            .samples
            .iter()
            .map(|it| u64::from(it.duration.unwrap()))
            .sum();
        let bytes: u64 = traf.trun[0]
            .samples
            .iter()
            .map(|it| u64::from(it.size.unwrap()))
            .sum();
        assert_eq!(
            traf.tfdt.as_ref().unwrap().base_media_decode_time,
            part.time
        );
        assert_eq!((lasts, bytes), (part.duration, data.len() as u64 - 8));
        let offset = part.data.len() as u64 - bytes;
        assert_eq!(traf.trun[0].data_offset, Some(offset as i32));
    }
}

#[test]
fn parts_follow_on_from_each_other_and_are_about_as_long_as_wanted() {
    let parts = pack(&demux(&h264_aac()), 480);
    for (track, longest_ms) in [(0, 200), (1, 200)] {
        let mine = of(&parts, track);
        for pair in mine.windows(2) {
            assert_eq!(
                pair[0].time + pair[0].duration,
                pair[1].time,
                "track {track}"
            );
            let ms = pair[0].duration * 1000 / u64::from(pair[0].timescale);
            assert!(ms <= longest_ms, "{ms} ms");
            assert!(
                pair[0].ends_segment || ms * 100 >= longest_ms * 85,
                "{ms} ms"
            );
        }
    }
    let video = of(&parts, 0);
    let begins: Vec<_> = std::iter::once(true)
        .chain(video.iter().map(|part| part.ends_segment))
        .zip(&video)
        .filter(|(begins, _)| *begins)
        .map(|(_, part)| (part.random_access, part.independent))
        .collect();
    assert_eq!(begins, [(true, true); 5], "GOPs of 12 pictures: 480 ms");
    let at = |part: &Part| part.at.duration_since(UNIX_EPOCH).unwrap();
    let spread = at(video.last().unwrap()).abs_diff(at(&video[0]));
    let media = Duration::from_millis((video.last().unwrap().time - video[0].time) / 90);
    assert!(spread.abs_diff(media) < Duration::from_millis(2));
}

/// A stream of one byte a frame, 25 a second, a random access point every `gop`.
fn synthetic(tracks: &Arc<Tracks>, from: i64, count: i64, gop: i64, epoch: u32) -> Vec<Frame> {
    let frame = |n: i64| Frame {
        tracks: tracks.clone(),
        track: TrackId(0),
        dts: Ticks90k(from + n * 3600),
        pts: Ticks90k(from + n * 3600),
        random_access: n % gop == 0,
        epoch,
        payload: Bytes::from_static(&[0, 0, 0, 1, 0x65]),
    };
    (0..count).map(frame).collect()
}

fn tracks_of(width: u32) -> Arc<Tracks> {
    let mut tracks = (*demux(&h264_aac())[0].tracks).clone();
    tracks.list.truncate(1);
    if let Codec::H264 { video, .. } = &mut tracks.list[0].codec {
        video.width = width;
    }
    Arc::new(tracks)
}

#[test]
fn a_new_size_in_mid_stream_makes_a_new_header_and_a_discontinuity() {
    let (small, large) = (tracks_of(128), tracks_of(256));
    let mut frames = synthetic(&small, 0, 60, 25, 0);
    frames.extend(synthetic(&Arc::new((*small).clone()), 60 * 3600, 15, 25, 0));
    frames.extend(synthetic(&large, 75 * 3600, 50, 25, 0));
    let parts = pack(&frames, 1000);
    let mut headers = parts
        .iter()
        .map(|part| part.header.clone())
        .collect::<Vec<_>>();
    headers.dedup_by(|a, b| Arc::ptr_eq(a, b));
    assert_eq!(
        headers.len(),
        2,
        "equal tracks behind another pointer change nothing"
    );
    assert_eq!(headers[1].renditions[0].video.unwrap().width, 256);
    let change = parts
        .iter()
        .position(|part| Arc::ptr_eq(&part.header, &headers[1]))
        .unwrap();
    assert!(parts[change - 1].ends_segment && parts[change].random_access);
    assert_eq!(
        (
            parts[change - 1].discontinuities,
            parts[change].discontinuities
        ),
        (0, 1)
    );
    assert_eq!(
        parts[change - 1].time + parts[change - 1].duration,
        parts[change].time
    );
}

#[test]
fn a_break_of_the_timeline_is_a_discontinuity_under_the_same_header() {
    let tracks = tracks_of(128);
    let mut frames = synthetic(&tracks, 0, 60, 25, 0);
    frames.extend(synthetic(&tracks, 60 * 3600, 60, 25, 1));
    // A straggler of the old epoch breaks nothing.
    frames.extend(synthetic(&tracks, 120 * 3600, 1, 25, 0));
    let parts = pack(&frames, 1000);
    let counts: Vec<_> = parts.iter().map(|part| part.discontinuities).collect();
    assert!(counts.is_sorted() && counts.last() == Some(&1));
    assert!(
        parts
            .iter()
            .all(|part| Arc::ptr_eq(&part.header, &parts[0].header))
    );
}

#[test]
fn stamps_of_whole_milliseconds_make_sound_without_gaps() {
    let sound = demux(&aac_alone());
    let rounded = sound.iter().enumerate().map(|(n, frame)| Frame {
        dts: Ticks90k::from_ms(n as i64 * 64 / 3),
        pts: Ticks90k::from_ms(n as i64 * 64 / 3),
        ..frame.clone()
    });
    let parts = pack(&rounded.collect::<Vec<_>>(), 1000);
    for part in &parts {
        let mut data: &[u8] = &part.data;
        let moof = Moof::decode(&mut data).unwrap();
        let durations = moof.traf[0].trun[0]
            .samples
            .iter()
            .map(|it| it.duration.unwrap());
        assert!(
            durations.clone().all(|it| it == 1024),
            "{:?}",
            durations.collect::<Vec<_>>()
        );
    }
}

#[test]
fn wild_stamps_neither_panic_nor_go_back() {
    let tracks = tracks_of(128);
    let mut frames = synthetic(&tracks, 0, 200, 10, 0);
    let wild = [
        i64::MAX,
        i64::MIN,
        0,
        -1,
        90_000 * 86_400 * 365,
        -900_001,
        i64::MAX / 2,
    ];
    for (n, frame) in frames.iter_mut().enumerate() {
        if n % 7 == 3 {
            frame.dts = Ticks90k(wild[n % wild.len()]);
        }
        if n % 11 == 5 {
            frame.pts = Ticks90k(wild[n % wild.len()]);
        }
    }
    let parts = pack(&frames, 1000);
    assert!(parts.windows(2).all(|pair| pair[0].time < pair[1].time));
}

#[test]
fn a_track_without_a_place_is_named_once_and_left_out() {
    let mut tracks = (*tracks_of(128)).clone();
    tracks.list.push(Track {
        id: TrackId(9),
        codec: Codec::Klv,
        language: None,
    });
    let mut packager = Packager::new(Packaging::default());
    let mut parts = Vec::new();
    for frame in synthetic(&Arc::new(tracks), 0, 30, 10, 0) {
        packager.convert(UNIX_EPOCH + START, &frame, &mut parts);
    }
    assert_eq!(parts[0].header.renditions.len(), 1);
    assert_eq!(
        packager.complaints(),
        ["klv has no place in CMAF; its track is left out"]
    );
    assert!(packager.complaints().is_empty());
}

fn window_of(parts: &[Part], depth_s: u64) -> Window {
    let config = WindowConfig {
        depth: Duration::from_secs(depth_s),
        target: Ticks90k::SECOND,
        ..WindowConfig::default()
    };
    let mut window = Window::new(config, 100);
    for part in parts {
        window.push(part);
    }
    window
}

#[test]
fn a_window_keeps_its_depth_and_lets_go_of_the_rest() {
    let parts = pack(&synthetic(&tracks_of(128), 0, 25 * 300, 25, 0), 1000);
    let window = window_of(&parts, 60);
    let listed: Duration = window.listed().map(|segment| segment.lasts()).sum();
    assert!((60..=62).contains(&listed.as_secs()), "{listed:?}");
    let newest = window.next_sequence() - 1;
    assert!(window.get(newest - 70).is_some(), "just unlisted");
    assert!(window.get(newest - 100).is_none());
    assert_eq!(
        window.init(100).unwrap(),
        &parts[0].header.renditions[0].init
    );
    assert!(window.init(101).is_none());
}

#[test]
fn a_window_knows_which_part_is_there() {
    let parts = pack(&synthetic(&tracks_of(128), 0, 25 * 2 + 12, 25, 0), 1000);
    let whole = parts.iter().rposition(|part| !part.ends_segment).unwrap();
    let window = window_of(&parts[..whole], 60);
    assert_eq!(window.next_part(), (102, 1));
    assert_eq!(window.last_part(), Some((102, 0)));
    for (sequence, part, there) in [
        (99, None, true),
        (101, None, true),
        (101, Some(77), true),
        (102, None, false),
        (102, Some(0), true),
        (102, Some(1), false),
        (103, Some(0), false),
    ] {
        assert_eq!(window.has(sequence, part), there, "{sequence} {part:?}");
    }
}

#[test]
fn a_playlist_keeps_the_rules_of_rfc_8216bis() {
    let parts = pack(&synthetic(&tracks_of(128), 0, 25 * 40 + 12, 25, 0), 1000);
    let rendition = media::cmaf::RenditionName::of(&parts[0].header.renditions[0]);
    let window = window_of(&parts[..parts.len() - 1], 30);
    let text = low_latency_playlist(rendition, &window, &Notes::default(), false).unwrap();
    let value = |tag: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(tag));
        line.unwrap_or_else(|| panic!("{tag} in {text}")).to_owned()
    };
    let part_target: f64 = value("#EXT-X-PART-INF:PART-TARGET=").parse().unwrap();
    let target: f64 = value("#EXT-X-TARGETDURATION:").parse().unwrap();
    let control = value("#EXT-X-SERVER-CONTROL:");
    let attribute = |name: &str| -> f64 {
        let mut pairs = control.split(',').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .unwrap()
            .1
            .parse()
            .unwrap()
    };
    assert!(control.contains("CAN-BLOCK-RELOAD=YES"));
    assert!(attribute("PART-HOLD-BACK") >= 2.0 * part_target);
    assert!(attribute("CAN-SKIP-UNTIL") >= 6.0 * target);
    let mut parts_of_segment = Vec::new();
    let mut segments = 0;
    for line in text.lines() {
        if let Some(part) = line.strip_prefix("#EXT-X-PART:DURATION=") {
            let lasts: f64 = part.split_once(',').unwrap().0.parse().unwrap();
            assert!(lasts <= part_target, "{line}");
            parts_of_segment.push(lasts);
        }
        if let Some(duration) = line.strip_prefix("#EXTINF:") {
            let lasts: f64 = duration.trim_end_matches(',').parse().unwrap();
            assert!(lasts.round() <= target, "{line}");
            let sum: f64 = parts_of_segment.iter().sum();
            assert!(
                parts_of_segment.is_empty() || (sum - lasts).abs() < 1e-3,
                "{line}"
            );
            let but_last = parts_of_segment.len().saturating_sub(1);
            assert!(
                parts_of_segment[..but_last]
                    .iter()
                    .all(|it| *it >= 0.85 * part_target)
            );
            parts_of_segment.clear();
            segments += 1;
        }
    }
    assert!(segments >= 29);
    assert!(text.contains("#EXT-X-MAP:URI=\"video0-init-100.mp4\""));
    let (sequence, part) = window.next_part();
    let hint = format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"video0-{sequence}.{part}.m4s\"");
    assert!(text.contains(&hint), "{hint} in {text}");

    let delta = low_latency_playlist(rendition, &window, &Notes::default(), true).unwrap();
    let skipped: usize = delta
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS="))
        .unwrap()
        .parse()
        .unwrap();
    let left = delta
        .lines()
        .filter(|line| line.starts_with("#EXTINF"))
        .count();
    assert_eq!(skipped + left, segments);
    assert!(
        !delta.contains("EXT-X-MAP"),
        "it is known since the skipped segments"
    );
    // The rest is the end of the whole playlist, word for word.
    let rest = delta.split_once("SKIPPED-SEGMENTS=").unwrap().1;
    assert!(text.ends_with(rest.split_once('\n').unwrap().1));
}
