//! The protocol of resumable uploads, request by request.

use crate::support::{Host, OCTETS, TUS, plain, settings, until};
use std::time::Duration;
use videos::Settings;

const UPLOADS: &str = "/api/v1/uploads";

#[tokio::test]
async fn a_server_says_what_it_can_and_wants_to_hear_the_version() {
    let host = Host::start().await;
    let able = host.ask(&format!("OPTIONS {UPLOADS}"), "", b"").await;
    assert_eq!(able.status, 204);
    for (name, value) in [
        ("tus-resumable", "1.0.0"),
        ("tus-version", "1.0.0"),
        (
            "tus-extension",
            "creation,creation-with-upload,termination,expiration,checksum",
        ),
        ("tus-checksum-algorithm", "sha1,sha256"),
        ("tus-max-size", "67108864"),
    ] {
        assert_eq!(able.header(name), Some(value));
    }
    for version in ["", "tus-resumable: 0.2.2\r\n"] {
        let refused = host.ask(&format!("POST {UPLOADS}"), version, b"").await;
        refused.is_problem(412, "precondition-failed");
        assert_eq!(refused.header("tus-version"), Some("1.0.0"));
    }
    let method = host.ask(&format!("GET {UPLOADS}"), TUS, b"").await;
    method.is_problem(405, "method-not-allowed");
}

