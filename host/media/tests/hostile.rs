//! Sources that are well formed and mean no good: what they make us hold, and write, is bounded.
#![allow(clippy::unwrap_used)]

use bytes::{BufMut, Bytes, BytesMut};
use media::codec::bits::BitWriter;
use media::codec::h264;
use media::flv;
use media::hls::{Cutting, Segment, Segmenter, Window, WindowConfig};
use media::ts::demux::Demuxer;
use media::ts::packet::Pid;
use media::ts::pes;
use media::ts::psi::{Pat, PatEntry, Pmt, PmtStream, StreamKind};
use media::ts::psi::{pat_section, pmt_section, write_section};
use media::{Codec, Convert, Frame, Ticks90k, TsChunk};
use std::time::SystemTime;

const PMT: Pid = Pid::new(0x1000);
const VIDEO: Pid = Pid::new(0x100);
const AUDIO: Pid = Pid::new(0x101);

/// 320x240, baseline.
const SPS: &[u8] = &[0x67, 0x42, 0xC0, 0x0D, 0xDA, 0x05, 0x07, 0xC4];
const IDR: &[u8] = &[0x65, 0x88, 0x80, 0x10];

/// Writes one transport stream.
#[derive(Default)]
struct Source {
    counters: [u8; 4],
    data: BytesMut,
}

impl Source {
    fn counter(&mut self, pid: Pid) -> &mut u8 {
        let index = [Pid::PAT, PMT, VIDEO, AUDIO]
            .iter()
            .position(|known| *known == pid);
        &mut self.counters[index.unwrap()]
    }

    fn tables(&mut self, streams: &[(Pid, StreamKind)]) {
        let program = PatEntry {
            number: 1,
            pmt_pid: PMT,
        };
        let pat = Pat {
            stream_id: 1,
            version: 0,
            programs: vec![program],
        };
        let stream = |(pid, kind): &(Pid, StreamKind)| PmtStream {
            pid: *pid,
            stream_type: if *kind == StreamKind::H264 {
                0x1B
            } else {
                0x0F
            },
            kind: *kind,
            language: None,
        };
        let pmt = Pmt {
            number: 1,
            version: 0,
            pcr_pid: VIDEO,
            streams: streams.iter().map(stream).collect(),
        };
        for (section, pid) in [(pat_section(&pat), Pid::PAT), (pmt_section(&pmt), PMT)] {
            let mut out = self.data.split();
            write_section(&section, pid, self.counter(pid), &mut out);
            self.data = out;
        }
    }

    /// One PES packet of open length.
    fn unit(&mut self, pid: Pid, pts: i64, dts: i64, payload: &[u8]) {
        let mut unit = BytesMut::new();
        pes::write_header(0xE0, pts, dts, 1 << 16, &mut unit);
        unit.put_slice(payload);
        for (index, body) in unit.chunks(182).enumerate() {
            let counter = self.counter(pid);
            *counter = (*counter + 1) & 0x0F;
            let control = 0x30 | *counter;
            let [high, low] = pid.get().to_be_bytes();
            let start = if index == 0 { 0x40 } else { 0 };
            self.data.put_slice(&[0x47, start | high, low, control]);
            self.data.put_slice(&[(183 - body.len()) as u8, 0]);
            self.data.put_bytes(0xFF, 182 - body.len());
            self.data.put_slice(body);
        }
    }

    fn chunk(&mut self, random_access: bool) -> TsChunk {
        TsChunk {
            data: self.data.split().freeze(),
            random_access,
            epoch: 0,
        }
    }

    fn frames(&mut self) -> Vec<Frame> {
        let (mut demuxer, mut frames) = (Demuxer::new(), Vec::new());
        demuxer.convert(SystemTime::UNIX_EPOCH, &self.chunk(false), &mut frames);
        demuxer.finish(&mut frames);
        frames
    }
}

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units
        .iter()
        .flat_map(|unit| [&[0, 0, 1], *unit].concat())
        .collect()
}

/// A picture parameter set of that id (H.264 §7.3.2.2), padded.
fn pps(id: u32, bytes: usize) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.bits(8, 0x68);
    let length = 32 - (id + 1).leading_zeros();
    bits.bits(length - 1, 0);
    bits.bits(length, id + 1);
    let mut unit = bits.finish();
    unit.resize(bytes, 0x55);
    unit
}

