//! What travels beside pictures and sound: splices, ID3 and KLV.

use crate::support::*;
use bytes::Bytes;
use media::ts::demux::Demuxer;
use media::{Codec, Convert, Frame, Track, TrackId, Tracks, TsChunk};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::AsyncReadExt;

/// SCTE 35 §14.2: a splice insert, out for a minute, of event 0x4800008F.
const SPLICE: &[u8] = &[
    0xFC, 0x30, 0x2F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xF0, 0x14, 0x05, 0x48, 0x00,
    0x00, 0x8F, 0x7F, 0xEF, 0xFE, 0x73, 0x69, 0xC0, 0x2E, 0xFE, 0x00, 0x52, 0xCC, 0xF5, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x0A, 0x00, 0x08, 0x43, 0x55, 0x45, 0x49, 0x00, 0x00, 0x01, 0x35, 0x62, 0xDB,
    0xA3, 0x0A,
];
const TAG: &[u8] = b"ID3\x04\x00\x00\x00\x00\x00\x0DTIT2\x00\x00\x00\x03\x00\x00\x03hi";
const KLV: &[u8] =
    b"\x06\x0E\x2B\x34\x02\x0B\x01\x01\x0E\x01\x03\x01\x01\x00\x00\x00\x03\x41\x01\x0B";

/// Feeds a live stream with a splice, a tag and metadata beside every 20th frame.
fn on_air(host: &Host) -> tokio::process::Child {
    let mut source = host.publish();
    let mut ffmpeg = live(H264);
    let mut stdout = ffmpeg.stdout.take().unwrap();
    let shutdown = host.context.shutdown().clone();
    host.context.tasks().spawn(async move {
        let mut demuxer = Demuxer::new();
        let (mut buffer, mut frames) = (vec![0; 188], Vec::new());
        let (mut tracks, mut count) = (Arc::<Tracks>::default(), 0);
        let feeding = async {
            while stdout.read_exact(&mut buffer).await.is_ok() {
                let chunk = TsChunk {
                    data: Bytes::copy_from_slice(&buffer),
                    random_access: false,
                    epoch: 0,
                };
                demuxer.convert(SystemTime::now(), &chunk, &mut frames);
                for frame in frames.drain(..) {
                    if tracks.list.is_empty() {
                        tracks = with_data(&frame.tracks);
                    }
                    count += 1;
                    source.push_frames(beside(frame, &tracks, count % 20 == 10));
                }
            }
        };
        shutdown.run_until_cancelled(feeding).await;
    });
    ffmpeg
}

fn with_data(tracks: &Tracks) -> Arc<Tracks> {
    let mut tracks = tracks.clone();
    for (id, codec) in [(7, Codec::Scte35), (8, Codec::Id3), (9, Codec::Klv)] {
        tracks.list.push(Track {
            id: TrackId(id),
            codec,
            language: None,
        });
    }
    Arc::new(tracks)
}

fn beside(frame: Frame, tracks: &Arc<Tracks>, due: bool) -> Vec<Frame> {
    let frame = Frame {
        tracks: tracks.clone(),
        ..frame
    };
    let data = [(7, SPLICE), (8, TAG), (9, KLV)];
    let data = data.into_iter().filter(|_| due);
    let data = data.map(|(track, payload)| Frame {
        track: TrackId(track),
        pts: frame.dts,
        random_access: false,
        payload: Bytes::from_static(payload),
        ..frame.clone()
    });
    data.chain([frame.clone()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn splices_are_in_playlist_and_manifest_once_and_tags_in_the_parts() {
    let host = Host::start().await;
    let _feed = on_air(&host);
    for rendition in ["video0", "audio1"] {
        let playlist = host.read(&format!("/hls/{NAME}/{rendition}.m3u8")).await;
        let ranges: Vec<_> = playlist.matches("#EXT-X-DATERANGE:").collect();
        assert_eq!(ranges.len(), 1, "{playlist}");
        let digits: String = SPLICE.iter().map(|byte| format!("{byte:02X}")).collect();
        let planned = format!(",PLANNED-DURATION=60.294,SCTE35-OUT=0x{digits}\n");
        assert!(playlist.contains(&planned), "{playlist}");
    }
    let manifest = host.read(&format!("/dash/{NAME}/manifest.mpd")).await;
    let event = manifest.split_once("<EventStream ").unwrap().1;
    assert!(
        event.contains(" duration=\"5426421\"><Signal "),
        "{manifest}"
    );
    assert!(
        event.contains(
            "<Binary>/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=</Binary>"
        ),
        "{manifest}"
    );
    let url = host.url(&format!("/hls/{NAME}/index.m3u8"));
    let (frames, _) = ffmpeg(&["-i", &url, "-t", "3", "-f", "framecrc", "-"]).await;
    assert_played(&frames, 3);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transport_stream_segments_carry_all_of_it() {
    let host = Host::start().await;
    let _feed = on_air(&host);
    let playlist = host.read(&format!("/hls/{NAME}/ts.m3u8")).await;
    let segment = playlist
        .lines()
        .rfind(|line| line.ends_with(".ts"))
        .unwrap();
    let url = host.url(&format!("/hls/{NAME}/{segment}"));
    let probe = tokio::process::Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name",
            "-of",
            "csv=p=0",
            &url,
        ])
        .output();
    let probe = tokio::time::timeout(PATIENCE, probe)
        .await
        .unwrap()
        .unwrap();
    let codecs = String::from_utf8(probe.stdout).unwrap();
    for codec in ["h264", "aac", "scte_35", "timed_id3", "klv"] {
        assert!(
            codecs.lines().any(|line| line == codec),
            "{codec} in {codecs}"
        );
    }
    host.close().await;
}
