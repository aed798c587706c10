//! A plan's order of failover, with media: what stands in goes on air by itself, and readers stay.

use peers::clapper::Sample;
use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Events, Host, ports, product, until};
use serde_json::{Value, json};
use std::process::Command;

/// Pictures that a reader decodes of each source before the next thing happens: two seconds.
const PICTURES: usize = 50;

/// How far apart two pictures or sounds may be at a change of source, in the reader's seconds.
const SEAM: f64 = 0.5;

/// How far the first sound may begin before the last one ends: all of a source's timestamps move by
/// the same, and sound comes in frames of 1,024 samples that do not end where pictures do.
const OVERLAP: f64 = 1_024.0 / 48_000.0;

const STREAM: &str = "live/show";

fn id(port: u16) -> String {
    format!("udp-127.0.0.1-{port}")
}

/// The sources are there all the time but for those that end; the policy always answers the same.
#[test]
fn the_backup_goes_on_air_when_the_primary_ends_and_the_slate_when_both_are_gone() {
    let ports = [ports::free(), ports::free(), ports::free()];
    let sources = ports.map(|port| format!("{{ type = \"udp\", address = \"127.0.0.1:{port}\" }}"));
    let host = Host::start(&format!(
        "[[inputs]]\nname = \"{STREAM}\"\nsources = [{}]\n",
        sources.join(", ")
    ));
    let scripted = product::component("host/control/tests/scripted");
    assert_eq!(host.http.put_plugin("scripted", &scripted).0, 200);
    let [main, spare, slate] = ports.map(id);
    let plan = json!({ "on_air": main, "failover": [spare], "slate": slate });
    let policy = json!({ "plugin": "scripted", "streams": STREAM, "config": { "plan": plan } });
    let (status, answer) = host.http.put_json("/api/v1/policies/routing", &policy);
    assert_eq!(status, 200, "{answer}");
    let events = Events::of(&host.http);
    let feeds = |port: u16| publish(Codec::H264, &format!("udp://127.0.0.1:{port}"));
    let [main_camera, spare_camera, _slate_loop] = ports.map(feeds);
    let on_air = |id: &str| {
        until(&format!("{id} is on air"), || {
            let view = host.http.json(&format!("/api/v1/streams/{STREAM}"));
            view.is_some_and(|view| view["on_air"] == id)
        });
    };
    on_air(&main);
    host.await_on_air(STREAM);
    // It ends when it is dropped.
    let mut reader = Reader::start(&host.rtmp_url(STREAM), 600);
    reader.await_picture();
    let seen = |what: &str| until_seen(&reader, what);
    seen("the primary");
    drop(main_camera);
    on_air(&spare);
    seen("the backup");
    drop(spare_camera);
    on_air(&slate);
    seen("the slate");
    let _main_again = feeds(ports[0]);
    on_air(&main);
    seen("the primary again");

    assert_unbroken(&reader);
    let told = events.told().into_iter();
    let went: Vec<_> = told
        .filter(|it| it["type"] == "on_air_changed" && it["stream"] == STREAM)
        .map(|it| it["source"].as_str().unwrap_or_default().to_owned())
        .collect();
    let expected = [&main, &spare, &slate, &main];
    assert!(
        went.iter().rev().take(4).eq(expected.iter().rev().copied()),
        "{went:?}"
    );
    host.stop();
}

/// Nobody decides but the host itself: the slate is the source of last resort.
#[test]
fn a_declared_slate_is_shown_while_the_publisher_is_away() {
    let input = json!({ "name": STREAM, "sources": [
        { "type": "slate", "path": "soon.png" }, { "type": "publish" },
    ] });
    let host = Host::start("");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "color=red:size=640x360",
    ]);
    ffmpeg.args(["-frames:v", "1"]).arg(host.media("soon.png"));
    assert!(ffmpeg.status().unwrap().success());
    let (status, answer) = host.http.post_json("/api/v1/inputs", &input);
    assert_eq!(status, 201, "{answer}");
    let view = || host.http.json(&format!("/api/v1/streams/{STREAM}"));
    let on_air = |is: fn(&Value) -> bool| {
        until("the right source is on air", || {
            view().is_some_and(|view| is(&view["on_air"]))
        });
    };
    let slate = |id: &Value| id.as_str().is_some_and(|id| id.starts_with("slate-"));
    let camera = |id: &Value| id == "publish";
    on_air(slate);
    let publisher = || publish(Codec::H264, &host.rtmp_url(STREAM));
    let away = publisher();
    on_air(camera);
    host.await_on_air(STREAM);
    let mut reader = Reader::start(&host.rtmp_url(STREAM), 600);
    reader.await_picture();
    let seen = |what: &str| until_seen(&reader, what);
    seen("the camera");
    drop(away);
    on_air(slate);
    seen("the slate");
    let _back = publisher();
    on_air(camera);
    seen("the camera again");
    assert_unbroken(&reader);
    host.stop();
}

/// Waits until a reader has decoded two seconds more.
fn until_seen(reader: &Reader, what: &str) {
    let before = reader.so_far().picture.len();
    let enough = || reader.so_far().picture.len() >= before + PICTURES;
    until(&format!("{what} is seen"), enough);
}

/// Whatever is on air, a reader's pictures and sounds follow each other.
fn assert_unbroken(reader: &Reader) {
    assert_eq!(reader.complaints(), [""; 0]);
    let take = reader.so_far();
    for (what, samples, overlap) in [
        ("picture", &take.picture, 0.0),
        ("sound", &take.sound, OVERLAP),
    ] {
        let seam = |pair: &&[Sample]| !(-overlap..SEAM).contains(&(pair[1].at - pair[0].at));
        let torn: Vec<_> = samples.windows(2).filter(seam).collect();
        assert!(torn.is_empty(), "{what}: {torn:?}");
    }
}
