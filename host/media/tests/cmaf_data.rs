//! Metadata beside CMAF parts: splices in playlists and manifests, ID3 tags within parts; and
//! segments under keys.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ts_support;

use bytes::Bytes;
use media::cmaf::{Cues, Packager, Packaging, Part, RenditionName, Window, WindowConfig};
use media::codec::scte35;
use media::dash::{Moment, live_manifest, origin};
use media::hls::{Cutting, KeyRotation, Notes, low_latency_playlist};
use media::ts::psi::crc32;
use media::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ts_support::*;

const START: Duration = Duration::from_secs(1_790_000_000);

const TAG: &[u8] = b"ID3\x04\x00\x00\x00\x00\x00\x0DTIT2\x00\x00\x00\x03\x00\x00\x03hi";

/// `splice_insert` of that event; out of the programme with a break of 10 s, or back into it.
fn insert(event: u32, out: bool, time: Ticks90k) -> Bytes {
    let mut command = event.to_be_bytes().to_vec();
    command.push(0x7F);
    command.push(if out { 0xEF } else { 0x4F });
    let pts = time.0.to_be_bytes();
    command.push(0xFE | (pts[3] & 1));
    command.extend(&pts[4..]);
    if out {
        command.extend([0xFE]);
        command.extend(900_000u32.to_be_bytes());
    }
    command.extend([0, 1, 0, 0]);
    let length = 11 + command.len() + 2 + 4;
    let mut section = vec![0xFC, 0x30, length as u8, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xF0];
    section.extend([command.len() as u8, 5]);
    section.extend(command);
    section.extend([0, 0]);
    section.extend(crc32(&section).to_be_bytes());
    scte35::check(&section).unwrap();
    section.into()
}

/// `source` with these sections, and with tags before every 20th frame.
fn with_data(source: &[Frame], sections: &[(usize, Bytes)]) -> Vec<Frame> {
    let mut tracks = Tracks::clone(&source[0].tracks);
    for (id, codec) in [(8, Codec::Scte35), (9, Codec::Id3)] {
        tracks.list.push(Track {
            id: TrackId(id),
            codec,
            language: None,
        });
    }
    let tracks = Arc::new(tracks);
    let mut frames = Vec::new();
    for (index, frame) in source.iter().enumerate() {
        let frame = Frame {
            tracks: tracks.clone(),
            ..frame.clone()
        };
        let beside = |track, payload: Bytes| Frame {
            track: TrackId(track),
            pts: frame.dts,
            random_access: false,
            payload,
            ..frame.clone()
        };
        if index % 20 == 10 {
            frames.push(beside(9, Bytes::from_static(TAG)));
        }
        let due = sections.iter().filter(|(at, _)| *at == index);
        frames.extend(due.map(|(_, section)| beside(8, section.clone())));
        frames.push(frame.clone());
    }
    frames
}

fn pack(frames: &[Frame], segment_ms: i64) -> Vec<Part> {
    let mut packager = Packager::new(Packaging {
        segment: Cutting::every(Ticks90k::from_ms(segment_ms)),
        ..Packaging::default()
    });
    let mut parts = Vec::new();
    for frame in frames {
        let now = UNIX_EPOCH + START + (frame.dts - frames[0].dts).as_duration();
        packager.convert(now, frame, &mut parts);
    }
    assert_eq!(packager.complaints(), [""; 0]);
    parts.extend(packager.finish());
    parts
}

fn window_of(parts: &[Part]) -> (RenditionName, Window) {
    let config = WindowConfig {
        depth: Duration::from_secs(60),
        ..WindowConfig::default()
    };
    let mut window = Window::new(config, 100);
    let video = &parts[0].header.renditions[0];
    for part in parts.iter().filter(|part| part.track == video.track) {
        window.push(part);
    }
    (RenditionName::of(video), window)
}

