//! AES-128 over HLS, with keys that change.

use crate::mp4::{message, upgraded};
use crate::support::*;
use model::HlsForm;
use std::collections::BTreeSet;
use std::time::Duration;

fn path(file: &str) -> String {
    format!("/hls/{NAME}/{file}")
}

/// The addresses of keys, and the segments that each is for.
fn keys(playlist: &str) -> Vec<(String, String)> {
    let mut key = None;
    let mut found = Vec::new();
    for line in playlist.lines() {
        if let Some(rest) = line.strip_prefix("#EXT-X-KEY:METHOD=AES-128,URI=\"") {
            key = Some(rest.trim_end_matches('"').to_owned());
        } else if !line.starts_with('#') {
            found.push((key.clone().expect(playlist), line.to_owned()));
        }
    }
    found
}

/// FFmpeg plays it, while keys change; nobody else can read a segment.
async fn plays(form: HlsForm, playlist: &str, begins: &[u8]) {
    let host = Host::start().await;
    host.encrypt(form, 2);
    let _feed = host.on_air(H264);
    host.read(&path("index.m3u8")).await;
    let url = host.url(&path("index.m3u8"));
    let played = [
        "-live_start_index",
        "0",
        "-i",
        &url,
        "-t",
        "8",
        "-f",
        "framecrc",
        "-",
    ];
    let (frames, complaints) = ffmpeg(&played).await;
    assert!(!complaints.to_lowercase().contains("error"), "{complaints}");
    assert!(
        !complaints.to_lowercase().contains("invalid"),
        "{complaints}"
    );
    assert_played(&frames, 8);

    let listed = keys(&host.read(&path(playlist)).await);
    let addresses: BTreeSet<_> = listed.iter().map(|(key, _)| key).collect();
    assert!(addresses.len() >= 2, "{listed:?}");
    let mut secrets = BTreeSet::new();
    for address in &addresses {
        let key = host.get(&path(address)).await;
        assert_eq!((key.status, key.body.len()), (200, 16), "{}", key.head);
        assert!(key.head.contains("cache-control: no-store"), "{}", key.head);
        secrets.insert(key.body);
    }
    assert_eq!(secrets.len(), addresses.len(), "no key comes twice");
    for (_, segment) in &listed {
        let segment = host.get(&path(segment)).await;
        assert_eq!((segment.status, segment.body.len() % 16), (200, 0));
        assert!(!segment.body.windows(begins.len()).any(|it| it == begins));
    }
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_deciphers_transport_stream_segments_while_keys_change() {
    plays(HlsForm::Ts, "ts.m3u8", b"FFmpeg\x01Service01").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_deciphers_cmaf_segments_while_keys_change() {
    plays(HlsForm::Cmaf, "video0.m3u8", b"mfhd").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_is_nowhere_in_the_clear_and_keys_come_not_before_their_segments() {
    let host = Host::start().await;
    host.encrypt(HlsForm::Cmaf, 2);
    let _feed = host.on_air(H264);
    let video = host.read(&path("video0.m3u8?token=a")).await;
    assert!(!video.contains("PART"), "{video}");
    let listed = keys(&video);
    let (key, segment) = listed.last().unwrap();
    assert!(key.ends_with(".key?token=a"), "{key}");
    let key = key.trim_end_matches("?token=a");
    let number: u64 = key
        .trim_start_matches("keys/video0-")
        .trim_end_matches(".key")
        .parse()
        .unwrap();
    let part = segment
        .trim_end_matches("?token=a")
        .replace(".m4s", ".0.m4s");
    for (file, status) in [
        (path(&format!("keys/video0-{}.key", number + 2)), 404),
        (
            path(&format!("keys/video0-{}.key", number.saturating_sub(9))),
            404,
        ),
        (path(&format!("keys/video7-{number}.key")), 404),
        (path(&part), 404),
        (format!("/dash/{NAME}/manifest.mpd"), 403),
        (format!("/dash/{NAME}/{segment}"), 403),
        (format!("/live/{NAME}.mp4"), 403),
        (format!("/live/{NAME}.ts"), 403),
    ] {
        let answer = host.get(&file).await;
        assert_eq!(answer.status, status, "{file}: {}", answer.text());
        assert!(answer.head.contains("application/problem+json"), "{file}");
    }
    // The transport stream is under keys of its own.
    let packets = keys(&host.read(&path("ts.m3u8")).await);
    let (key, segment) = packets.last().unwrap();
    assert_eq!(host.get(&path(key)).await.body.len(), 16);
    let body = host.get(&path(segment)).await.body;
    assert!(body.chunks(188).filter(|it| it[0] == 0x47).count() * 10 < body.len() / 188);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_already_is_encrypted_as_soon_as_that_is_wanted() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    for playlist in ["video0.m3u8", "ts.m3u8"] {
        let clear = host.read(&path(playlist)).await;
        assert!(!clear.contains("EXT-X-KEY"), "{clear}");
    }
    host.encrypt(HlsForm::Cmaf, 1);
    host.read(&path("index.m3u8")).await;
    for playlist in ["video0.m3u8", "ts.m3u8"] {
        let listed = keys(&host.read(&path(playlist)).await);
        assert!(!listed.is_empty(), "{playlist}");
    }
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plays_in_the_clear_ends_and_nothing_is_pushed_once_a_stream_is_encrypted() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    host.read(&path("index.m3u8")).await;
    let mut sockets = Vec::new();
    for extension in ["mp4", "ts"] {
        let mut socket = upgraded(&host, extension).await;
        message(&mut socket).await;
        sockets.push(socket);
    }
    let file = format!("/live/{NAME}.mp4");
    let (over_http, ()) = tokio::join!(host.get(&file), async {
        while host.viewers() < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        host.encrypt(HlsForm::Cmaf, 1);
    });
    assert_eq!(over_http.status, 200);
    assert!(over_http.body.ends_with(b"0\r\n\r\n"), "a whole answer");
    for mut socket in sockets {
        let ended = async { while message(&mut socket).await.0 != 8 {} };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("a goodbye");
    }
    let output = gateway::start_output(
        &host.context,
        host.context.registry().get(NAME).unwrap(),
        "away".parse().unwrap(),
        "http://127.0.0.1:9/away.m3u8".parse().unwrap(),
        Default::default(),
    );
    let refused = async {
        loop {
            if let Some(error) = output.snapshot().status.last_error {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let error = tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert!(error.contains("is encrypted over HLS"), "{error}");
    output.stop().await;
    host.close().await;
}
