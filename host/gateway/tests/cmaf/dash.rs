//! DASH.

use crate::support::*;
use std::time::SystemTime;

fn path(file: &str) -> String {
    format!("/dash/{NAME}/{file}")
}

/// The values of an attribute, in order.
fn all<'a>(manifest: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    let found = manifest.split(&begin).skip(1);
    found.map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_the_manifest() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    host.read(&path("manifest.mpd")).await;
    let url = host.url(&path("manifest.mpd"));
    let (frames, complaints) = ffmpeg(&["-i", &url, "-t", "6", "-f", "framecrc", "-"]).await;
    assert_played(&frames, 6);
    assert!(!complaints.to_lowercase().contains("error"), "{complaints}");
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_lists_what_is_there_and_what_is_being_made() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let manifest = host.read(&path("manifest.mpd?token=a&x")).await;
    assert_eq!(all(&manifest, "contentType"), ["video", "audio"]);
    assert_eq!(all(&manifest, "codecs"), ["avc1.42C00C", "mp4a.40.2"]);
    assert_eq!(all(&manifest, "timescale"), ["90000", "48000"]);
    assert!(
        manifest.contains("$Number$.m4s?token=a&amp;x\""),
        "{manifest}"
    );
    assert!(manifest.contains(" type=\"dynamic\" "), "{manifest}");
    let again = host.read(&path("manifest.mpd")).await;
    let start = "availabilityStartTime";
    assert_eq!(
        all(&manifest, start),
        all(&again, start),
        "it never changes"
    );
    let time = host.read(&path("time")).await;
    let now = media::hls::rfc3339(SystemTime::now());
    assert_eq!(time[..14], now[..14], "{time} is not {now}");
    assert_eq!(host.get(&path("index.m3u8")).await.status, 404);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_segment_is_sent_as_it_is_made_and_is_the_same_when_it_is_whole() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    host.read(&path("manifest.mpd")).await;
    let playlist = host.read(&format!("/hls/{NAME}/video0.m3u8")).await;
    let hint = playlist.split_once("TYPE=PART,URI=\"video0-").unwrap().1;
    let open = hint.split_once('.').unwrap().0;
    // Its first part is there at the latest when the part after it is.
    host.read(&format!(
        "/hls/{NAME}/video0.m3u8?_HLS_msn={open}&_HLS_part=0"
    ))
    .await;
    let file = path(&format!("video0-{open}.m4s"));
    let early = host.get(&file).await;
    let whole = host.get(&file).await;
    assert_eq!((early.status, whole.status), (200, 200));
    assert!(whole.head.contains("content-length"), "{}", whole.head);
    assert_eq!(unchunked(&early.body), whole.body);
    host.close().await;
}

/// The body behind `transfer-encoding: chunked` (RFC 9112 §7.1).
pub(crate) fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|it| it == b"\r\n").unwrap();
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}
