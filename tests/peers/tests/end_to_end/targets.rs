//! Targets that are no plain peers: recordings, web servers, RTMP under TLS.

use peers::beat::{Beat, Sink, numbers};
use peers::ffmpeg::{Codec, publish};
use peers::{Host, Nginx, ports, until, until_some};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const INPUT: &str = "live/cam";

fn declare(host: &Host, port: u16) {
    let input = json!({ "name": INPUT, "sources": [{ "type": "udp", "address": format!("127.0.0.1:{port}") }] });
    let (status, answer) = host.http.post_json("/api/v1/inputs", &input);
    assert_eq!(status, 201, "{answer}");
    ports::until_listened(port);
}

fn path(output: &str) -> String {
    format!("/api/v1/inputs/{INPUT}/outputs/{output}")
}

fn add(host: &Host, name: &str, url: &str) {
    let output = json!({ "name": name, "url": url, "retry": { "cap_ms": 500 } });
    let (status, answer) = host
        .http
        .post_json(&format!("/api/v1/inputs/{INPUT}/outputs"), &output);
    assert_eq!(status, 201, "{answer}");
}

fn post(host: &Host, output: &str, verb: &str) {
    let (status, answer) = host
        .http
        .post_json(&format!("{}/{verb}", path(output)), &json!({}));
    assert_eq!(status, 200, "{answer}");
}

fn await_state(host: &Host, output: &str, state: &str) -> Value {
    until_some(&format!("{output} is {state}"), || {
        let view = host.http.json(&path(output))?;
        (view["state"] == state).then_some(view)
    })
}

/// The numbers in a recording, which is whole packets, and begins where a reader can.
fn recorded(file: &PathBuf) -> Vec<u64> {
    let bytes = std::fs::read(file).unwrap();
    assert!(
        bytes.len().is_multiple_of(188) && bytes.first() == Some(&0x47),
        "{}",
        bytes.len()
    );
    numbers(&bytes).collect()
}

fn assert_whole(numbers: &[u64]) {
    let whole = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    assert!(whole && numbers.len() > 100, "{} numbers", numbers.len());
}

#[test]
fn a_recording_is_whole_and_never_written_over() {
    let (host, port) = (Host::start(""), ports::free());
    declare(&host, port);
    add(&host, "fixed", "file:///rec/fixed.ts");
    let _beat = Beat::to(port);
    let a_while = |output: &str| {
        let before = await_state(&host, output, "live")["bytes"]
            .as_u64()
            .unwrap_or_default();
        until("it grows", || {
            let view = host.http.json(&path(output)).unwrap_or_default();
            view["bytes"].as_u64() > Some(before + 300_000)
        });
    };
    a_while("fixed");
    post(&host, "fixed", "stop");
    let first = recorded(&host.media("rec/fixed.ts"));
    assert_whole(&first);
    post(&host, "fixed", "start");
    a_while("fixed");
    assert_eq!(
        recorded(&host.media("rec/fixed.ts")),
        first,
        "it was written over"
    );
    // What is told apart by a number is whole, too.
    post(&host, "fixed", "stop");
    assert_whole(&recorded(&host.media("rec/fixed-2.ts")));
    host.stop();
}

#[test]
fn a_recording_is_closed_when_the_host_stops_and_named_after_its_time() {
    let (host, port) = (Host::start(""), ports::free());
    declare(&host, port);
    add(&host, "dated", "file:///%Y/cam %Y%m%d-%H%M%S.ts");
    let beat = Beat::to(port);
    until("it grows", || {
        let view = host.http.json(&path("dated")).unwrap_or_default();
        view["bytes"].as_u64() > Some(300_000)
    });
    let media = host.media("x").parent().unwrap().to_owned();
    let seen = beat.next();
    // The folder goes with the host; what is open stays readable.
    let year = std::fs::read_dir(&media)
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let file = std::fs::read_dir(&year)
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let year = year.file_name().unwrap().to_str().unwrap().to_owned();
    let stamp = name
        .strip_prefix("cam ")
        .and_then(|name| name.strip_suffix(".ts"))
        .unwrap();
    let shape: String = stamp
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "00000000-000000", "{name}");
    assert!(stamp.starts_with(&year), "{year} {name}");
    let copy = tempfile::tempdir().unwrap();
    let linked = copy.path().join("recording.ts");
    std::fs::hard_link(&file, &linked).unwrap();
    host.stop_at_once();
    let numbers = recorded(&linked);
    assert_whole(&numbers);
    assert!(
        numbers.last() >= Some(&(seen - 50)),
        "the last second is missing"
    );
}

