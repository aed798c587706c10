//! Streams as gateways see them: who may come, who is on air, what readers get.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test that cannot go on says so.

use bytes::Bytes;
use hub::{Form, Pass, ReadError, Registry, Settings, Source, Start};
use media::frame::{Audio, Video};
use media::ts::mux::Muxer;
use media::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks, TsChunk};
use model::{Ask, Intent, Label, Protocol, Refusal, StreamName};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

fn name(text: &str) -> StreamName {
    text.parse().unwrap()
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn ask(stream: &str, intent: Intent, protocol: Protocol) -> Ask {
    let peer = "127.0.0.1:1234".parse().unwrap();
    Ask::new(name(stream), intent, protocol, peer)
}

fn pass(stream: &str, intent: Intent, protocol: Protocol) -> Pass {
    Pass::free(ask(stream, intent, protocol))
}

fn publish(registry: &Registry, stream: &str) -> Result<Source, Refusal> {
    registry.publish(&pass(stream, Intent::Publish, Protocol::Rtmp))
}

fn tracks() -> Arc<Tracks> {
    // From x264: baseline, 64x48, 25 pictures a second.
    let avcc = b"\x01\x42\xc0\x0a\xff\xe1\x00\x17\x67\x42\xc0\x0a\xd9\x04\x7b\x01\x10\x00\x00\
        \x03\x00\x10\x00\x00\x03\x03\x20\xf1\x22\x64\x80\x01\x00\x05\x68\xcb\x83\xcb\x20";
    let video = Video {
        width: 64,
        height: 48,
        fps_milli: 25_000,
    };
    let audio = Audio {
        sample_rate_hz: 48_000,
        channels: 2,
    };
    let h264 = Codec::H264 {
        config: Bytes::from_static(avcc),
        video,
    };
    let aac = Codec::Aac {
        config: Bytes::from_static(&[0x11, 0x90]),
        audio,
    };
    let track = |id, codec| Track {
        id,
        codec,
        language: None,
    };
    Arc::new(Tracks {
        list: vec![track(VIDEO, h264), track(AUDIO, aac)],
    })
}

/// 25 pictures a second, a key picture each ten, one audio unit beside each; `mark` is the
/// last byte of every payload.
fn frames(from: i64, pictures: i64, mark: u8) -> Vec<Frame> {
    let tracks = tracks();
    let mut all = Vec::new();
    for n in 0..pictures {
        let key = n % 10 == 0;
        let nal = [0, 0, 0, 3, if key { 0x65 } else { 0x41 }, 0x88, mark];
        for (track, payload) in [(VIDEO, &nal[..]), (AUDIO, &[0x21, mark][..])] {
            let dts = Ticks90k(from + n * 3600);
            all.push(Frame {
                tracks: tracks.clone(),
                track,
                dts,
                pts: dts,
                random_access: track == VIDEO && key,
                epoch: 0,
                payload: Bytes::copy_from_slice(payload),
            });
        }
    }
    all
}

fn ts(frames: &[Frame]) -> Vec<Bytes> {
    let mut muxer = Muxer::new("test", "test");
    let mut chunks: Vec<TsChunk> = Vec::new();
    for frame in frames {
        muxer.convert(SystemTime::UNIX_EPOCH, frame, &mut chunks);
    }
    chunks.into_iter().map(|chunk| chunk.data).collect()
}

#[tokio::test]
async fn a_stream_has_one_publisher_and_readers_need_a_stream() {
    let registry = Registry::new(Settings::default());
    let read = pass("live/a", Intent::Read, Protocol::Srt);
    assert_eq!(registry.read(&read).unwrap_err().code(), "unknown-stream");
    let source = publish(&registry, "live/a").unwrap();
    assert_eq!(
        publish(&registry, "live/a").err().unwrap().code(),
        "conflict"
    );
    let viewer = registry.read(&read).unwrap();
    assert_eq!(viewer.stream().snapshot(Instant::now()).viewers.len(), 1);
    drop(source);
    assert!(
        publish(&registry, "live/a").is_ok(),
        "who left may come back"
    );
}

#[tokio::test]
async fn an_input_without_a_publish_source_takes_no_publisher() {
    let registry = Registry::new(Settings::default());
    registry.declare(&name("studio"), None).unwrap();
    assert_eq!(
        publish(&registry, "studio").err().unwrap().code(),
        "conflict"
    );
    registry
        .declare(&name("studio"), Some(label("0-publish")))
        .unwrap();
    let source = publish(&registry, "studio").unwrap();
    assert_eq!(
        source.stream().snapshot(Instant::now()).sources[0].id,
        label("0-publish")
    );
}

#[tokio::test]
async fn the_plan_decides_over_what_a_stream_is_served() {
    let registry = Registry::new(Settings::default());
    let stream = registry.declare(&name("a"), None).unwrap();
    stream.serve_over(Some(vec![Protocol::Hls]));
    let code = |protocol| {
        registry
            .read(&pass("a", Intent::Read, protocol))
            .map_err(|r| r.code())
    };
    assert_eq!(code(Protocol::Srt).err(), Some("not-served"));
    assert!(code(Protocol::Hls).is_ok());
}

#[tokio::test]
async fn limits_are_refusals_not_growth() {
    let settings = Settings {
        max_streams: 2,
        max_viewers: 1,
        ..Settings::default()
    };
    let registry = Registry::new(settings);
    let _a = publish(&registry, "a").unwrap();
    let _b = publish(&registry, "b").unwrap();
    assert_eq!(publish(&registry, "c").err().unwrap().code(), "overloaded");
    let read = pass("a", Intent::Read, Protocol::Hls);
    let _viewer = registry.read(&read).unwrap();
    assert_eq!(registry.read(&read).unwrap_err().code(), "overloaded");
}

#[tokio::test]
async fn transport_packets_pass_bit_exact_until_the_first_switch() {
    let registry = Registry::new(Settings::default());
    let mut source = publish(&registry, "a").unwrap();
    let mut reader = source.stream().read_ts(Start::Live);
    let sent = ts(&frames(1_000_000, 30, 1));
    source.push_ts(sent.clone());
    let mut got = Vec::new();
    while reader.try_recv_many(&mut got, 100).unwrap() > 0 {}
    assert_eq!(
        got.iter()
            .map(|chunk| chunk.data.clone())
            .collect::<Vec<_>>(),
        sent
    );
    assert_eq!(source.stream().form(), Some(Form::Ts));
}

async fn read_frames(reader: &mut hub::Reader<Frame>, count: usize) -> Vec<Frame> {
    let mut got = Vec::new();
    let read = async {
        while got.len() < count {
            reader.recv_many(&mut got, count).await.unwrap();
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(5), read).await;
    assert!(read.is_ok(), "only {} of {count} frames arrived", got.len());
    got
}

#[tokio::test]
async fn a_reader_of_another_form_gets_it_converted_even_if_it_came_first() {
    let registry = Registry::new(Settings::default());
    let stream = registry.declare(&name("a"), Some(label("p"))).unwrap();
    let mut early = stream.read_frames(Start::RandomAccess);
    let mut source = publish(&registry, "a").unwrap();
    source.push_ts(ts(&frames(900_000, 30, 7)));
    let got = read_frames(&mut early, 20).await;
    assert_eq!(got.iter().filter(|frame| frame.track == VIDEO).count(), 10);
    assert!(got.iter().all(|frame| frame.payload.last() == Some(&7)));
}

#[tokio::test]
async fn a_wanted_source_takes_over_at_its_random_access_point_with_continuous_time() {
    let registry = Registry::new(Settings::default());
    let stream = registry.declare(&name("a"), None).unwrap();
    let connect = |id| {
        stream
            .connect_source(&label(id), Protocol::Rtmp, None)
            .unwrap()
    };
    let (mut first, mut second) = (connect("1"), connect("2"));
    let mut reader = stream.read_frames(Start::Live);
    first.push_frames(frames(50_000, 4, 1));
    stream.take(&label("2"));
    second.push_frames(frames(9_000_000, 10, 2).into_iter().skip(6));
    first.push_frames(frames(50_000 + 4 * 3600, 1, 1));
    assert!(
        stream.on_air().0 == Some(label("1")),
        "no random access point yet"
    );
    second.push_frames(frames(9_036_000, 5, 2));
    first.push_frames(frames(68_000, 5, 1));
    assert_eq!(stream.on_air(), (Some(label("2")), None));
    let got = read_frames(&mut reader, 20).await;
    let video: Vec<_> = got.iter().filter(|frame| frame.track == VIDEO).collect();
    let marks: Vec<_> = video
        .iter()
        .map(|frame| *frame.payload.last().unwrap())
        .collect();
    assert_eq!(marks, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    assert!(video[5].random_access);
    for pair in video.windows(2) {
        assert_eq!(
            (pair[1].dts - pair[0].dts).0,
            3600,
            "one frame apart, over the switch too"
        );
    }
    assert_eq!(
        (video[4].epoch, video[5].epoch),
        (0, 1),
        "the switch is marked"
    );
}

#[tokio::test]
async fn transport_packets_of_two_sources_are_joined_without_a_continuity_error() {
    let registry = Registry::new(Settings::default());
    let stream = registry.declare(&name("a"), None).unwrap();
    let connect = |id| {
        stream
            .connect_source(&label(id), Protocol::Udp, None)
            .unwrap()
    };
    let (mut first, mut second) = (connect("1"), connect("2"));
    let mut packets = stream.read_ts(Start::Live);
    let mut units = stream.read_frames(Start::RandomAccess);
    first.push_ts(ts(&frames(500_000, 15, 1)));
    let mut got = read_frames(&mut units, 6).await;
    stream.take(&label("2"));
    second.push_ts(ts(&frames(77_000_000, 15, 2)));
    got.extend(read_frames(&mut units, 28).await);

    let mut monitor = media::ts::monitor::Monitor::new();
    let mut chunks = Vec::new();
    while packets.try_recv_many(&mut chunks, 100).unwrap() > 0 {}
    for chunk in &chunks {
        monitor.inspect(&chunk.data);
    }
    assert_eq!(monitor.counters().continuity_errors, 0);
    let video: Vec<_> = got.iter().filter(|frame| frame.track == VIDEO).collect();
    let marks: Vec<_> = video
        .iter()
        .map(|frame| *frame.payload.last().unwrap())
        .collect();
    assert!(marks.starts_with(&[1, 1, 1, 1, 1, 2]), "{marks:?}");
    assert!(
        video
            .windows(2)
            .all(|pair| (pair[1].dts - pair[0].dts).0 == 3600)
    );
}

#[tokio::test]
async fn readers_outlive_a_publisher_that_returns_within_its_grace() {
    let registry = Registry::new(Settings::default());
    let mut source = publish(&registry, "a").unwrap();
    let mut reader = source.stream().read_frames(Start::Live);
    source.push_frames(frames(0, 3, 1));
    drop(source);
    registry.sweep(Instant::now() + Duration::from_secs(9));
    let mut source = publish(&registry, "a").unwrap();
    source.push_frames(frames(123_456, 3, 2));
    let got = read_frames(&mut reader, 12).await;
    let video: Vec<_> = got
        .iter()
        .filter(|frame| frame.track == VIDEO)
        .map(|f| f.dts.0)
        .collect();
    assert_eq!(video, [0, 3600, 7200, 10800, 14400, 18000]);
    drop(source);
    registry.sweep(Instant::now() + Duration::from_secs(30));
    assert_eq!(reader.recv().await.err(), Some(ReadError::Closed));
    assert!(registry.get("a").is_none());
}

#[tokio::test]
async fn a_source_of_the_other_form_is_converted_before_it_goes_on_air() {
    let registry = Registry::new(Settings::default());
    let stream = registry.declare(&name("a"), None).unwrap();
    let mut rtmp = stream
        .connect_source(&label("1"), Protocol::Rtmp, None)
        .unwrap();
    let mut udp = stream
        .connect_source(&label("2"), Protocol::Udp, None)
        .unwrap();
    let mut reader = stream.read_frames(Start::Live);
    rtmp.push_frames(frames(0, 3, 1));
    stream.take(&label("2"));
    udp.push_ts(ts(&frames(7_000_000, 20, 2)));
    let got = read_frames(&mut reader, 30).await;
    assert!(
        got.iter()
            .skip(6)
            .all(|frame| frame.payload.last() == Some(&2))
    );
    assert_eq!(stream.form(), Some(Form::Frames));
}

#[tokio::test]
async fn rtmp_messages_carry_the_preface_a_late_joiner_needs() {
    let registry = Registry::new(Settings::default());
    let mut source = publish(&registry, "a").unwrap();
    let mut reader = source.stream().read_rtmp(Start::RandomAccess);
    source.push_frames(frames(90_000, 12, 1));
    let first = tokio::time::timeout(Duration::from_secs(5), reader.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(first.random_access);
    assert_eq!(first.timestamp_ms, 1000 + 400, "the newest key picture");
    let preface = first
        .preface
        .wire(first.timestamp_ms, media::flv::Abilities::NONE);
    let has = |needle: &[u8]| preface.windows(needle.len()).any(|window| window == needle);
    assert!(has(b"onMetaData") && has(b"\x01\x42\xc0\x0a") && has(&[0x11, 0x90]));
}

/// Those packets as two paths would deliver them: each loses other chunks.
fn push_over_two_paths(paths: &mut [Source; 2], chunks: &[Bytes]) {
    for (index, chunk) in chunks.iter().enumerate() {
        let [first, second] = paths;
        if index % 5 != 2 {
            first.push_ts([chunk.clone()]);
        }
        if index % 5 != 4 {
            second.push_ts([chunk.clone()]);
        }
    }
}

#[tokio::test]
async fn sources_that_are_merged_are_one_on_air_and_repair_each_other() {
    let registry = Registry::new(Settings::default());
    let stream = registry.declare(&name("a"), None).unwrap();
    let labels = [label("one"), label("two")];
    let hold = Duration::from_millis(20);
    stream.merge_sources(&labels, hold);
    let connect = |label| stream.connect_source(label, Protocol::Udp, None).unwrap();
    let mut paths = [connect(&labels[0]), connect(&labels[1])];
    stream.take(&labels[1]);
    let mut reader = stream.read_ts(Start::Live);
    let sent = ts(&frames(0, 200, 1));

    push_over_two_paths(&mut paths, &sent);
    // Time passes with the next packet; whatever it is.
    tokio::time::sleep(hold).await;
    paths[0].push_ts([sent[0].clone()]);
    let mut got = Vec::new();
    while reader.try_recv_many(&mut got, 64).unwrap() > 0 {}
    let got_bytes = got
        .iter()
        .flat_map(|chunk| chunk.data.to_vec())
        .collect::<Vec<_>>();
    assert!(
        got_bytes == sent.concat(),
        "{} of {}",
        got_bytes.len(),
        sent.concat().len()
    );
    assert!(got.iter().any(|chunk| chunk.random_access));
    assert_eq!(stream.on_air(), (Some(labels[1].clone()), None));
    let merged = stream.snapshot(Instant::now()).merged.unwrap();
    assert!(merged.repaired > 0 && merged.strange == 0, "{merged:?}");

    let [first, second] = paths;
    drop(second);
    assert!(stream.delivers(&labels[1]), "the other path delivers");
    drop(first);
    assert!(!stream.delivers(&labels[1]));
}

#[tokio::test]
async fn what_a_source_marks_itself_is_marked_on_air_and_counted() {
    let registry = Registry::new(Settings::default());
    let mut source = publish(&registry, "a").unwrap();
    let mut reader = source.stream().read_frames(Start::Live);
    let mut marked = frames(0, 20, 1);
    for frame in &mut marked[20..] {
        frame.epoch = 1;
    }
    // Sound of before the mark, which is interleaved later.
    marked[21].epoch = 0;
    source.push_frames(marked);
    let got = read_frames(&mut reader, 40).await;
    let epochs: Vec<u32> = got.iter().map(|frame| frame.epoch).collect();
    assert_eq!(
        (&epochs[..20], &epochs[20..24]),
        (&[0; 20][..], &[1, 0, 1, 1][..])
    );
    let snapshot = || registry.get("a").unwrap().snapshot(Instant::now());
    assert_eq!(snapshot().discontinuities, 1);
    // Who follows counts anew, and that is one mark: the change of the source.
    drop(source);
    let mut source = publish(&registry, "a").unwrap();
    let mut follows = frames(5_000_000, 10, 2);
    follows.iter_mut().for_each(|frame| frame.epoch = 7);
    source.push_frames(follows);
    let got = read_frames(&mut reader, 20).await;
    assert!(got.iter().all(|frame| frame.epoch == 2));
    assert_eq!(snapshot().discontinuities, 2);
}

#[tokio::test]
async fn a_jump_within_packets_is_counted_and_they_pass_as_they_are() {
    let registry = Registry::new(Settings::default());
    let mut source = publish(&registry, "a").unwrap();
    let stream = source.stream().clone();
    let mut reader = stream.read_ts(Start::Live);
    let jumps = [ts(&frames(0, 20, 1)), ts(&frames(900_000_000, 20, 1))].concat();
    source.push_ts(jumps.clone());
    let mut got = Vec::new();
    while got.len() < jumps.len() {
        let chunk = tokio::time::timeout(Duration::from_secs(5), reader.recv()).await;
        got.push(chunk.unwrap().unwrap().data);
    }
    assert_eq!(got.concat(), jumps.concat());
    let snapshot = stream.snapshot(Instant::now());
    let stamps = snapshot.sources[0].stamps;
    assert_eq!((stamps.jumps, stamps.discontinuities), (1, 1));
    assert_eq!(snapshot.discontinuities, 1);
}
