//! What a viewer stays through: another size, a publisher that leaves and returns; and pictures
//! that come in another order than they are shown.

use crate::client::Client;
use crate::house::{House, bounded};
use bytes::Bytes;
use hub::{Source, Start};
use media::codec::h264::{DecoderConfig, Sps};
use media::codec::nal::annex_b;
use media::ts::demux::Demuxer;
use media::{Codec, Convert, Frame, Ticks90k, TsChunk};
use std::time::{Duration, Instant, SystemTime};
use str0m::media::{Direction, MediaTime};

/// Two seconds of pictures, a key frame each, as FFmpeg encodes them.
async fn pictures(size: &str, encode: &str) -> Vec<Frame> {
    let args = format!(
        "-v error -nostdin -f lavfi -i testsrc2=size={size}:rate=25 -t 2 -pix_fmt yuv420p \
         -c:v libx264 -crf 35 -g 25 {encode} -f mpegts -"
    );
    let made = tokio::process::Command::new("ffmpeg")
        .args(args.split_whitespace())
        .kill_on_drop(true)
        .output();
    let made = bounded("pictures", made).await.unwrap();
    assert!(made.status.success(), "{made:?}");
    let chunk = TsChunk {
        data: Bytes::from(made.stdout),
        random_access: true,
        epoch: 0,
    };
    let (mut demuxer, mut frames) = (Demuxer::new(), Vec::new());
    demuxer.convert(SystemTime::UNIX_EPOCH, &chunk, &mut frames);
    demuxer.finish(&mut frames);
    assert_eq!(frames.len(), 50);
    frames
}

const IN_ORDER: &str = "-preset ultrafast -bf 0";

/// Behind start codes, with parameter sets where it is a key frame.
fn unit(frame: &Frame) -> Vec<u8> {
    let mut unit = Vec::new();
    if frame.random_access {
        let Codec::H264 { config, .. } = &frame.tracks.list[0].codec else {
            panic!("H.264 is asked for")
        };
        let config = DecoderConfig::parse(config).unwrap();
        for set in config.sps.iter().chain(&config.pps) {
            unit.extend([0, 0, 0, 1]);
            unit.extend(set);
        }
    }
    let mut rest = &frame.payload[..];
    while let Some((length, nals)) = rest.split_first_chunk() {
        let (nal, behind) = nals.split_at(u32::from_be_bytes(*length) as usize);
        unit.extend([0, 0, 0, 1]);
        unit.extend(nal);
        rest = behind;
    }
    unit
}

/// Lets a peer take what comes for so long.
async fn attend(client: &mut Client, ms: u64) {
    let end = Instant::now() + Duration::from_millis(ms);
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        client.turn(rest).await;
    }
}

/// Sends pictures from that RTP time on, and lets somebody watch, and somebody read.
async fn send(
    publisher: &mut Client,
    frames: &[Frame],
    from: u64,
    viewer: &mut Option<Client>,
    mut read: impl FnMut(),
) {
    let first = frames.iter().map(|frame| frame.pts).min().unwrap();
    for frame in frames {
        let time = from + (frame.pts - first).0 as u64;
        let time = MediaTime::from_90khz(time);
        publisher.send(publisher.video, time, &unit(frame)).await;
        attend(publisher, 8).await;
        if let Some(viewer) = viewer {
            attend(viewer, 15).await;
        }
        read();
    }
}

