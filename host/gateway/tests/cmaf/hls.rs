//! Low-latency HLS.

use crate::support::*;
use std::time::Duration;

fn value<'a>(playlist: &'a str, tag: &str) -> &'a str {
    let mut lines = playlist.lines();
    let found = lines.find_map(|line| line.strip_prefix(tag));
    found.unwrap_or_else(|| panic!("{tag} in {playlist}"))
}

fn number(playlist: &str, tag: &str) -> u64 {
    value(playlist, tag).parse().unwrap()
}

/// Segment and part that the playlist names as the next.
fn hint(playlist: &str) -> (u64, u64) {
    let uri = value(playlist, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"video0-");
    let (segment, rest) = uri.split_once('.').unwrap();
    let part = rest.split_once('.').unwrap().0;
    (segment.parse().unwrap(), part.parse().unwrap())
}

fn path(file: &str) -> String {
    format!("/hls/{NAME}/{file}")
}

async fn plays(codecs: &str, coded: &str) {
    let host = Host::start().await;
    let _feed = host.on_air(codecs);
    let url = host.url(&path("index.m3u8"));
    let index = host.read(&path("index.m3u8")).await;
    assert!(
        index.contains("RESOLUTION=320x180,FRAME-RATE=25.000"),
        "{index}"
    );
    assert!(index.contains(coded), "{index}");
    assert!(
        index.contains("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\""),
        "{index}"
    );
    let played = ["-i", &url, "-t", "6", "-f", "framecrc", "-"];
    let (frames, complaints) = ffmpeg(&played).await;
    // FFmpeg takes each reloaded playlist's header for another one, and then says so.
    let own_fault = "Found duplicated MOOV Atom. Skipped it";
    let complaints: Vec<_> = complaints
        .lines()
        .filter(|it| !it.ends_with(own_fault))
        .collect();
    assert_eq!(complaints, [""; 0]);
    assert_played(&frames, 6);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_h264_and_aac_without_a_complaint() {
    plays(H264, "CODECS=\"avc1.42C00C,mp4a.40.2\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_hevc_without_a_complaint() {
    let hevc = "-c:v libx265 -preset ultrafast -x265-params keyint=25:log-level=none -c:a aac";
    plays(hevc, "CODECS=\"hvc1.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_answered_when_it_has_what_was_asked_for_and_not_before() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let video = host.read(&path("video0.m3u8")).await;
    let (mut segment, mut part) = hint(&video);
    for _ in 0..12 {
        let query = format!("video0.m3u8?_HLS_msn={segment}&_HLS_part={part}");
        let playlist = host.read(&path(&query)).await;
        let next = hint(&playlist);
        assert!(
            next > (segment, part),
            "{next:?} after {:?}",
            (segment, part)
        );
        let named = format!("video0-{segment}.{part}.m4s");
        assert!(
            playlist.contains(&named) || next.0 > segment,
            "{named} in {playlist}"
        );
        (segment, part) = next;
    }
    let whole = host
        .read(&path(&format!("video0.m3u8?_HLS_msn={segment}")))
        .await;
    assert!(whole.contains(&format!("video0-{segment}.m4s")), "{whole}");
    assert_eq!(host.viewers(), 1);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_that_is_hinted_is_answered_when_it_is_made() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let mut seen = 0;
    while seen < 5 {
        let video = host.read(&path("video0.m3u8")).await;
        let (segment, part) = hint(&video);
        let file = path(&format!("video0-{segment}.{part}.m4s"));
        let early = host.get(&file).await;
        if early.status == 404 {
            continue; // the segment ended before it
        }
        assert_eq!(&early.body[4..8], b"moof");
        assert_eq!(host.get(&file).await.body, early.body);
        seen += 1;
    }
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_is_its_parts_and_follows_its_header() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let video = host.read(&path("video0.m3u8")).await;
    let (segment, _) = hint(&video);
    host.read(&path(&format!("video0.m3u8?_HLS_msn={segment}")))
        .await;
    let whole = host.get(&path(&format!("video0-{segment}.m4s"))).await;
    assert!(
        whole.head.contains("content-type: video/mp4"),
        "{}",
        whole.head
    );
    assert!(whole.head.contains("immutable"), "{}", whole.head);
    let length = format!("content-length: {}", whole.body.len());
    assert!(whole.head.contains(&length), "{}", whole.head);
    let mut parts = Vec::new();
    for part in 0.. {
        let answer = host
            .get(&path(&format!("video0-{segment}.{part}.m4s")))
            .await;
        if answer.status == 404 {
            break;
        }
        parts.extend(answer.body);
    }
    assert_eq!(parts, whole.body);
    let map = value(&video, "#EXT-X-MAP:URI=\"")
        .trim_end_matches('"')
        .to_owned();
    let init = host.get(&path(&map)).await;
    assert_eq!((init.status, &init.body[4..8]), (200, &b"ftyp"[..]));
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_a_bad_request_and_what_is_gone_is_not_found() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let video = host.read(&path("video0.m3u8")).await;
    let (segment, part) = hint(&video);
    let (far, later) = (segment + 4, part + 40);
    let cases = [
        ("video0.m3u8?_HLS_part=1".to_owned(), 400),
        ("video0.m3u8?_HLS_msn=x".to_owned(), 400),
        (format!("video0.m3u8?_HLS_msn={far}"), 400),
        (
            format!("video0.m3u8?_HLS_msn={segment}&_HLS_part={later}"),
            400,
        ),
        (format!("video0-{far}.0.m4s"), 404),
        (format!("video0-{segment}.{later}.m4s"), 404),
        (format!("video0-{far}.m4s"), 404),
        ("video0-1.m4s".to_owned(), 404),
        ("video0-init-1.mp4".to_owned(), 404),
        ("video7.m3u8".to_owned(), 404),
        ("audio0.m3u8".to_owned(), 404),
        ("index.mpd".to_owned(), 404),
    ];
    for (file, status) in cases {
        let answer = host.get(&path(&file)).await;
        assert_eq!(answer.status, status, "{file}: {}", answer.text());
        assert!(answer.head.contains("application/problem+json"), "{file}");
        assert!(
            answer.head.contains("access-control-allow-origin: *"),
            "{file}"
        );
    }
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_handed_on_to_all_that_a_playlist_names() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let index = host.read(&path("index.m3u8?token=t")).await;
    assert!(index.contains("URI=\"audio1.m3u8?token=t\""), "{index}");
    assert!(index.contains("\nvideo0.m3u8?token=t\n"), "{index}");
    let media = host.read(&path("video0.m3u8?_HLS_skip=YES&token=t")).await;
    for line in media
        .lines()
        .filter(|line| line.contains(".m4s") || line.contains(".mp4"))
    {
        assert!(line.contains("?token=t"), "{line}");
    }
    assert!(!media.contains("_HLS_"), "{media}");
    let report = value(
        &media,
        "#EXT-X-RENDITION-REPORT:URI=\"audio1.m3u8?token=t\",LAST-MSN=",
    );
    let last: u64 = report.split_once(',').unwrap().0.parse().unwrap();
    assert!(last.abs_diff(number(&media, "#EXT-X-MEDIA-SEQUENCE:")) < 10);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_sees_the_end_of_the_stream() {
    let host = Host::start().await;
    let feed = host.on_air(H264);
    let video = host.read(&path("video0.m3u8")).await;
    let (segment, _) = hint(&video);
    let waits = path(&format!("video0.m3u8?_HLS_msn={}", segment + 1));
    let ending = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        host.context.registry().withdraw(&NAME.parse().unwrap());
    };
    let (last, ()) = tokio::join!(host.read(&waits), ending);
    assert!(last.ends_with("#EXT-X-ENDLIST\n"), "{last}");
    assert!(!last.contains("PRELOAD-HINT"), "{last}");
    drop(feed);
    host.close().await;
}
