//! HLS segments and playlists, judged by ffmpeg.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use bytes::{Bytes, BytesMut};
use media::hls::{
    Cutting, Segment, Segmenter, Variant, Window, WindowConfig, media_playlist,
    multivariant_playlist,
};
use media::ts::packet::{Packet, Pid};
use media::ts::pes::PesHeader;
use media::ts::psi::crc32;
use media::{Convert, Ticks90k, Tracks, TsChunk};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// ffmpeg's own first PID: the video of these fixtures, or their only audio.
const LEADER: Pid = Pid::new(0x100);
const AUDIO: Pid = Pid::new(0x101);
const NOW: Duration = Duration::from_secs(1_700_000_000);

fn now() -> SystemTime {
    UNIX_EPOCH + NOW
}

/// Chunks of `packets` packets; entry points where ffmpeg set the indicator.
fn chunks(ts: &[u8], packets: usize, epoch: u32) -> Vec<TsChunk> {
    let entry = |packet: Packet<'_>| {
        let indicated = packet
            .adaptation()
            .is_some_and(|field| field.random_access());
        packet.pid() == LEADER && packet.unit_start() && indicated
    };
    ts.chunks(188 * packets)
        .map(|data| TsChunk {
            data: Bytes::copy_from_slice(data),
            random_access: Packet::iter(data).any(entry),
            epoch,
        })
        .collect()
}

fn segments(cutting: Cutting, chunks: &[TsChunk]) -> Vec<Segment> {
    let mut segmenter = Segmenter::new(cutting);
    let mut out = Vec::new();
    for chunk in chunks {
        segmenter.convert(now(), chunk, &mut out);
    }
    assert_eq!(segmenter.complaints(), [""; 0]);
    out.extend(segmenter.finish());
    out
}

fn durations(segments: &[Segment]) -> Vec<i64> {
    segments
        .iter()
        .map(|segment| segment.duration.as_ms())
        .collect()
}

fn written(test: &str, segments: &[Segment]) -> Vec<PathBuf> {
    let dir = fixtures::scratch(&format!("hls-{test}"));
    let write = |segment: &Segment| {
        let file = dir.join(format!("{}.ts", segment.sequence));
        std::fs::write(&file, &segment.data).unwrap();
        file
    };
    segments.iter().map(write).collect()
}

/// Payload bytes of each audio PES packet, in order.
fn audio_pes_sizes(ts: &[u8]) -> Vec<usize> {
    let mut sizes = Vec::new();
    for packet in Packet::iter(ts).filter(|packet| packet.pid() == AUDIO) {
        if packet.unit_start() {
            sizes.push(0);
        }
        let last = sizes
            .last_mut()
            .expect("a PES packet goes on that did not start here");
        *last += packet.payload().len();
    }
    sizes
}

#[test]
fn segments_with_b_frames_last_as_long_as_their_pictures_and_decode_alone() {
    for file in ["h264_aac.ts", "hevc_aac.ts"] {
        for packets in [1, 7, 64, 100_000] {
            let ts = fixtures::read(file);
            let chunks = if packets == 100_000 {
                // One picture a chunk, as a muxer makes them, with its audio.
                by_leader_unit(&ts)
            } else {
                chunks(&ts, packets, 0)
            };
            let segments = segments(Cutting::default(), &chunks);
            assert_eq!(
                durations(&segments),
                [2_000, 2_000, 2_000, 400],
                "{file} by {packets}"
            );
            assert!(
                segments
                    .iter()
                    .all(|segment| segment.independent && !segment.discontinuity)
            );
            let sequences: Vec<u64> = segments.iter().map(|segment| segment.sequence).collect();
            assert_eq!(sequences, [0, 1, 2, 3]);
            let files = written(&format!("{file}-{packets}"), &segments);
            let pictures: Vec<usize> = files
                .iter()
                .map(|file| fixtures::decoded_pictures(file))
                .collect();
            assert_eq!(pictures, [50, 50, 50, 10], "{file} by {packets}");
        }
    }
}

