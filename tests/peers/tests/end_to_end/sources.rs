//! Sources that nobody sends to: files, other streams, a test picture, RTMP that is played.

use peers::beat::{Beat, Sink};
use peers::clapper::Sample;
use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Host, Nginx, Peer, ports, product, until, until_some};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Pictures of a loop of two seconds that a reader has to see: three times round.
const PICTURES: usize = 150;

/// How far apart two pictures or sounds may be where a file begins again, in the reader's
/// seconds: sound is cut at other places than pictures.
const SEAM: f64 = 0.2;

/// How far the first sound may begin before the last one ends, for the same reason.
const OVERLAP: f64 = 0.1;

fn declare(host: &Host, name: &str, sources: Value) {
    let input = json!({ "name": name, "sources": sources });
    let (status, answer) = host.http.post_json("/api/v1/inputs", &input);
    assert_eq!(status, 201, "{answer}");
}

/// Two seconds of picture and sound, in the container that the name says.
fn make_clip(path: &Path) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"]);
    ffmpeg.args(["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]);
    ffmpeg.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]);
    ffmpeg.args([
        "-t",
        "2",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "0",
        "-g",
        "25",
    ]);
    ffmpeg
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
        .arg(path);
    assert!(ffmpeg.status().unwrap().success(), "no clip");
}

fn source(host: &Host, stream: &str) -> Value {
    let view = host
        .http
        .json(&format!("/api/v1/streams/{stream}"))
        .unwrap_or_default();
    view["sources"][0].clone()
}

fn await_error(host: &Host, stream: &str, why: &str) {
    until(&format!("{stream} says {why}"), || {
        let error = source(host, stream)["last_error"].clone();
        error.as_str().is_some_and(|error| error.contains(why))
    });
}

/// Reads over three loops, and sees no seam.
fn assert_no_seam(host: &Host, stream: &str) {
    host.await_on_air(stream);
    let mut reader = Reader::start(&host.rtmp_url(stream), 600);
    reader.await_picture();
    until("three loops are seen", || {
        reader.so_far().picture.len() >= PICTURES
    });
    assert_eq!(reader.complaints(), [""; 0]);
    let take = reader.so_far();
    for (what, samples, overlap) in [
        ("picture", &take.picture, 0.0),
        ("sound", &take.sound, OVERLAP),
    ] {
        let seam = |pair: &&[Sample]| !(-overlap..SEAM).contains(&(pair[1].at - pair[0].at));
        let torn: Vec<_> = samples.windows(2).filter(seam).collect();
        assert!(torn.is_empty(), "{stream}: {what}: {torn:?}");
    }
}

#[test]
fn a_file_is_looped_in_real_time_without_a_seam() {
    let host = Host::start("");
    make_clip(&host.media("shows/clip.ts"));
    make_clip(&host.media("clip.mp4"));
    declare(
        &host,
        "native",
        json!([{ "type": "file", "path": "shows/clip.ts" }]),
    );
    assert_no_seam(&host, "native");
    assert_eq!(host.children(), [], "a transport stream needs no help");
    declare(
        &host,
        "wrapped",
        json!([{ "type": "file", "path": "clip.mp4" }]),
    );
    assert_no_seam(&host, "wrapped");
    let children = host.children();
    assert_eq!(children.len(), 1, "{children:?}");
    assert_eq!(source(&host, "native")["protocol"], "file");
    assert_eq!(host.http.delete("/api/v1/inputs/wrapped"), 204);
    until("FFmpeg ends with its input", || !children[0].lives());
    host.stop();
}

#[test]
fn nothing_outside_of_the_media_folder_is_read() {
    let host = Host::start("");
    let secret = host.path("secret.ts");
    make_clip(&secret);
    std::os::unix::fs::symlink(&secret, host.media("link.ts")).unwrap();
    declare(
        &host,
        "link",
        json!([{ "type": "file", "path": "link.ts" }]),
    );
    await_error(&host, "link", "it leads out of the folder");
    // What names other files is not opened either, whatever it is called.
    let playlist = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{}\n",
        secret.display()
    );
    std::fs::write(host.media("list.mp4"), playlist).unwrap();
    let list = format!("ffconcat version 1.0\nfile {}\n", secret.display());
    std::fs::write(host.media("concat.mp4"), list).unwrap();
    for name in ["list", "concat"] {
        let path = format!("{name}.mp4");
        declare(&host, name, json!([{ "type": "file", "path": path }]));
        await_error(&host, name, "ffmpeg ended");
        assert_eq!(source(&host, name)["bytes"], 0);
    }
    declare(
        &host,
        "none",
        json!([{ "type": "file", "path": "none.ts" }]),
    );
    await_error(&host, "none", "No such file");
    std::fs::write(host.media("garbage.ts"), [0x47; 188 * 20]).unwrap();
    declare(
        &host,
        "garbage",
        json!([{ "type": "file", "path": "garbage.ts" }]),
    );
    await_error(&host, "garbage", "no program clock");
    for path in ["../secret.ts", "/etc/passwd", "a/../../x.ts", "", "a\u{0}b"] {
        let input = json!({ "name": "bad", "sources": [{ "type": "file", "path": path }] });
        let (status, problem) = host.http.post_json("/api/v1/inputs", &input);
        assert_eq!(status, 422, "{path:?}: {problem}");
        assert!(problem.to_string().contains("sources[0]"), "{problem}");
    }
    host.stop();
}

