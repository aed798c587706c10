//! Uploads that break off: gone on with to the same bytes.

use crate::support::{Host, OCTETS, TUS, clip, plain, read_answer, settings, until, within};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Some megabytes.
async fn large() -> Vec<u8> {
    let noise = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -vf noise=alls=90:allf=t \
         -c:v libx264 -preset ultrafast -qp 8 -pix_fmt yuv420p";
    let clip = clip("large.mp4", noise).await;
    assert!(clip.len() > 2 << 20, "{}", clip.len());
    clip
}

/// Begins to send all of a file, and sends only so much.
async fn begin(host: &Host, at: &str, offset: usize, file: &[u8], bytes: usize) -> TcpStream {
    let mut socket = host.connect().await;
    let length = file.len() - offset;
    let head = format!(
        "PATCH {at} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{TUS}{OCTETS}upload-offset: {offset}\r\n\
         content-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let part = &file[offset..offset + bytes];
    within(socket.write_all(part)).await.unwrap();
    socket
}

fn on_disk(host: &Host, at: &str) -> u64 {
    let id = at.rsplit('/').next().unwrap();
    let path = host.folder.join(".pointsman/uploads").join(id);
    std::fs::metadata(path).map_or(0, |about| about.len())
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_it_was_also_on_another_host() {
    let file = large().await;
    let kept = tempfile::tempdir().unwrap();
    let host = Host::at(kept.path(), settings()).await;
    let at = host.announce(file.len()).await;
    drop(begin(&host, &at, 0, &file, 1 << 20).await);
    until("what came is written", || on_disk(&host, &at) == 1 << 20).await;
    let offset = loop {
        let offset = host.offset(&at).await;
        if offset > 0 {
            break offset;
        }
    };
    assert_eq!(offset, 1 << 20);
    // Interrupted once more, this time by the host's end.
    let socket = begin(&host, &at, offset, &file, 1 << 19).await;
    until("more is written", || on_disk(&host, &at) > 1 << 20).await;
    host.stop().await;
    drop(socket);
    let host = Host::at(kept.path(), settings()).await;
    let offset = host.offset(&at).await;
    assert!((1 << 20..=(3 << 19)).contains(&offset), "{offset}");
    let last = host.patch(&at, offset, "", &file[offset..]).await;
    assert_eq!(last.status, 204, "{}", last.text());
    assert!(std::fs::read(kept.path().join("clip.mp4")).unwrap() == file);
    assert_eq!(host.listed(), ["clip.mp4"]);
}

/// A phone that changed networks: its old connection is half open, and it comes with a new one.
#[tokio::test]
async fn a_newer_request_takes_an_upload_over() {
    let file = large().await;
    let host = Host::start().await;
    let at = host.announce(file.len()).await;
    let mut stale = begin(&host, &at, 0, &file, 1 << 20).await;
    until("what came is written", || on_disk(&host, &at) >= 1 << 19).await;
    // The offset is known once the old connection has let go.
    let early = host.patch(&at, 0, "", &file).await;
    assert_eq!(early.status, 409, "{}", early.text());
    read_answer(&mut stale).await.is_problem(409, "conflict");
    let offset = host.offset(&at).await;
    assert!(offset >= 1 << 19, "{offset}");
    let last = host.patch(&at, offset, "", &file[offset..]).await;
    assert_eq!(last.status, 204, "{}", last.text());
    assert!(std::fs::read(host.folder.join("clip.mp4")).unwrap() == file);
}

/// Killed between the last byte and the look at the file.
#[tokio::test]
async fn what_was_whole_when_a_host_ended_is_a_video_on_the_next() {
    let file = plain().await;
    let kept = tempfile::tempdir().unwrap();
    let host = Host::at(kept.path(), settings()).await;
    let at = host.announce(file.len()).await;
    host.stop().await;
    let id = at.rsplit('/').next().unwrap();
    let uploads = kept.path().join(".pointsman/uploads");
    std::fs::write(uploads.join(id), &file).unwrap();
    // Of a form, so nobody can go on with it.
    std::fs::write(uploads.join("0123"), b"half").unwrap();
    let host = Host::at(kept.path(), settings()).await;
    until("it is listed", || host.listed() == ["clip.mp4"]).await;
    assert_eq!(host.unfinished(), Vec::<String>::new());
}