#[tokio::test]
async fn what_is_announced_is_checked_before_a_byte_is_sent() {
    let host = Host::start().await;
    let cases = [
        (
            "upload-length: 67108865\r\nupload-metadata: filename YS5tcDQ=\r\n",
            413,
            "too-large",
        ),
        (
            "upload-length: 0\r\nupload-metadata: filename YS5tcDQ=\r\n",
            400,
            "bad-request",
        ),
        (
            "upload-length: -1\r\nupload-metadata: filename YS5tcDQ=\r\n",
            400,
            "bad-request",
        ),
        ("upload-metadata: filename YS5tcDQ=\r\n", 400, "bad-request"),
        (
            "upload-defer-length: 1\r\nupload-metadata: filename YS5tcDQ=\r\n",
            400,
            "bad-request",
        ),
        ("upload-length: 9\r\n", 400, "bad-request"),
        (
            "upload-length: 9\r\nupload-metadata: filename ???\r\n",
            400,
            "bad-request",
        ),
        // a.txt
        (
            "upload-length: 9\r\nupload-metadata: filename YS50eHQ=\r\n",
            415,
            "unsupported-media",
        ),
    ];
    for (headers, status, slug) in cases {
        let refused = host
            .ask(&format!("POST {UPLOADS}"), &format!("{TUS}{headers}"), b"")
            .await;
        refused.is_problem(status, slug);
    }
    assert_eq!(host.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_comes_in_pieces_and_is_a_video_with_the_last() {
    let host = Host::start().await;
    let plain = plain().await;
    let at = host.announce(plain.len()).await;
    let announced = host.head(&at).await;
    assert_eq!(
        announced.header("upload-length"),
        Some(&*plain.len().to_string())
    );
    assert_eq!(
        announced.header("upload-metadata"),
        Some("filename Y2xpcC5tcDQ=")
    );
    assert_eq!(announced.header("cache-control"), Some("no-store"));
    let (first, rest) = plain.split_at(10_000);
    let (second, third) = rest.split_at(1);
    assert_eq!(host.patch(&at, 0, "", first).await.status, 204);
    let again = host.patch(&at, 0, "", first).await;
    again.is_problem(409, "conflict");
    let ahead = host.patch(&at, 10_002, "", third).await;
    ahead.is_problem(409, "conflict");
    let next = host.patch(&at, 10_000, "", second).await;
    assert_eq!(next.header("upload-offset"), Some("10001"));
    let expires = next.header("upload-expires").unwrap();
    assert!(expires.ends_with(" GMT"), "{expires}");
    assert!(
        host.listed().is_empty() && host.visible().is_empty(),
        "not before it is whole"
    );
    let last = host.patch(&at, 10_001, "", third).await;
    assert_eq!(last.status, 204, "{}", last.text());
    assert_eq!(
        last.header("content-location"),
        Some("/api/v1/videos/clip.mp4")
    );
    assert!(std::fs::read(host.folder.join("clip.mp4")).unwrap() == plain);
    assert_eq!(host.listed(), ["clip.mp4"]);
    assert_eq!(host.unfinished(), Vec::<String>::new());
    // Whoever did not hear the answer asks again.
    let head = host.head(&at).await;
    assert_eq!(
        head.header("content-location"),
        Some("/api/v1/videos/clip.mp4")
    );
    assert_eq!(host.offset(&at).await, plain.len());
    assert_eq!(host.patch(&at, plain.len(), "", b"").await.status, 204);
    assert_eq!(host.listed(), ["clip.mp4"]);
}

#[tokio::test]
async fn a_file_may_come_with_its_announcement_and_methods_in_a_header() {
    let host = Host::start().await;
    let plain = plain().await;
    let headers = format!(
        "{TUS}{OCTETS}upload-length: {}\r\nupload-metadata: filename Y2xpcC5tcDQ=,title RGllIEVyw7ZmZm51bmc=\r\n",
        plain.len()
    );
    let line = format!("POST {UPLOADS}");
    let part = host.ask(&line, &headers, &plain[..5]).await;
    assert_eq!(
        (part.status, part.header("upload-offset")),
        (201, Some("5"))
    );
    let at = part.header("location").unwrap();
    let patch = format!("{TUS}{OCTETS}upload-offset: 5\r\nx-http-method-override: PATCH\r\n");
    let rest = host.ask(&format!("POST {at}"), &patch, &plain[5..]).await;
    assert_eq!(rest.status, 204, "{}", rest.text());
    let whole = host.ask(&line, &headers, &plain).await;
    assert_eq!(whole.status, 201);
    assert_eq!(
        whole.header("content-location"),
        Some("/api/v1/videos/clip-2.mp4")
    );
    let video = host.videos.get("clip-2.mp4").unwrap();
    assert_eq!(video.title.as_deref(), Some("Die Eröffnung"));
    let other = headers.replace("application/offset+octet-stream", "video/mp4");
    host.ask(&line, &other, &plain)
        .await
        .is_problem(415, "unsupported-media");
}

#[tokio::test]
async fn a_checksum_is_held_against_what_came() {
    let host = Host::start().await;
    // sha1sum and sha256sum of "hello".
    const SHA1: &str = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
    const SHA256: &str = "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let at = host.announce(100).await;
    let send = async |offset: usize, sum: &str, body: &[u8]| {
        let header = format!("upload-checksum: {sum}\r\n");
        host.patch(&at, offset, &header, body).await
    };
    assert_eq!(send(0, SHA1, b"hello").await.status, 204);
    send(5, SHA1, b"hallo")
        .await
        .is_problem(460, "checksum-mismatch");
    assert_eq!(host.offset(&at).await, 5, "what came is not kept");
    assert_eq!(send(5, SHA256, b"hello").await.status, 204);
    send(10, "md5 XUFAKrxLKna5cZ2REBfFkg==", b"hello")
        .await
        .is_problem(400, "bad-request");
    let kept = std::fs::read(
        host.folder
            .join(".pointsman/uploads")
            .join(&at[UPLOADS.len() + 1..]),
    );
    assert_eq!(kept.unwrap(), b"hellohello");
}

#[tokio::test]
async fn what_is_ended_unknown_or_no_video_is_gone() {
    let host = Host::start().await;
    let at = host.announce(9).await;
    let headers = format!("{TUS}content-type: video/mp4\r\nupload-offset: 0\r\n");
    let other = host.ask(&format!("PATCH {at}"), &headers, b"x").await;
    other.is_problem(415, "unsupported-media");
    let ended = host.ask(&format!("DELETE {at}"), TUS, b"").await;
    assert_eq!(ended.status, 204);
    for gone in [&*at, "/api/v1/uploads/x", "/api/v1/uploads/..%2F..%2Fa.mp4"] {
        host.patch(gone, 0, "", b"x")
            .await
            .is_problem(404, "unknown-upload");
        assert_eq!(host.head(gone).await.status, 404);
    }
    let no_video = host.announce(9).await;
    let refused = host.patch(&no_video, 0, "", b"no video.").await;
    refused.is_problem(422, "video-refused");
    // And the same again, for those who did not hear.
    host.patch(&no_video, 9, "", b"")
        .await
        .is_problem(422, "video-refused");
    assert_eq!(host.head(&no_video).await.status, 422);
    assert_eq!(host.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn unfinished_uploads_expire() {
    let soon = Settings {
        expires: Duration::from_millis(50),
        ..settings()
    };
    let host = Host::with(soon).await;
    let at = host.announce(9).await;
    until("it expired", || host.unfinished().is_empty()).await;
    assert_eq!(host.head(&at).await.status, 404);
}
