//! Keys as an operator meets them: before the first one, while a host runs, and after a crash.

use peers::{Host, key, ports, product};
use serde_json::json;
use std::fs;
use std::process::{Command, Output};

fn pointsman(arguments: &[&str]) -> Output {
    let mut command = Command::new(product::pointsman());
    command
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_host_that_others_reach_starts_once_there_is_a_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("site.toml");
    let (api, rtmp, srt) = (ports::free(), ports::free(), ports::free());
    let config = format!(
        "data_dir = {:?}\n[api]\nlisten = \"0.0.0.0:{api}\"\n\
         [rtsp]\nlisten = \"127.0.0.1:0\"\nudp_port = 0\n[webrtc]\nlisten = \"127.0.0.1:0\"\n[rtmp]\nlisten = \"127.0.0.1:{rtmp}\"\n[srt]\nlisten = \"127.0.0.1:{srt}\"\n",
        folder.path().join("data")
    );
    fs::write(&file, config).expect("a file");
    let path = file.to_str().expect("text");
    let refused = pointsman(&["run", "--config", path]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("pointsman key add NAME --role admin --offline"));

    let viewer = [
        "key",
        "add",
        "v",
        "--role",
        "viewer",
        "--offline",
        "--config",
        path,
    ];
    let refused = pointsman(&viewer);
    assert!(said(&refused).contains("no admin"), "{}", said(&refused));
    let made = key(&file, "ops", "admin");
    assert!(made.starts_with("pm_"), "{made}");
    let listed = pointsman(&["key", "list", "--offline", "--config", path]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains("ops") && !listed.contains(&made),
        "{listed}"
    );
}

#[test]
fn keys_sessions_and_the_log_of_changes_outlive_a_crash() {
    let mut host = Host::start_for_everybody("");
    let elsewhere = host.http_from_elsewhere();
    assert_eq!(elsewhere.get("/api/v1/inputs").expect("an answer").0, 401);
    let (status, made) = host
        .http
        .post_json("/api/v1/keys", &json!({"name": "ci", "role": "operator"}));
    assert_eq!(status, 201, "{made}");
    let ci = elsewhere.with_key(made["key"].as_str().expect("the key"));
    let (status, added) = ci.post_json("/api/v1/inputs", &json!({"name": "live/a"}));
    assert_eq!(status, 201, "{added}");

    let config = host.path("pointsman.toml");
    let path = config.to_str().expect("text");
    let beside = ["key", "list", "--offline", "--config", path];
    let refused = pointsman(&beside);
    assert!(
        said(&refused).contains("leave out --offline"),
        "{}",
        said(&refused)
    );

    host.kill_and_start_again();
    assert_eq!(ci.get("/api/v1/inputs").expect("an answer").0, 200);
    assert_eq!(elsewhere.get("/api/v1/inputs").expect("an answer").0, 401);
    let log = host
        .http
        .json("/api/v1/audit?item=input%20live/a")
        .expect("the log");
    let line = &log["lines"][0];
    assert_eq!(
        (&line["who"], &line["action"], &line["outcome"]),
        (&json!("key ci"), &json!("added"), &json!("done")),
        "{log}"
    );
    let from = line["peer"].as_str().expect("an address");
    assert!(elsewhere.base.contains(from), "{log}");
    assert_eq!(host.http.delete("/api/v1/keys/ci"), 204);
    assert_eq!(ci.get("/api/v1/inputs").expect("an answer").0, 401);
    host.stop();
}
