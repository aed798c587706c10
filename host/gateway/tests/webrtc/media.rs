//! Media through a session, exactly.

use crate::client::Client;
use crate::house::{House, LIVE};
use std::time::Duration;
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