/// Chunks that begin with a picture each, but for the first.
fn by_leader_unit(ts: &[u8]) -> Vec<TsChunk> {
    let starts = Packet::iter(ts).enumerate().filter_map(|(index, packet)| {
        (packet.pid() == LEADER && packet.unit_start()).then_some(index * 188)
    });
    let mut edges: Vec<usize> = std::iter::once(0).chain(starts).collect();
    edges.push(ts.len());
    edges
        .windows(2)
        .flat_map(|edge| chunks(&ts[edge[0]..edge[1]], 1 << 20, 0))
        .collect()
}

#[test]
fn nothing_is_lost_between_segments() {
    let file = fixtures::path("h264_aac.ts");
    let segments = segments(
        Cutting::default(),
        &chunks(&fixtures::read("h264_aac.ts"), 7, 0),
    );
    let joined: Vec<u8> = segments
        .iter()
        .flat_map(|segment| segment.data.to_vec())
        .collect();
    let joined_file = fixtures::scratch("hls-joined").join("joined.ts");
    std::fs::write(&joined_file, joined).unwrap();
    let hashes = |file| fixtures::ffmpeg(file, &["-c", "copy", "-f", "framemd5"]);
    assert_eq!(hashes(&joined_file), hashes(&file));
}

#[test]
fn tables_and_the_first_picture_stand_in_front_of_each_segment() {
    let segments = segments(
        Cutting::default(),
        &chunks(&fixtures::read("h264_aac.ts"), 7, 0),
    );
    for segment in segments {
        let mut packets = Packet::iter(&segment.data);
        assert_eq!(packets.next().map(Packet::pid), Some(Pid::PAT));
        assert_eq!(packets.next().map(Packet::pid), Some(Pid::new(0x1000)));
        let third = packets.next().unwrap();
        assert!(third.pid() == LEADER && third.unit_start());
        let pts = PesHeader::parse(third.payload()).unwrap().pts.unwrap();
        assert_eq!(segment.start, Ticks90k(pts as i64));
    }
}

