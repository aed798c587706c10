//! Streams made of streams, wanted over the API: composites, renditions, walls.

use peers::{Host, until, until_some};
use serde_json::{Value, json};
use std::process::Command;

/// A test picture as a stream.
fn make(host: &Host, name: &str, more: Value) {
    let mut input = json!({"name": name, "sources": [{"type": "test"}]});
    let fields = more.as_object().cloned().unwrap_or_default();
    input.as_object_mut().unwrap().extend(fields);
    let (status, answer) = host.http.post_json("/api/v1/inputs", &input);
    assert_eq!(status, 201, "{answer}");
}

/// Width and height of a stream's picture, once it has one.
fn size_of(host: &Host, name: &str) -> (u64, u64) {
    until_some(&format!("{name} has a picture"), || {
        let view = host.http.json(&format!("/api/v1/streams/{name}"))?;
        let video = &view["video"];
        Some((video["width"].as_u64()?, video["height"].as_u64()?))
    })
}

fn gone(host: &Host, name: &str) -> bool {
    let path = format!("/api/v1/streams/{name}");
    matches!(host.http.get(&path), Some((404, _)))
}

#[test]
fn a_composite_is_an_input_like_others_and_changes_on_air() {
    let host = Host::start("");
    make(&host, "live/a", json!({}));
    let composite = |width: u32, sources: &[&str]| {
        let sources: Vec<_> = sources
            .iter()
            .map(|name| json!({"id": name, "from": {"stream": name}}))
            .collect();
        json!([{"type": "composite", "width": width, "height": 360, "sources": sources}])
    };
    let wanted = json!({"sources": composite(640, &["live/a"])});
    make(&host, "live/all", wanted);
    assert_eq!(size_of(&host, "live/all"), (640, 360));
    let decided = until_some("the built-in layout has decided", || {
        let decisions = host.http.json("/api/v1/decisions?kind=layout")?;
        let newest = decisions["decisions"].as_array()?.last()?.clone();
        let tiles = newest["answer"]["output"]["tiles"].as_array()?.len();
        (tiles == 1).then_some(newest)
    });
    assert_eq!(decided["stream"], "live/all", "{decided}");

    let input = "/api/v1/inputs/live/all";
    let (status, answer) = host
        .http
        .patch_json(input, &json!({"sources": composite(320, &["live/a"])}));
    assert_eq!(status, 200, "{answer}");
    until("the canvas is another", || {
        size_of(&host, "live/all") == (320, 360)
    });

    let itself = json!({"sources": composite(320, &["live/all"])});
    let (status, answer) = host.http.patch_json(input, &itself);
    assert_eq!(status, 422, "a composite of itself: {answer}");
    let (status, answer) = host
        .http
        .patch_json(input, &json!({"sources": composite(31, &["live/a"])}));
    assert_eq!(status, 422);
    assert!(answer.to_string().contains("width"), "{answer}");
    host.stop();
}

#[test]
fn renditions_come_and_go_with_what_is_wanted() {
    let host = Host::start("");
    let low = json!({"name": "low", "height": 144, "video_kbps": 200});
    make(&host, "live/a", json!({"encode": {"renditions": [low]}}));
    assert_eq!(size_of(&host, "live/a@low").1, 144);
    let processes = host.http.json("/api/v1/processes").unwrap();
    let processes = processes["processes"].as_array().unwrap();
    let encoders = processes.iter().filter(|it| it["what"] == "encode");
    assert_eq!(encoders.count(), 1, "{processes:?}");
    let page = host.hls_url("live/a");
    let origin = page.split("/hls/").next().unwrap();
    let poster = format!("{origin}/api/v1/streams/live/a/thumbnail.jpg");
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-of", "csv=p=0", "-show_entries"]);
    let probed = probe.args(["stream=codec_name,width", &poster]).output();
    let probed = String::from_utf8_lossy(&probed.unwrap().stdout).into_owned();
    assert_eq!(probed.trim(), "mjpeg,640");
    let (status, answer) = host
        .http
        .patch_json("/api/v1/inputs/live/a", &json!({"encode": null}));
    assert_eq!(status, 200, "{answer}");
    until("the rendition is gone", || gone(&host, "live/a@low"));
    host.stop();
}

#[test]
fn what_a_group_plays_is_cut_into_what_its_screens_show() {
    let host = Host::start("");
    make(&host, "live/a", json!({}));
    let screen = |id: &str, column: u32| json!({"id": id, "row": 0, "column": column, "width": 320, "height": 180});
    let group = json!({"name": "lobby", "screens": [screen("left", 0), screen("right", 1)]});
    let (status, answer) = host.http.post_json("/api/v1/groups", &group);
    assert_eq!(status, 201, "{answer}");
    assert!(gone(&host, "lobby/left"), "nothing is played yet");
    let split = json!({"mode": "split", "source": {"type": "stream", "name": "live/a"}});
    let (status, answer) = host.http.post_json("/api/v1/groups/lobby/play", &split);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(size_of(&host, "lobby/left"), (320, 180));
    assert_eq!(size_of(&host, "lobby/right"), (320, 180));
    let (status, answer) = host.http.post_json("/api/v1/groups/lobby/stop", &json!({}));
    assert_eq!(status, 200, "{answer}");
    until("nothing is shown any more", || gone(&host, "lobby/left"));
    host.stop();
}
