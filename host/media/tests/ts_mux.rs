//! `Ts` from `Frames`, judged by FFmpeg and by the `mpeg2ts` crate.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ts_support;

use bytes::Bytes;
use media::ts::continuity::{Continuity, Counter};
use media::ts::mux::{LEAD, Muxer};
use media::ts::packet::{Adaptation, Packet, Pid};
use media::{Convert, Frame, TsChunk};
use mpeg2ts::ts::{ReadTsPacket, TsPacketReader, TsPayload};
use std::collections::HashMap;
use ts_support::*;

fn sources() -> [(&'static str, Bytes); 3] {
    [
        ("h264", h264_aac()),
        ("hevc", hevc_aac()),
        ("aac", aac_alone()),
    ]
}

#[test]
fn frames_survive_a_round_trip() {
    for (name, ts) in sources() {
        let frames = demux(&ts);
        let again = demux(&join(&mux(&frames)));
        assert_eq!(frames.len(), again.len(), "{name}");
        assert_eq!(frames[0].tracks, again[0].tracks, "{name}");
        for track in &frames[0].tracks.list {
            let of = |frames: &[Frame]| -> Vec<_> {
                let mine = frames.iter().filter(|frame| frame.track == track.id);
                mine.map(|frame| {
                    (
                        frame.dts,
                        frame.pts,
                        frame.random_access,
                        frame.payload.clone(),
                    )
                })
                .collect()
            };
            let sent = of(&frames)
                .into_iter()
                .map(|(dts, pts, random_access, payload)| {
                    (dts + LEAD, pts + LEAD, random_access, payload)
                });
            assert_eq!(sent.collect::<Vec<_>>(), of(&again), "{name}");
        }
    }
}

#[test]
fn ffprobe_sees_the_stamps_and_key_frames_that_were_sent() {
    for (name, ts) in sources() {
        let frames = demux(&ts);
        let mut sent = as_probed(&frames);
        for packet in &mut sent {
            packet.dts += LEAD.0;
            packet.pts += LEAD.0;
        }
        assert_eq!(probe(&join(&mux(&frames))), sent, "{name}");
    }
}

#[test]
fn ffmpeg_decodes_the_same_pictures_and_sounds_without_a_complaint() {
    for (name, ts) in sources() {
        let muxed = join(&mux(&demux(&ts)));
        let streams: &[&str] = if name == "aac" {
            &["0:a"]
        } else {
            &["0:v", "0:a"]
        };
        for stream in streams {
            let (before, after) = (decoded(&ts, stream), decoded(&muxed, stream));
            assert!(
                before.len() > 40,
                "{name} {stream}: {} decoded",
                before.len()
            );
            assert_eq!(before, after, "{name} {stream}");
        }
    }
}

#[test]
fn the_mpeg2ts_crate_reads_every_packet() {
    for (name, ts) in sources() {
        let muxed = join(&mux(&demux(&ts)));
        let mut reader = TsPacketReader::new(&muxed[..]);
        let (mut packets, mut starts, mut tables) = (0, 0, 0);
        while let Some(packet) = reader.read_ts_packet().unwrap() {
            packets += 1;
            match packet.payload {
                Some(TsPayload::PesStart(pes)) => {
                    starts += 1;
                    assert!(pes.header.pts.is_some());
                }
                Some(TsPayload::Pat(_) | TsPayload::Pmt(_)) => tables += 1,
                _ => {}
            }
        }
        assert_eq!(packets * 188, muxed.len(), "{name}");
        assert_eq!(starts, demux(&ts).len(), "{name}");
        assert!(tables >= 2 * 15, "{name}: {tables} tables in 2 s");
    }
}

#[test]
fn counters_never_skip_on_any_pid() {
    for (name, ts) in sources() {
        let muxed = join(&mux(&demux(&ts)));
        let mut counters: HashMap<Pid, Counter> = HashMap::new();
        for packet in Packet::iter(&muxed) {
            let judged = counters.entry(packet.pid()).or_default().judge(packet);
            assert_eq!(judged, Continuity::Next, "{name} PID {}", packet.pid());
        }
    }
}

#[test]
fn every_chunk_is_a_datagram_of_whole_packets() {
    for chunk in mux(&demux(&h264_aac())) {
        assert!(chunk.data.len() <= 1316 && chunk.data.len().is_multiple_of(188));
        assert_eq!(Packet::iter(&chunk.data).count() * 188, chunk.data.len());
    }
}

#[test]
fn a_random_access_chunk_starts_with_tables_and_holds_the_start_of_the_picture() {
    for ts in [h264_aac(), hevc_aac()] {
        let frames = demux(&ts);
        let chunks = mux(&frames);
        let marked: Vec<&TsChunk> = chunks.iter().filter(|chunk| chunk.random_access).collect();
        assert_eq!(
            marked.len(),
            frames.iter().filter(|frame| frame.random_access).count()
        );
        for chunk in marked {
            let packets: Vec<Packet<'_>> = Packet::iter(&chunk.data).collect();
            let pids: Vec<u16> = packets.iter().map(|packet| packet.pid().get()).collect();
            assert_eq!(pids[..4], [0, 0x1000, 0x11, 0x100]);
            let adaptation = packets[3].adaptation().unwrap();
            assert!(packets[3].unit_start() && adaptation.random_access());
            assert!(adaptation.pcr().is_some());
        }
    }
}

#[test]
fn a_decoder_can_start_at_any_random_access_chunk() {
    let chunks = mux(&demux(&h264_aac()));
    let starts = (0..chunks.len()).filter(|at| chunks[*at].random_access);
    for at in starts.skip(1) {
        let tail = join(&chunks[at..]);
        assert!(!decoded(&tail, "0:v").is_empty());
    }
}

#[test]
fn the_clock_comes_every_40_ms_runs_forward_and_stays_before_the_stamps() {
    for (name, ts) in sources() {
        let muxed = join(&mux(&demux(&ts)));
        let mut last: Option<u64> = None;
        let mut clocks = 0;
        for packet in Packet::iter(&muxed) {
            let Some(pcr) = packet.adaptation().and_then(Adaptation::pcr) else {
                continue;
            };
            clocks += 1;
            let gap = last.map_or(0, |last| pcr.base() - last);
            assert!(gap <= 40 * 90, "{name}: {gap} ticks without PCR");
            last = Some(pcr.base());
        }
        assert!(clocks >= 50, "{name}: {clocks} PCRs");
    }
}

#[test]
fn slow_pictures_borrow_clock_moments_from_the_sound() {
    let ts = generate(
        &[
            "testsrc2=size=128x72:rate=5:duration=2",
            "sine=sample_rate=48000:duration=2",
        ],
        "-c:v libx264 -pix_fmt yuv420p -g 5 -c:a aac",
    );
    let mut frames = demux(&ts);
    frames.sort_by_key(|frame| frame.dts);
    let muxed = join(&mux(&frames));
    let pcr = |packet: Packet<'_>| packet.adaptation().and_then(Adaptation::pcr);
    let clocks: Vec<u64> = Packet::iter(&muxed)
        .filter_map(pcr)
        .map(|pcr| pcr.base())
        .collect();
    assert!(clocks.windows(2).all(|two| two[0] <= two[1]));
    // The first two pictures have to come before their distance is known.
    let late = clocks
        .windows(2)
        .filter(|two| two[1] - two[0] > 40 * 90)
        .count();
    assert!(late <= 2, "{late} of {} clocks late", clocks.len());
}

#[test]
fn stamps_wrap_at_33_bits() {
    let mut frames = demux(&h264_aac());
    let shift = (1i64 << 33) - frames[0].dts.0 - 90_000;
    for frame in &mut frames {
        frame.dts.0 += shift;
        frame.pts.0 += shift;
    }
    let again = demux(&join(&mux(&frames)));
    assert_eq!(again.len(), frames.len());
    assert!(again.iter().all(|frame| frame.epoch == 0));
    // PCR wraps too: FFmpeg finds no fault in it.
    assert_eq!(decoded(&join(&mux(&frames)), "0:v").len(), 50);
}

#[test]
fn a_change_of_tracks_raises_the_version_and_goes_on() {
    let first = demux(&h264_aac());
    let mut second = demux(&hevc_aac());
    let last = first.last().unwrap().dts;
    for frame in &mut second {
        frame.dts += last;
        frame.pts += last;
        frame.epoch = 1;
    }
    let all = [first.clone(), second.clone()].concat();
    let again = demux(&join(&mux(&all)));
    assert_eq!(again.len(), all.len());
    assert_eq!(again.last().unwrap().tracks.list, second[0].tracks.list);
}

#[test]
fn a_frame_with_broken_lengths_is_left_out_and_named() {
    let mut frames = demux(&h264_aac());
    frames[5].payload = Bytes::from_static(&[0, 0, 1, 0, 5]);
    let mut muxer = Muxer::new("tests", "broken");
    let muxed = feed(&mut muxer, &frames);
    assert_eq!(demux(&join(&muxed)).len(), frames.len() - 1);
    let complaints = muxer.complaints();
    assert!(
        complaints.len() == 1 && complaints[0].contains("left out"),
        "{complaints:?}"
    );
}

#[test]
fn a_new_epoch_marks_the_clock_once_whatever_stragglers_come() {
    let mut frames = demux(&h264_aac());
    let middle = frames.len() / 2;
    for (at, frame) in frames.iter_mut().enumerate() {
        // One audio frame of the old run comes late.
        let straggles = at == middle + 5;
        frame.epoch = u32::from(at >= middle && !straggles);
    }
    let chunks = mux(&frames);
    assert!(chunks.windows(2).all(|two| two[0].epoch <= two[1].epoch));
    let muxed = join(&chunks);
    let marks = Packet::iter(&muxed)
        .filter(|packet| packet.adaptation().is_some_and(Adaptation::discontinuity))
        .count();
    assert_eq!(marks, 1);
}