/// Each audio packet that continues a PES packet comes 40 packets later, as from an encoder
/// that paces its audio.
fn with_paced_audio(ts: &[u8]) -> Vec<u8> {
    let mut keyed: Vec<(usize, Packet<'_>)> = Vec::new();
    let mut audio = 0;
    for (index, packet) in Packet::iter(ts).enumerate() {
        let mut key = index;
        if packet.pid() == AUDIO {
            let delay = if packet.unit_start() { 0 } else { 40 };
            audio = (index + delay).max(audio);
            key = audio;
        }
        keyed.push((key, packet));
    }
    keyed.sort_by_key(|(key, _)| *key);
    keyed
        .iter()
        .flat_map(|(_, packet)| *packet.bytes())
        .collect()
}

#[test]
fn an_audio_packet_that_began_before_the_cut_ends_in_its_segment() {
    let ts = with_paced_audio(&fixtures::read("h264_aac.ts"));
    let segments = segments(Cutting::every(Ticks90k::SECOND), &chunks(&ts, 7, 0));
    assert_eq!(segments.len(), 7);
    let found: Vec<usize> = segments
        .iter()
        .flat_map(|s| audio_pes_sizes(&s.data))
        .collect();
    assert_eq!(found, audio_pes_sizes(&ts));
    for file in written("paced", &segments) {
        fixtures::ffmpeg(&file, &["-f", "framemd5"]);
    }
}

#[test]
fn without_random_access_points_the_cut_comes_at_the_limit_and_is_marked() {
    let cutting = Cutting {
        max: Ticks90k(3 * 90_000),
        ..Cutting::default()
    };
    let segments = segments(cutting, &chunks(&fixtures::read("h264_one_gop.ts"), 7, 0));
    let independent: Vec<bool> = segments.iter().map(|segment| segment.independent).collect();
    assert_eq!(independent, [true, false, false]);
    let total: i64 = segments.iter().map(|segment| segment.duration.0).sum();
    assert_eq!(total, 6_400 * 90);
    assert!(
        segments
            .iter()
            .all(|segment| segment.duration.as_ms() < 3_300)
    );
}

#[test]
fn sound_without_picture_is_cut_by_time() {
    let segments = segments(
        Cutting::default(),
        &chunks(&fixtures::read("aac_only.ts"), 7, 0),
    );
    assert_eq!(segments.len(), 4);
    let total: i64 = segments
        .iter()
        .map(|segment| segment.duration.as_ms())
        .sum();
    assert!((6_380..=6_600).contains(&total), "{total}");
    for (segment, file) in segments.iter().zip(written("audio", &segments)) {
        assert!(segment.independent);
        fixtures::ffmpeg(&file, &["-f", "framemd5"]);
    }
}

#[test]
fn a_new_epoch_is_a_discontinuity_with_a_new_wall_clock() {
    let ts = fixtures::read("h264_aac.ts");
    let mut segmenter = Segmenter::new(Cutting::default());
    let mut segments = Vec::new();
    for chunk in chunks(&ts, 7, 0) {
        segmenter.convert(now(), &chunk, &mut segments);
    }
    let later = now() + Duration::from_secs(60);
    for chunk in chunks(&ts, 7, 1) {
        segmenter.convert(later, &chunk, &mut segments);
    }
    segments.extend(segmenter.finish());
    assert_eq!(
        durations(&segments),
        [2_000, 2_000, 2_000, 400, 2_000, 2_000, 2_000, 400]
    );
    let marks: Vec<bool> = segments
        .iter()
        .map(|segment| segment.discontinuity)
        .collect();
    assert_eq!(
        marks,
        [false, false, false, false, true, false, false, false]
    );
    let times: Vec<u64> = segments
        .iter()
        .map(|s| {
            s.program_date_time
                .duration_since(now())
                .unwrap()
                .as_millis() as u64
        })
        .collect();
    assert_eq!(
        times,
        [0, 2_000, 4_000, 6_000, 60_000, 62_000, 64_000, 66_000]
    );
}

#[test]
fn a_jump_that_nobody_marked_is_a_discontinuity_too() {
    let ts = fixtures::read("h264_aac.ts");
    let mut jumped = ts.clone();
    // Sets bit 30 of each stamp of the leader: three hours.
    for packet in jumped.chunks_mut(188) {
        let view = Packet::new(packet.first_chunk().unwrap()).unwrap();
        let Some(at) = view.payload_offset() else {
            continue;
        };
        let header = PesHeader::parse(view.payload()).filter(|_| view.unit_start());
        let Some(header) = header.filter(|header| header.pts.is_some()) else {
            continue;
        };
        for offset in header.stamp_offsets().collect::<Vec<_>>() {
            packet[at + offset] |= 2;
        }
    }
    let both = [chunks(&ts, 7, 0), chunks(&jumped, 7, 0)].concat();
    let segments = segments(Cutting::default(), &both);
    assert_eq!(
        durations(&segments),
        [2_000, 2_000, 2_000, 400, 2_000, 2_000, 2_000, 400]
    );
    assert!(segments[4].discontinuity);
}

#[test]
fn another_program_is_a_discontinuity_at_its_next_entry_point() {
    // 3.0 s of H.264 and AAC, then the same clock and PIDs with HEVC.
    let first = fixtures::read("h264_aac.ts");
    let second = fixtures::read("hevc_aac.ts");
    let third_second = |ts: &[u8]| {
        let mut pictures = 0;
        let at = Packet::iter(ts).position(|packet| {
            pictures += usize::from(packet.pid() == LEADER && packet.unit_start());
            pictures == 76
        });
        at.unwrap() * 188
    };
    let mut spliced = first[..third_second(&first)].to_vec();
    // ffmpeg gives both tables version 0; a real change counts up.
    spliced.extend(with_pmt_version(&second[..188 * 3], 1));
    spliced.extend(with_pmt_version(&second[third_second(&second)..], 1));
    let segments = segments(Cutting::default(), &chunks(&spliced, 7, 0));
    assert_eq!(durations(&segments), [2_000, 1_000, 2_000, 1_400]);
    let marks: Vec<bool> = segments
        .iter()
        .map(|segment| segment.discontinuity)
        .collect();
    assert_eq!(marks, [false, false, true, false]);
}

/// The same with another `version_number` in each PMT.
fn with_pmt_version(ts: &[u8], version: u8) -> Vec<u8> {
    let mut out = ts.to_vec();
    for packet in out.chunks_mut(188) {
        let view = Packet::new(packet.first_chunk().unwrap()).unwrap();
        if view.pid() != Pid::new(0x1000) {
            continue;
        }
        let section = view.payload_offset().unwrap() + 1;
        let length = usize::from(u16::from_be_bytes([
            packet[section + 1] & 0xf,
            packet[section + 2],
        ]));
        packet[section + 5] = packet[section + 5] & 0xc1 | version << 1;
        let crc = section + 3 + length - 4;
        let sum = crc32(&packet[section..crc]);
        packet[crc..crc + 4].copy_from_slice(&sum.to_be_bytes());
    }
    out
}

#[test]
fn the_playlist_is_accepted_and_plays_all_pictures() {
    let segments = segments(
        Cutting::default(),
        &chunks(&fixtures::read("h264_aac.ts"), 7, 0),
    );
    written("playlist", &segments);
    let mut window = Window::new(WindowConfig::default());
    for segment in segments {
        assert_eq!(window.push(segment), None);
    }
    window.end();
    let text = media_playlist(&window, None, |segment| format!("{}.ts", segment.sequence)).unwrap();
    let wanted = "\
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z
#EXTINF:2.00000,
0.ts
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.000Z
#EXTINF:2.00000,
1.ts
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:24.000Z
#EXTINF:2.00000,
2.ts
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:26.000Z
#EXTINF:0.40000,
3.ts
#EXT-X-ENDLIST
";
    assert_eq!(text, wanted);
    let file = fixtures::scratch("hls-playlist").join("index.m3u8");
    std::fs::write(&file, text).unwrap();
    let duration = ["-show_entries", "format=duration", "-of", "csv=p=0"];
    assert_eq!(fixtures::ffprobe(&file, &duration), ["6.400000"]);
    assert_eq!(fixtures::decoded_pictures(&file), 160);
    let window_of = multivariant_playlist(
        &[Variant::of(
            &Tracks::default(),
            &window,
            "index.m3u8".into(),
        )],
        true,
    );
    let file = fixtures::scratch("hls-playlist").join("main.m3u8");
    std::fs::write(&file, window_of).unwrap();
    assert_eq!(fixtures::decoded_pictures(&file), 160);
}

fn segment(sequence: u64, ms: i64, discontinuity: bool) -> Segment {
    Segment {
        sequence,
        data: Bytes::from(vec![0x47; 188 * 100]),
        duration: Ticks90k::from_ms(ms),
        start: Ticks90k::ZERO,
        program_date_time: now(),
        discontinuity,
        independent: true,
    }
}

fn sequences(window: &Window) -> Vec<u64> {
    window.listed().map(|segment| segment.sequence).collect()
}

#[test]
fn the_window_slides_counts_discontinuities_and_keeps_what_it_unlisted_for_a_while() {
    let mut window = Window::new(WindowConfig::default());
    for sequence in 0..20 {
        window.push(segment(sequence, 2_000, sequence == 3 || sequence == 12));
    }
    assert_eq!(sequences(&window), [14, 15, 16, 17, 18, 19]);
    assert_eq!(window.discontinuity_sequence(), 2);
    // Unlisted when 19 came: must stay for 2 s and the 12 s of the playlist.
    assert!(window.get(13).is_some() && window.get(7).is_some());
    assert!(window.get(5).is_none(), "bounded");
    assert!(window.get(20).is_none());
    assert_eq!(window.bandwidth_bps(), (75_200, 75_200));
}

#[test]
fn the_playlist_never_gets_shorter_than_three_target_durations() {
    let mut window = Window::new(WindowConfig {
        listed: 3,
        ..WindowConfig::default()
    });
    window.push(segment(0, 6_000, false));
    for sequence in 1..12 {
        window.push(segment(sequence, 1_000, false));
        let total: i64 = window
            .listed()
            .map(|segment| segment.duration.as_ms())
            .sum();
        assert!(total >= 18_000 || window.listed().count() as u64 == sequence + 1);
    }
    assert_eq!(window.target_s(), 6);
}

#[test]
fn the_target_duration_rounds_and_tells_when_it_must_grow() {
    let mut window = Window::new(WindowConfig::default());
    assert_eq!(window.push(segment(0, 2_499, false)), None);
    assert_eq!(window.target_s(), 2, "2.499 s rounds down");
    let raised = window.push(segment(1, 4_500, false)).unwrap();
    assert_eq!((raised.from_s, raised.to_s), (2, 5), "4.5 s rounds up");
    assert_eq!(window.push(segment(2, 2_000, false)), None);
    assert_eq!(window.target_s(), 5, "and never shrinks");
}

#[test]
fn a_dependent_segment_takes_the_promise_back_while_it_is_listed() {
    let mut window = Window::new(WindowConfig {
        listed: 3,
        ..WindowConfig::default()
    });
    let promised = |window: &Window| {
        media_playlist(window, None, |_| String::new())
            .unwrap()
            .contains("INDEPENDENT-SEGMENTS")
    };
    assert_eq!(media_playlist(&window, None, |_| String::new()), None);
    window.push(Segment {
        independent: false,
        ..segment(0, 2_000, false)
    });
    assert!(!promised(&window));
    for sequence in 1..=3 {
        window.push(segment(sequence, 2_000, false));
    }
    assert!(promised(&window));
}

#[test]
fn the_multivariant_playlist_has_all_attributes() {
    let variant = Variant {
        uri: "index.m3u8".into(),
        bandwidth_bps: 5_200_000,
        average_bandwidth_bps: 4_100_000,
        codecs: vec!["avc1.64001F".into(), "mp4a.40.2".into()],
        resolution: Some((1280, 720)),
        fps_milli: 29_970,
    };
    let bare = Variant {
        uri: "audio.m3u8".into(),
        ..Variant::default()
    };
    assert_eq!(
        multivariant_playlist(&[variant, bare], true),
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-STREAM-INF:BANDWIDTH=5200000,AVERAGE-BANDWIDTH=4100000,\
         CODECS=\"avc1.64001F,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=29.970\nindex.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1\naudio.m3u8\n"
    );
}

#[test]
fn a_stream_without_pictures_is_bounded_and_named_once() {
    let ts = fixtures::read("h264_aac.ts");
    let cutting = Cutting {
        max_bytes: 100_000,
        ..Cutting::default()
    };
    let mut segmenter = Segmenter::new(cutting);
    let mut out = Vec::new();
    for chunk in chunks(&ts[..188 * 200], 7, 0) {
        segmenter.convert(now(), &chunk, &mut out);
    }
    let mut endless = BytesMut::new();
    for _ in 0..10_000 {
        let mut packet = [0xff; 188];
        packet[..4].copy_from_slice(&[0x47, 0x01, 0x01, 0x10]);
        endless.extend_from_slice(&packet);
    }
    for chunk in chunks(&endless, 7, 0) {
        segmenter.convert(now(), &chunk, &mut out);
    }
    assert_eq!(segmenter.complaints().len(), 1);
    assert!(
        out.iter()
            .all(|segment| segment.data.len() <= 200_000 + 188)
    );
    assert!(segmenter.finish().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_damage_to_a_stream_makes_a_panic_or_a_negative_duration(
        hits in prop::collection::vec((0usize..194_956, any::<u8>()), 0..400),
        packets in 1usize..40,
        flags in any::<u64>(),
        epochs in any::<u64>(),
    ) {
        let mut ts = fixtures::read("h264_aac.ts");
        for (at, byte) in hits {
            if at % 188 != 0 {
                ts[at] = byte;
            }
        }
        let mut chunks = chunks(&ts, packets, 0);
        for (index, chunk) in chunks.iter_mut().enumerate() {
            chunk.random_access ^= flags >> (index % 64) & 1 == 1;
            chunk.epoch = (epochs >> (index * 3 / 1_000).min(63)) as u32 & 1;
        }
        for segment in segments(Cutting::default(), &chunks) {
            prop_assert!(segment.duration > Ticks90k::ZERO);
            prop_assert_eq!(segment.data.len() % 188, 0);
        }
    }
}