fn h264_sets(frames: &[Frame]) -> h264::DecoderConfig {
    let track = frames.last().unwrap().tracks.video().unwrap().clone();
    h264::DecoderConfig::parse(track.codec.config()).unwrap()
}

#[test]
fn of_ever_new_picture_parameter_sets_the_newest_are_kept() {
    let mut source = Source::default();
    source.tables(&[(VIDEO, StreamKind::H264)]);
    source.unit(VIDEO, 0, 0, &annex_b(&[SPS, &pps(0, 4), IDR]));
    for unit in 0..40u32 {
        let sets: Vec<_> = (0..64).map(|n| pps(64 * unit + n, 8)).collect();
        let mut units: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        units.push(IDR);
        let dts = i64::from(unit + 1) * 3_600;
        source.unit(VIDEO, dts, dts, &annex_b(&units));
    }
    let config = h264_sets(&source.frames());
    assert_eq!(config.pps.len(), 64);
    assert_eq!(config.pps[63], pps(64 * 40 - 1, 8));
}

#[test]
fn parameter_sets_without_measure_do_not_get_into_the_configuration() {
    let mut source = Source::default();
    source.tables(&[(VIDEO, StreamKind::H264)]);
    source.unit(VIDEO, 0, 0, &annex_b(&[SPS, &pps(0, 4), IDR]));
    for id in 1..60 {
        let dts = i64::from(id) * 3_600;
        source.unit(VIDEO, dts, dts, &annex_b(&[&pps(id, 60_000), IDR]));
    }
    let frames = source.frames();
    assert_eq!(frames.len(), 60);
    let config = h264_sets(&frames);
    assert!(config.build().len() < 70_000, "{}", config.build().len());
}

#[test]
fn adts_headers_without_sound_are_no_frames() {
    let header = [0xFF, 0xF1, 0x4C, 0x80, 0x00, 0xFF, 0xFC];
    let mut sound = header;
    (sound[4], sound[5]) = (0x01, 0x1F); // one byte more: 8
    let mut source = Source::default();
    source.tables(&[(AUDIO, StreamKind::AacAdts)]);
    let payload = [header.repeat(9_000), [&sound[..], &[7]].concat()].concat();
    source.unit(AUDIO, 0, 0, &payload);
    let payloads: Vec<Bytes> = source
        .frames()
        .into_iter()
        .map(|frame| frame.payload)
        .collect();
    assert_eq!(payloads, [&[7][..]]);
}

#[test]
fn sound_without_an_end_is_dropped_before_it_is_megabytes() {
    let mut source = Source::default();
    source.tables(&[(AUDIO, StreamKind::AacAdts)]);
    source.unit(AUDIO, 0, 0, &vec![0x55; 1 << 20]);
    let mut demuxer = Demuxer::new();
    demuxer.convert(
        SystemTime::UNIX_EPOCH,
        &source.chunk(false),
        &mut Vec::new(),
    );
    assert_eq!(demuxer.damaged_units(), 1);
}

#[test]
fn sequence_headers_of_a_megabyte_are_refused_and_named() {
    // AVC, sequence header, no composition; then a record with a long list of SPS.
    let mut body = vec![0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x0D, 0xFF, 0xE0 | 20];
    for _ in 0..20 {
        let mut sps = SPS.to_vec();
        sps.resize(60_000, 1);
        body.extend((sps.len() as u16).to_be_bytes());
        body.extend(sps);
    }
    body.push(0);
    let mut demuxer = flv::Demuxer::new();
    demuxer.push(flv::Kind::Video, 0, &body.into(), &mut Vec::new());
    let frame = [&[0x17, 1, 0, 0, 0, 0, 0, 0, 4][..], IDR].concat();
    let mut frames = Vec::new();
    demuxer.push(flv::Kind::Video, 0, &frame.into(), &mut frames);
    demuxer.push(
        flv::Kind::Audio,
        0,
        &vec![0xAF, 0, 0x12, 0x10].into(),
        &mut frames,
    );
    demuxer.push(
        flv::Kind::Audio,
        5_000,
        &vec![0xAF, 1, 1].into(),
        &mut frames,
    );
    assert!(demuxer.complaints()[0].contains("length of a configuration record"));
    let coded = |frame: &Frame| {
        frame
            .tracks
            .list
            .iter()
            .all(|t| matches!(t.codec, Codec::Aac { .. }))
    };
    assert!(frames.iter().all(coded));
}