#[test]
fn a_disk_that_says_no_is_told_and_disturbs_no_other_output() {
    let (host, port) = (Host::start(""), ports::free());
    declare(&host, port);
    let sink = Sink::open();
    add(&host, "other", &format!("udp://127.0.0.1:{}", sink.port));
    let in_the_way = host.media("rec");
    std::fs::write(&in_the_way, "a file, not a folder").unwrap();
    add(&host, "file", "file:///rec/a.ts");
    let beat = Beat::to(port);
    let view = await_state(&host, "file", "retrying");
    let told = view["last_error"].as_str().unwrap_or_default();
    assert!(
        told.contains("rec/a.ts") && told.contains("Not a directory"),
        "{told}"
    );
    let from = beat.next();
    until("the other goes on", || sink.newest() >= Some(from + 200));
    assert_eq!(sink.missing(), 0);
    std::fs::remove_file(&in_the_way).unwrap();
    await_state(&host, "file", "live");
    assert_eq!(await_state(&host, "other", "live")["reconnects"], 0);
    for bad in [
        "file:///../a.ts",
        "file:///a.mp4",
        "file://etc/a.ts",
        "file:///%n.ts",
    ] {
        let output = json!({ "name": "bad", "url": bad });
        let (status, problem) = host
            .http
            .post_json(&format!("/api/v1/inputs/{INPUT}/outputs"), &output);
        assert_eq!(status, 422, "{bad}: {problem}");
    }
    host.stop();
}

#[test]
fn segments_and_playlist_are_put_to_a_web_server() {
    let (host, port, nginx) = (Host::start(""), ports::free(), Nginx::start());
    declare(&host, port);
    let secret = "token=hunter2";
    add(
        &host,
        "web",
        &format!("{}?{secret}", nginx.web_url("cam/index.m3u8")),
    );
    add(&host, "closed", &nginx.web_url("closed/index.m3u8"));
    let camera = publish(Codec::H264, &format!("udp://127.0.0.1:{port}"));
    let view = await_state(&host, "web", "live");
    assert!(!view.to_string().contains("hunter2"), "{view}");
    let playlist = || std::fs::read_to_string(nginx.web_file("cam/index.m3u8")).unwrap_or_default();
    let listed = || {
        let text = playlist();
        let names = text.lines().filter(|line| line.ends_with(".ts"));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    until("there are some segments", || listed().len() >= 3);
    for name in listed() {
        assert!(nginx.web_file(&format!("cam/{name}")).exists(), "{name}");
    }
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
    ]);
    let said = probe.arg(nginx.web_url("cam/index.m3u8")).output().unwrap();
    let codecs = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        codecs.contains("h264") && codecs.contains("aac"),
        "{codecs}"
    );

    let refused = await_state(&host, "closed", "retrying");
    let told = refused["last_error"].as_str().unwrap_or_default();
    assert!(told.contains("PUT") && told.contains("403"), "{told}");

    post(&host, "web", "stop");
    await_state(&host, "web", "stopped");
    until("players are told the end", || {
        playlist().contains("#EXT-X-ENDLIST")
    });
    let last = listed().pop().unwrap();
    let number = |name: &str| name.trim_end_matches(".ts").parse::<u64>().unwrap();
    post(&host, "web", "start");
    until("it goes on with other numbers", || {
        listed()
            .first()
            .is_some_and(|first| number(first) > number(&last))
    });
    assert!(!playlist().contains("#EXT-X-ENDLIST"));
    drop(camera);
    host.stop();
}

#[test]
fn rtmp_under_tls_goes_to_who_can_prove_who_it_is_and_to_nobody_else() {
    let nginx = Nginx::start();
    let stranger = Nginx::start();
    let (host, port) = (
        Host::start_trusting(&nginx.certificate(), ""),
        ports::free(),
    );
    declare(&host, port);
    add(&host, "good", &nginx.tls_url("key"));
    add(&host, "stranger", &stranger.tls_url("key"));
    add(
        &host,
        "name",
        &nginx.tls_url("key2").replace("localhost", "127.0.0.1"),
    );
    add(&host, "plain", &nginx.url("x").replace("rtmp:", "rtmps:"));
    let _camera = publish(Codec::H264, &format!("udp://127.0.0.1:{port}"));
    let view = await_state(&host, "good", "live");
    assert!(
        view["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/live/***")),
        "{view}"
    );
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
    ]);
    let said = probe.arg(nginx.url("key")).output().unwrap();
    assert!(
        String::from_utf8_lossy(&said.stdout).contains("h264"),
        "{said:?}"
    );
    for (name, why) in [
        ("stranger", "certificate"),
        ("name", "certificate"),
        ("plain", "TLS"),
    ] {
        let view = await_state(&host, name, "retrying");
        let told = view["last_error"].as_str().unwrap_or_default();
        assert!(told.contains(why), "{name}: {told}");
        assert_eq!(view["bytes"], 0, "{name}");
    }
    host.stop();
}

#[test]
fn what_is_not_spoken_is_refused_with_what_is() {
    let (host, port) = (Host::start(""), ports::free());
    declare(&host, port);
    let outputs = format!("/api/v1/inputs/{INPUT}/outputs");
    for url in ["mms://h/live/cam", "ftp://h/x", "https://h/live/"] {
        let (status, problem) = host
            .http
            .post_json(&outputs, &json!({ "name": "x", "url": url }));
        assert_eq!(status, 422, "{url}: {problem}");
        assert!(problem.to_string().contains("outputs[x].url"), "{problem}");
    }
    host.stop();
}
