//! The folder as it is seen: by hand, by list, by picture, and what may be taken away.

use crate::support::{Host, PLAYED, plain, settings, until};
use std::fs::File;
use std::time::{Duration, SystemTime};
use videos::Settings;

/// Puts a file there as somebody did a while ago.
fn put(host: &Host, name: &str, bytes: &[u8]) {
    let path = host.folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let before = SystemTime::now() - Duration::from_secs(60);
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(before)
        .unwrap();
}

async fn settled(host: &Host, name: &str, state: &str) {
    let is = || host.videos.get(name).map(|video| video.state);
    until(&format!("{name} {state}"), || is() == Some(state)).await;
}

#[tokio::test]
async fn files_put_there_by_hand_are_seen_judged_and_gone_again() {
    let host = Host::start().await;
    let plain = plain().await;
    put(&host, "shows/one.mp4", &plain);
    put(&host, "broken.mkv", b"no video");
    put(&host, "notes.txt", b"nothing to see");
    settled(&host, "shows/one.mp4", "ready").await;
    settled(&host, "broken.mkv", "unfit").await;
    std::fs::write(host.folder.join("recording.ts"), &plain).unwrap();
    settled(&host, "recording.ts", "changing").await;
    let list = host.get("/api/v1/videos?limit=2").await.json();
    assert_eq!(list["videos"][0]["name"], "broken.mkv");
    assert!(
        list["videos"][0]["problem"]
            .as_str()
            .unwrap()
            .contains("FFmpeg cannot read")
    );
    assert_eq!(
        (&list["next"], &list["total"]),
        (&"recording.ts".into(), &3.into())
    );
    let rest = host.get("/api/v1/videos?after=recording.ts").await.json();
    let video = &rest["videos"][0];
    assert_eq!(
        (&video["name"], &video["width"]),
        (&"shows/one.mp4".into(), &320.into())
    );
    assert_eq!(video["title"], serde_json::Value::Null);
    // Where its picture is, is told with its slash written so that the path has one part.
    let path = video["thumbnail"].as_str().unwrap();
    assert_eq!(path, "/api/v1/videos/shows%2Fone.mp4/thumbnail.jpg");
    assert_eq!(host.get(path).await.status, 200);
    std::fs::remove_file(host.folder.join("shows/one.mp4")).unwrap();
    until("gone", || host.videos.get("shows/one.mp4").is_none()).await;
    for bad in ["?limit=0", "?limit=10001", "?limit=x", "?before=a"] {
        let refused = host.get(&format!("/api/v1/videos{bad}")).await;
        refused.is_problem(400, "bad-request");
    }
}

#[tokio::test]
async fn pictures_are_made_once_and_kept_while_the_video_is_the_same() {
    let host = Host::start().await;
    put(&host, "a.mp4", &plain().await);
    settled(&host, "a.mp4", "ready").await;
    let path = "/api/v1/videos/a.mp4/thumbnail.jpg";
    let asked = || host.get(path);
    let (one, other) = tokio::join!(asked(), asked());
    assert_eq!((one.status, other.status), (200, 200));
    assert!(one.body.starts_with(&[0xff, 0xd8]) && one.body == other.body);
    let tag = one.header("etag").unwrap();
    let known = format!("if-none-match: W/\"x\", {tag}\r\n");
    let fresh = host.ask(&format!("GET {path}"), &known, b"").await;
    assert_eq!((fresh.status, fresh.body.len()), (304, 0));
    // Kept: another process finds it without FFmpeg.
    let kept = host
        .folder
        .join(".pointsman/thumbnails")
        .join(tag.trim_matches('"'));
    std::fs::write(&kept, b"\xff\xd8 kept").unwrap();
    assert_eq!(host.get(path).await.body, b"\xff\xd8 kept");
    host.get("/api/v1/videos/b.mp4/thumbnail.jpg")
        .await
        .is_problem(404, "unknown-video");
}

#[tokio::test]
async fn a_video_in_use_stays_and_others_go() {
    let host = Host::start().await;
    let plain = plain().await;
    for name in [PLAYED, "shows/b.mp4", "c.mp4"] {
        put(&host, name, &plain);
    }
    put(&host, "secret.txt", b"not a video");
    until("listed", || host.listed().len() == 3).await;
    let delete = async |name: &str| {
        let line = format!("DELETE /api/v1/videos/{name}");
        host.ask(&line, "", b"").await
    };
    let used = delete(PLAYED).await;
    used.is_problem(409, "conflict");
    assert!(used.text().contains("input live/loop"), "{}", used.text());
    assert_eq!(delete("shows%2Fb.mp4").await.status, 204);
    assert_eq!(delete("c.mp4").await.status, 204);
    for other in [
        "c.mp4",
        "secret.txt",
        "..%2Fx.mp4",
        ".pointsman%2Fuploads",
        "%00",
        "shows",
    ] {
        delete(other).await.is_problem(404, "unknown-video");
    }
    assert_eq!(host.visible(), [PLAYED, "secret.txt", "shows"]);
    assert_eq!(host.listed(), [PLAYED]);
    let method = host.ask("PUT /api/v1/videos/c.mp4", "", b"").await;
    method.is_problem(405, "method-not-allowed");
    assert_eq!(method.header("allow"), Some("GET, HEAD, DELETE"));
}

#[tokio::test]
async fn the_index_is_bounded_and_says_what_it_leaves_out() {
    let few = Settings {
        max_videos: 2,
        ..settings()
    };
    let host = Host::with(few).await;
    for name in ["a.mp4", "b.mp4", "c.mp4", "it's.mp4"] {
        put(&host, name, b"x");
    }
    until("all are seen", || host.videos.page(None, 9).left_out == 2).await;
    assert_eq!(host.listed().len(), 2);
}