#[test]
fn a_test_picture_is_made_and_ends_with_its_input() {
    let host = Host::start("");
    declare(&host, "live/bars", json!([{ "type": "test" }]));
    let view = host.await_on_air("live/bars");
    assert_eq!(
        (&view["on_air"], &view["video"]["width"]),
        (&"test".into(), &1280.into())
    );
    // The compiler of plugins is a child as well, for a while.
    let makers = || {
        let mut children = host.children();
        children.retain(|child| child.name == "ffmpeg");
        children
    };
    let first = makers();
    assert_eq!(first.len(), 1, "{first:?}");
    let killed = Peer::start(&format!("kill -9 {}", first[0].pid));
    assert!(killed.wait(peers::PATIENCE).status.success());
    until("it is made again", || {
        makers()
            .iter()
            .any(|child| *child != first[0] && child.lives())
    });
    host.stop();
}

#[test]
fn a_stream_is_passed_on_whole_and_never_to_itself() {
    let host = Host::start("");
    let port = ports::free();
    declare(
        &host,
        "copy",
        json!([{ "type": "stream", "name": "live/first" }]),
    );
    let udp = json!([{ "type": "udp", "address": format!("127.0.0.1:{port}") }]);
    declare(&host, "live/first", udp);
    ports::until_listened(port);
    let sink = Sink::open();
    let output = json!({ "name": "out", "url": format!("udp://127.0.0.1:{}", sink.port) });
    assert_eq!(
        host.http
            .post_json("/api/v1/inputs/copy/outputs", &output)
            .0,
        201
    );
    let beat = Beat::to(port);
    until("it arrives", || sink.newest().is_some());
    let from = beat.next();
    until("it goes on", || sink.newest() >= Some(from + 400));
    assert_eq!(sink.missing(), 0);
    let form = |stream: &str| {
        host.http
            .json(&format!("/api/v1/streams/{stream}"))
            .unwrap_or_default()["form"]
            .clone()
    };
    assert_eq!(form("copy"), "ts");

    let _camera = publish(Codec::H264, &host.rtmp_url("live/rtmp"));
    declare(
        &host,
        "frames",
        json!([{ "type": "stream", "name": "live/rtmp" }]),
    );
    host.await_on_air("frames");
    assert_eq!(form("frames"), "frames");

    let itself = json!({ "sources": [{ "type": "stream", "name": "copy" }] });
    let (status, problem) = host.http.patch_json("/api/v1/inputs/live%2Ffirst", &itself);
    assert_eq!(status, 422, "{problem}");
    assert!(problem.to_string().contains("feeds itself"), "{problem}");
    host.stop();
}

#[test]
fn a_stream_of_an_rtmp_server_is_played_and_waited_for() {
    let (host, nginx) = (Host::start(""), Nginx::start());
    declare(
        &host,
        "pulled",
        json!([{ "type": "rtmp", "url": nginx.url("cam"), "retry": { "cap_ms": 1_000 } }]),
    );
    until("it is connected", || {
        source(&host, "pulled")["connected"] == true
    });
    let camera = publish(Codec::H264, &nginx.url("cam"));
    let view = host.await_on_air("pulled");
    assert_eq!(view["form"], "frames", "{view}");
    let id = source(&host, "pulled")["id"].clone();
    assert!(
        id.as_str()
            .is_some_and(|id| id.starts_with("rtmp-127.0.0.1-")),
        "{id}"
    );
    drop(camera);
    until("it is gone", || source(&host, "pulled")["bitrate_bps"] == 0);
    let _camera = publish(Codec::H264, &nginx.url("cam"));
    host.await_on_air("pulled");
    let (_, answer) = host.http.get("/api/v1/inputs/pulled").unwrap_or_default();
    assert!(!answer.contains("/live/cam"), "a key is shown: {answer}");
    let wrong = json!({ "name": "x", "sources": [{ "type": "rtmp", "url": "srt://h:1" }] });
    assert_eq!(host.http.post_json("/api/v1/inputs", &wrong).0, 422);
    host.stop();
}

#[test]
fn files_and_streams_stand_in_for_a_camera() {
    let host = Host::start("");
    make_clip(&host.media("slate.ts"));
    make_clip(&host.media("other.ts"));
    let (port, name) = (ports::free(), "live/show");
    declare(
        &host,
        "other",
        json!([{ "type": "file", "path": "other.ts" }]),
    );
    declare(
        &host,
        name,
        json!([
            { "type": "udp", "address": format!("127.0.0.1:{port}") },
            { "type": "stream", "name": "other" },
            { "type": "file", "path": "slate.ts" },
        ]),
    );
    let camera_id = format!("udp-127.0.0.1-{port}");
    let scripted = product::component("host/control/tests/scripted");
    assert_eq!(host.http.put_plugin("scripted", &scripted).0, 200);
    let plan =
        json!({ "on_air": camera_id, "failover": ["stream-other"], "slate": "file-slate.ts" });
    let policy = json!({ "plugin": "scripted", "streams": name, "config": { "plan": plan } });
    let (status, answer) = host.http.put_json("/api/v1/policies/routing", &policy);
    assert_eq!(status, 200, "{answer}");
    let on_air = |id: &str| {
        until_some(&format!("{id} is on air"), || {
            let view = host.http.json(&format!("/api/v1/streams/{name}"))?;
            (view["on_air"] == id).then_some(())
        });
    };
    on_air("stream-other");
    let camera = publish(Codec::H264, &format!("udp://127.0.0.1:{port}"));
    on_air(&camera_id);
    drop(camera);
    on_air("stream-other");
    assert_eq!(host.http.delete("/api/v1/inputs/other"), 204);
    on_air("file-slate.ts");
    let _camera = publish(Codec::H264, &format!("udp://127.0.0.1:{port}"));
    on_air(&camera_id);
    host.stop();
}
