//! Media through a session, exactly.

use crate::client::Client;
use crate::house::{House, LIVE, PATIENCE};
use bytes::{BufMut, BytesMut};
use media::codec::h264::DecoderConfig;
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::media::Direction;

/// Kinds of the units of a picture behind start codes.
fn units(picture: &[u8]) -> Vec<u8> {
    let nals = media::codec::nal::annex_b(picture);
    nals.map(|nal| nal[0] & 0x1f).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_gets_pictures_from_a_key_frame_on_and_sound_on_the_same_clock() {
    let house = House::new().await;
    house.on_air("live/a", LIVE);
    let mut viewer = Client::join(&house, "/whep/live/a", Direction::RecvOnly).await;
    viewer.connect().await;
    viewer
        .until("pictures and sound", |it| {
            it.pictures().count() >= 100 && it.sounds().count() >= 150
        })
        .await;
    let first = viewer.pictures().next().unwrap();
    let kinds = units(&first.data);
    assert!(
        kinds.starts_with(&[7, 8]) && kinds.contains(&5),
        "{kinds:?}"
    );
    assert!(viewer.pictures().all(|it| it.contiguous));
    let packets: Vec<_> = viewer.sounds().map(|it| it.time.numer()).collect();
    assert!(
        packets.windows(2).all(|pair| pair[1] - pair[0] == 960),
        "sound has gaps: {packets:?}"
    );
    // Reports name the RTP time of one moment for both.
    let mut moments = [viewer.video, viewer.audio].map(|mid| {
        let data = viewer
            .got
            .iter()
            .rev()
            .find(|data| data.mid == mid)
            .unwrap();
        let info = data.last_sender_info.expect("a sender report");
        let since = data.time.as_seconds() - info.rtp_time.as_seconds();
        let wall = info.ntp_time.duration_since(std::time::UNIX_EPOCH).unwrap();
        (wall.as_secs_f64() + since, data.time.as_seconds())
    });
    let [(video_wall, video_time), (audio_wall, audio_time)] = &mut moments;
    let apart = (*video_wall - *audio_wall) - (*video_time - *audio_time);
    assert!(apart.abs() < 0.005, "{apart} s off each other");
    assert_eq!(house.viewers("live/a"), 1);
    let gone = house
        .request(&format!("DELETE {}", viewer.resource), "", "")
        .await;
    assert_eq!(gone.status, 200);
    house
        .until("the viewer to be gone", |it| it.viewers("live/a") == 0)
        .await;
    viewer.until("a goodbye", |it| it.closed).await;
    let again = house
        .request(&format!("DELETE {}", viewer.resource), "", "")
        .await;
    assert_eq!(again.status, 404);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_publisher_sends_over_webrtc_comes_out_there_and_key_frames_are_asked_of_it() {
    let house = House::new().await;
    house.on_air("from", LIVE);
    // What one watches, it publishes again: a real encoder's pictures, without one of our own.
    let mut relay = Client::join(&house, "/whep/from", Direction::RecvOnly).await;
    let mut publisher = Client::join(&house, "/whip/to", Direction::SendOnly).await;
    let mut viewer = None;
    let mut sent = 0;
    let began = std::time::Instant::now();
    loop {
        assert!(
            began.elapsed() < crate::house::PATIENCE,
            "no media came through"
        );
        relay.turn(Duration::from_millis(2)).await;
        publisher.turn(Duration::from_millis(2)).await;
        if publisher.connected {
            for data in std::mem::take(&mut relay.got) {
                let mid = match data.mid == relay.video {
                    true => publisher.video,
                    false => publisher.audio,
                };
                publisher.send(mid, data.time, &data.data).await;
                sent += 1;
            }
        }
        if sent > 60 && viewer.is_none() {
            viewer = Some(Client::join(&house, "/whep/to", Direction::RecvOnly).await);
        }
        let Some(viewer) = &mut viewer else { continue };
        viewer.turn(Duration::from_millis(2)).await;
        if viewer.pictures().count() > 50 && viewer.sounds().count() > 80 {
            break;
        }
    }
    let mut viewer = viewer.unwrap();
    assert!(units(&viewer.pictures().next().unwrap().data).contains(&5));
    let snapshot = house.context.registry().get("to").unwrap();
    let snapshot = snapshot.snapshot(std::time::Instant::now());
    let codecs: Vec<_> = snapshot.sources[0]
        .tracks
        .iter()
        .map(|it| it.codec)
        .collect();
    assert_eq!(codecs, ["h264", "opus"]);
    // The viewer asks, the publisher hears.
    let before = publisher.key_frame_requests;
    let kind = str0m::media::KeyframeRequestKind::Pli;
    let mid = viewer.video;
    viewer
        .rtc
        .writer(mid)
        .unwrap()
        .request_keyframe(None, kind)
        .unwrap();
    let began = std::time::Instant::now();
    while publisher.key_frame_requests == before {
        assert!(
            began.elapsed() < crate::house::PATIENCE,
            "no PLI came through"
        );
        viewer.turn(Duration::from_millis(5)).await;
        publisher.turn(Duration::from_millis(5)).await;
    }
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_on_the_way_is_sent_again() {
    let house = House::new().await;
    house.on_air("a", LIVE);
    let mut viewer = Client::join(&house, "/whep/a", Direction::RecvOnly).await;
    viewer.connect().await;
    viewer.lose = Some(20);
    viewer
        .until("pictures", |it| it.pictures().count() >= 100)
        .await;
    let whole = viewer.pictures().filter(|it| it.contiguous).count();
    let all = viewer.pictures().count();
    assert!(
        whole * 100 >= all * 95,
        "{whole} of {all} pictures follow each other"
    );
    house.context.close().await;
}

/// A picture that no decoder would show: its number is what it says.
fn numbered(number: u32, tracks: &Arc<Tracks>) -> Frame {
    let key = number.is_multiple_of(25);
    let mut payload = BytesMut::new();
    payload.put_u32(5);
    payload.put_u8(if key { 0x65 } else { 0x41 });
    // No zeros within, which would look like a start code.
    payload.put_u32(number | 0x8080_8080);
    let time = Ticks90k(i64::from(number) * 3_600);
    Frame {
        tracks: tracks.clone(),
        track: TrackId(0),
        dts: time,
        pts: time,
        random_access: key,
        epoch: 0,
        payload: payload.freeze(),
    }
}

fn pictures_only() -> Arc<Tracks> {
    // 320 by 240, Constrained Baseline, of x264.
    const SPS: &[u8] = &[
        0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x20,
    ];
    let pps: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];
    let config = DecoderConfig::new(vec![SPS.into()], vec![pps.into()]).unwrap();
    let codec = Codec::H264 {
        config: config.build(),
        video: config.video().unwrap(),
    };
    let track = Track {
        id: TrackId(0),
        codec,
        language: None,
    };
    Arc::new(Tracks { list: vec![track] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_passes_through_at_once_and_those_who_come_late_see_the_newest_at_once() {
    let house = House::new().await;
    let (mut source, tracks) = (house.source("a"), pictures_only());
    // A group of pictures of which a whole second is past already.
    source.push_frames((0..25).map(|number| numbered(number, &tracks)));
    let mut viewer = Client::join(&house, "/whep/a", Direction::RecvOnly).await;
    viewer.connect().await;
    viewer
        .until("the past", |it| it.pictures().count() == 25)
        .await;
    let times: Vec<_> = viewer.pictures().map(|it| it.time.numer()).collect();
    let span = times[24] - times[0];
    assert_eq!(span, 24 * 90, "the past is drawn together: {times:?}");
    let mut delays = Vec::new();
    for number in 25..75 {
        viewer.got.clear();
        let began = Instant::now();
        source.push_frames([numbered(number, &tracks)]);
        while viewer.got.is_empty() {
            assert!(began.elapsed() < PATIENCE, "picture {number} never came");
            viewer.turn(Duration::from_millis(5)).await;
        }
        delays.push(began.elapsed());
        let last = (number | 0x8080_8080).to_be_bytes();
        assert!(viewer.got[0].data.ends_with(&last), "{number}");
    }
    delays.sort();
    println!(
        "through the house: median {:?}, worst {:?}",
        delays[25], delays[49]
    );
    assert!(delays[25] < Duration::from_millis(50), "{delays:?}");
    drop(source);
    house.context.registry().shut_down();
    viewer
        .until("a goodbye at the stream's end", |it| it.closed)
        .await;
    house.context.close().await;
}