/// Segments of a stream whose pictures have these PTS and DTS.
fn segments(stamps: impl IntoIterator<Item = (i64, i64)>) -> Vec<Segment> {
    let mut source = Source::default();
    source.tables(&[(VIDEO, StreamKind::H264)]);
    let mut segmenter = Segmenter::new(Cutting::default());
    let mut out = Vec::new();
    for (pts, dts) in stamps {
        source.unit(VIDEO, pts, dts, &annex_b(&[SPS, &pps(0, 4), IDR]));
        segmenter.convert(SystemTime::UNIX_EPOCH, &source.chunk(true), &mut out);
    }
    out.extend(segmenter.finish());
    out
}

#[test]
fn one_mad_presentation_time_does_not_make_segments_of_hours() {
    let mad = |n: i64| if n == 120 { 4 * 3_600 * 90_000 } else { 0 };
    let segments = segments((0..500).map(|n| (n * 3_600 + mad(n), n * 3_600)));
    assert!(segments.len() > 5);
    let longest = segments
        .iter()
        .map(|segment| segment.duration)
        .max()
        .unwrap();
    assert!(longest < Ticks90k(20 * 90_000), "{longest}");
}

#[test]
fn a_clock_that_jumps_with_every_picture_does_not_fill_the_window() {
    // Two pictures one tick apart, then a jump of half a minute.
    let mut window = Window::new(WindowConfig::default());
    let stamps = (0..4_000).map(|n: i64| n / 2 * 30 * 90_000 + n % 2);
    for segment in segments(stamps.map(|stamp| (stamp, stamp))) {
        window.push(segment);
    }
    assert!(
        window.listed().count() <= 128,
        "{}",
        window.listed().count()
    );
    let newest = window.listed().last().unwrap().sequence;
    assert!(newest > 1_000);
    assert!(
        window.get(newest - 1_000).is_none(),
        "all segments are kept"
    );
}

#[test]
fn much_in_hardly_any_time_does_not_fill_the_window() {
    let mut window = Window::new(WindowConfig::default());
    let data = Bytes::from(vec![0x47; 8 << 20]);
    let segment = |sequence| Segment {
        sequence,
        data: data.clone(),
        duration: Ticks90k(900),
        start: Ticks90k(900 * i64::try_from(sequence).unwrap()),
        program_date_time: SystemTime::UNIX_EPOCH,
        discontinuity: false,
        independent: true,
    };
    for sequence in 0..400 {
        window.push(segment(sequence));
    }
    let held = (0..400).filter(|sequence| window.get(*sequence).is_some());
    assert_eq!(held.count() * data.len(), 512 << 20);
}

#[test]
fn a_program_that_is_another_with_every_table_leaves_nothing_behind() {
    let mut source = Source::default();
    let mut demuxer = Demuxer::new();
    let mut held = Vec::new();
    for first in 0..600u16 {
        let kind = |n| {
            if n % 2 == 0 {
                StreamKind::H264
            } else {
                StreamKind::AacAdts
            }
        };
        let streams: Vec<_> = (0..60)
            .map(|n| (Pid::new(0x200 + first * 7 + n), kind(n)))
            .collect();
        source.tables(&streams);
        demuxer.convert(
            SystemTime::UNIX_EPOCH,
            &source.chunk(false),
            &mut Vec::new(),
        );
        held.push(format!("{demuxer:?}").len());
    }
    assert!(
        held[599] < held[1] + held[1] / 10,
        "{} {}",
        held[1],
        held[599]
    );
}

#[test]
fn ever_new_sequence_headers_leave_nothing_behind() {
    let mut demuxer = flv::Demuxer::new();
    let (mut frames, mut held) = (Vec::new(), Vec::new());
    for count in 0..600u32 {
        // The explicit rate makes each another configuration.
        let asc = 2 << 35 | 15 << 31 | u64::from(count + 8_000) << 7 | 2 << 3;
        let record = [&[0xAF, 0][..], &asc.to_be_bytes()[3..]].concat();
        demuxer.push(flv::Kind::Audio, count, &record.into(), &mut frames);
        demuxer.push(
            flv::Kind::Audio,
            count * 10,
            &vec![0xAF, 1, 1].into(),
            &mut frames,
        );
        if !frames.is_empty() {
            held.push(format!("{demuxer:?}").len());
        }
        frames.clear();
    }
    assert_eq!(demuxer.complaints(), [""; 0]);
    assert!(held.len() > 400);
    assert!(held.iter().max().unwrap() < &(held[0] + 100), "{held:?}");
}