#[test]
fn a_break_is_a_date_range_and_an_event_however_often_it_is_announced() {
    let source = demux(&h264_aac());
    let begin = source[0].pts;
    let (out, back) = (begin + Ticks90k(90_000), begin + Ticks90k(180_000));
    let sections = [
        (30, insert(7, true, out)),
        (40, insert(7, true, out)),
        (60, insert(7, false, back)),
    ];
    let parts = pack(&with_data(&source, &sections), 480);
    let mut cues = Cues::default();
    for cue in parts.iter().flat_map(|part| &part.cues) {
        cues.push(cue);
    }
    let (name, window) = window_of(&parts);
    let notes = Notes {
        cues: Arc::new(cues.clone()),
        ..Notes::default()
    };
    let playlist = low_latency_playlist(name, &window, &notes, false).unwrap();
    let ranges: Vec<_> = playlist
        .lines()
        .filter_map(|line| line.strip_prefix("#EXT-X-DATERANGE:"))
        .collect();
    let (first, second) = match ranges[..] {
        [first, second] => (first, second),
        _ => panic!("{playlist}"),
    };
    let hex = |section: &Bytes| -> String {
        let digits = section.iter().map(|byte| format!("{byte:02X}"));
        digits.collect()
    };
    let head = first.split_once(",PLANNED").unwrap().0;
    assert!(
        head.starts_with("ID=\"splice-00000007-1790000000"),
        "{head}"
    );
    let sent = format!(
        ",PLANNED-DURATION=10.000,SCTE35-OUT=0x{}",
        hex(&sections[0].1)
    );
    assert_eq!(first, format!("{head}{sent}"));
    let ended = format!(",DURATION=1.000,SCTE35-IN=0x{}", hex(&sections[2].1));
    assert_eq!(second, format!("{head}{ended}"), "ID and date are the same");

    let moment = Moment {
        origin: origin(&window).unwrap(),
        published: SystemTime::UNIX_EPOCH + START,
        clock: "time",
        cues: &cues,
    };
    let manifest = live_manifest(&[(name, &window)], moment).unwrap();
    assert!(
        manifest.contains("urn:scte:scte35:2014:xml+bin"),
        "{manifest}"
    );
    assert!(
        manifest.contains("https://aomedia.org/emsg/ID3"),
        "{manifest}"
    );
    let event = manifest
        .split_once("<Event id=\"2\" presentationTime=\"")
        .unwrap()
        .1;
    let (time, rest) = event.split_once('"').unwrap();
    let first = &window.listed().next().unwrap();
    assert_eq!(
        time.parse::<u64>().unwrap(),
        first.time + 90_000,
        "{manifest}"
    );
    assert!(rest.starts_with(" duration=\"90000\"><Signal "), "{rest}");
}

#[test]
fn what_a_source_says_in_a_section_breaks_no_playlist() {
    let source = demux(&h264_aac());
    let mut hostile = insert(7, true, source[0].pts).to_vec();
    hostile.truncate(hostile.len() - 4);
    hostile.extend(b"\"\n#EXT-X-ENDLIST\n</Binary>");
    hostile.extend(crc32(&hostile).to_be_bytes());
    let garbage = Bytes::from_static(b"\xFC\n#EXT-X-ENDLIST\n");
    let sections = [(30, Bytes::from(hostile)), (31, garbage)];
    let parts = pack(&with_data(&source, &sections), 480);
    let mut cues = Cues::default();
    for cue in parts.iter().flat_map(|part| &part.cues) {
        cues.push(cue);
    }
    assert_eq!(cues.iter().count(), 1, "what cannot be read is left out");
    let (name, window) = window_of(&parts);
    let notes = Notes {
        cues: Arc::new(cues),
        ..Notes::default()
    };
    let playlist = low_latency_playlist(name, &window, &notes, false).unwrap();
    assert!(!playlist.contains("ENDLIST"), "{playlist}");
}

#[test]
fn tags_go_into_parts_of_the_leading_track_and_change_no_picture() {
    let ts = h264_aac();
    let source = demux(&ts);
    let parts = pack(&with_data(&source, &[]), 480);
    let sent = (0..source.len()).filter(|index| index % 20 == 10).count();
    let of_tags = |part: &&Part| part.data.get(4..8) == Some(b"emsg");
    let tagged: Vec<_> = parts.iter().filter(of_tags).collect();
    assert!(tagged.iter().all(|part| part.track == parts[0].track));
    let scheme = b"https://aomedia.org/emsg/ID3\0\0ID3";
    let all: Vec<u8> = parts.iter().flat_map(|part| part.data.to_vec()).collect();
    let found = all.windows(scheme.len()).filter(|it| it == scheme).count();
    // Those before the first random access point are not packed.
    assert!(found > 5 && found <= sent, "{found} of {sent}");
    let file: Vec<u8> = [parts[0].header.muxed.to_vec(), all].concat();
    for stream in ["0:v", "0:a"] {
        assert_eq!(decoded(&file, stream), decoded(&ts, stream), "{stream}");
    }
}

#[test]
fn a_segment_under_a_key_is_whole_and_its_header_is_in_the_clear() {
    let parts = pack(&demux(&h264_aac()), 480);
    let (name, mut window) = window_of(&parts[..parts.len() - 1]);
    window.seal(|sequence, parts| {
        assert!(!parts.is_empty(), "{sequence}");
        Bytes::from_static(b"sealed")
    });
    window.seal(|_, _| panic!("it is sealed once"));
    let notes = Notes {
        keys: Some(KeyRotation::every(2)),
        ..Notes::default()
    };
    let playlist = low_latency_playlist(name, &window, &notes, false).unwrap();
    assert!(!playlist.contains("PART"), "{playlist}");
    assert!(!playlist.contains("PRELOAD"), "{playlist}");
    let (map, key) = (playlist.find("#EXT-X-MAP"), playlist.find("#EXT-X-KEY"));
    assert!(map < key, "{playlist}");
    let mut key = None;
    for line in playlist.lines() {
        key = line.strip_prefix("#EXT-X-KEY:").or(key);
        if let Some(rest) = line.strip_prefix("video0-") {
            let sequence: u64 = rest.trim_end_matches(".m4s").parse().unwrap();
            let uri = format!("METHOD=AES-128,URI=\"keys/video0-{}.key\"", sequence / 2);
            assert_eq!(key, Some(uri.as_str()), "{playlist}");
            assert_eq!(window.get(sequence).unwrap().bytes, 6);
        }
    }
}