async fn until_on_air(house: &House, publisher: &mut Client) {
    while house.context.registry().get("a").is_none() {
        publisher.turn(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_with_b_frames_gets_decoding_times_for_its_pictures() {
    let house = House::new().await;
    let frames = pictures("320x180", "-preset fast -bf 2 -b_strategy 0").await;
    let mut publisher = Client::join(&house, "/whip/a", Direction::SendOnly).await;
    publisher.connect().await;
    bounded("a stream", until_on_air(&house, &mut publisher)).await;
    let stream = house.context.registry().get("a").unwrap();
    let mut reader = stream.read_frames(Start::RandomAccess);
    let mut got = Vec::new();
    let mut read = || {
        reader.try_recv_many(&mut got, 64).unwrap();
    };
    send(&mut publisher, &frames, 5_000_000, &mut None, &mut read).await;
    let waited = Instant::now();
    while waited.elapsed() < Duration::from_secs(1) {
        attend(&mut publisher, 50).await;
        read();
    }
    assert!(got.len() >= 45, "{} pictures of 50", got.len());
    assert!(
        got.iter()
            .all(|frame| frame.dts <= frame.pts && frame.epoch == 0)
    );
    let grows = got.windows(2).all(|two| two[1].dts > two[0].dts);
    assert!(grows, "{got:?}");
    // They are shown as they were, some of them before what was decoded earlier.
    let shown = |frames: &[Frame]| -> Vec<i64> {
        let steps = frames.iter().map(|frame| (frame.pts - frames[0].pts).0);
        steps.take(45).collect()
    };
    assert_eq!(shown(&got), shown(&frames));
    assert!(got.windows(2).any(|two| two[1].pts < two[0].pts));
    let stamps = stream.snapshot(Instant::now()).sources[0].stamps;
    assert!(stamps.repaired_dts > 20, "{stamps:?}");
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_stays_while_a_publisher_leaves_and_returns_and_time_goes_on() {
    let house = House::new().await;
    let frames = pictures("320x180", IN_ORDER).await;
    let mut viewer = None;
    for (round, from) in [(0, 900_000), (1, 77_000_000)] {
        let mut publisher = Client::join(&house, "/whip/a", Direction::SendOnly).await;
        publisher.connect().await;
        let (head, rest) = frames.split_at(5);
        send(&mut publisher, head, from, &mut viewer, || ()).await;
        if viewer.is_none() {
            bounded("a stream", until_on_air(&house, &mut publisher)).await;
            let mut joined = Client::join(&house, "/whep/a", Direction::RecvOnly).await;
            joined.connect().await;
            viewer = Some(joined);
        }
        let from = from + (rest[0].pts - frames[0].pts).0 as u64;
        send(&mut publisher, rest, from, &mut viewer, || ()).await;
        let wanted = 40 * (round + 1);
        let watching = viewer.as_mut().unwrap();
        watching
            .until("its pictures", |it| it.pictures().count() >= wanted)
            .await;
        let line = format!("DELETE {}", publisher.resource);
        assert_eq!(house.request(&line, "", "").await.status, 200);
        let stream = house.context.registry().get("a").unwrap();
        let connected = || stream.snapshot(Instant::now()).sources[0].connected;
        house.until("it is gone", |_| !connected()).await;
    }
    let viewer = viewer.unwrap();
    assert!(viewer.connected && !viewer.closed);
    let times: Vec<_> = viewer.pictures().map(|it| it.time.numer()).collect();
    let goes_on = |two: &[u64]| two[1] > two[0] && two[1] - two[0] <= 45_000;
    assert!(times.windows(2).all(goes_on), "{times:?}");
    house.context.close().await;
}

/// Pushes pictures from that second on while somebody watches.
async fn push(source: &mut Source, frames: &[Frame], from_s: i64, viewer: &mut Client) {
    let by = Ticks90k(from_s * 90_000) - frames[0].dts;
    for frame in frames {
        let mut frame = frame.clone();
        frame.dts += by;
        frame.pts += by;
        source.push_frames([frame]);
        attend(viewer, 15).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_goes_on_with_pictures_of_another_size() {
    let house = House::new().await;
    let small = pictures("320x180", IN_ORDER).await;
    let large = pictures("640x360", IN_ORDER).await;
    let mut source = house.source("a");
    source.push_frames(small[..1].to_vec());
    let mut viewer = Client::join(&house, "/whep/a", Direction::RecvOnly).await;
    viewer.connect().await;
    push(&mut source, &small, 0, &mut viewer).await;
    push(&mut source, &large, 2, &mut viewer).await;
    viewer
        .until("all pictures", |it| it.pictures().count() >= 95)
        .await;
    assert!(!viewer.closed && viewer.pictures().all(|it| it.contiguous));
    let nals = |data: &[u8]| -> Vec<Vec<u8>> { annex_b(data).map(<[u8]>::to_vec).collect() };
    let sets = viewer.pictures().flat_map(|it| nals(&it.data));
    let sets = sets.filter(|nal| nal[0] & 0x1f == 7);
    let widths: Vec<_> = sets
        .map(|set| Sps::parse(&set).unwrap().video.width)
        .collect();
    assert!(widths.is_sorted(), "{widths:?}");
    let of = |width| widths.iter().filter(|it| **it == width).count();
    assert!(of(320) >= 1 && of(640) >= 2, "{widths:?}");
    house.context.close().await;
}
