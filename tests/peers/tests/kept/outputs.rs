//! Outputs with a schedule, and outputs of templates.

use crate::flow::Flow;
use peers::{Host, until};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const SINK: &str = "/api/v1/inputs/live%2Fcam/outputs/sink";

fn unix_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// RFC 3339, by another program's clock.
fn moment(unix_s: u64) -> String {
    let mut date = Command::new("date");
    date.args(["-u", "+%FT%TZ", "-d", &format!("@{unix_s}")]);
    String::from_utf8(date.output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

fn state(host: &Host) -> String {
    let output = host.http.json(SINK).unwrap_or_default();
    output["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_output_runs_within_its_window_and_is_stopped_outside() {
    let (config, mut flow) = Flow::new();
    let host = Host::start(&config);
    flow.start();
    let (start, stop) = (unix_s() + 4, unix_s() + 8);
    let schedule = json!({"windows": [{"start": moment(start), "stop": moment(stop)}]});
    let (status, shown) = host.http.patch_json(SINK, &json!({ "schedule": schedule }));
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["next_start_unix_ms"], start * 1_000);
    assert_eq!(shown["next_stop_unix_ms"], stop * 1_000);
    until("it stops", || state(&host) == "stopped");
    assert!(unix_s() <= start, "before it is time");
    until("it starts", || state(&host) == "live");
    assert!(unix_s() >= start, "not before it is time");
    flow.goes_on();
    until("it stops again", || state(&host) == "stopped");
    assert!(unix_s() >= stop, "not before it is time");
    let shown = host.http.json(SINK).unwrap_or_default();
    assert_eq!(shown["enabled"], true);
    assert!(shown["next_start_unix_ms"].is_null(), "{shown}");
    // Without a schedule it is wanted always; switched off by hand, never.
    let (status, shown) = host.http.patch_json(SINK, &json!({ "schedule": null }));
    assert_eq!(status, 200, "{shown}");
    until("it starts", || state(&host) == "live");
    let always = json!({"enabled": false, "schedule": {"recurring": [{"start": "* * * * *", "duration_s": 3600}]}});
    assert_eq!(host.http.patch_json(SINK, &always).0, 200);
    until("it stops", || state(&host) == "stopped");
    let bad =
        json!({"schedule": {"time_zone": "Moon", "recurring": [{"start": "x", "duration_s": 1}]}});
    let (status, problem) = host.http.patch_json(SINK, &bad);
    assert_eq!(status, 422, "{problem}");
    let fields = problem["errors"].as_array().into_iter().flatten();
    let fields: Vec<_> = fields.map(|it| it["field"].clone()).collect();
    let expected = ["time_zone", "recurring[0].start"];
    assert_eq!(
        fields,
        expected.map(|it| format!("outputs[sink].schedule.{it}"))
    );
    host.stop();
}

fn applied(host: &Host, key: &str, value: &str) -> (u16, Value) {
    let filled = json!({"input": "live/cam", "variables": {key: value}});
    host.http
        .post_json("/api/v1/templates/social/apply", &filled)
}

fn outputs(host: &Host) -> Vec<(String, String)> {
    let site = crate::wanted(host);
    let outputs = site["inputs"][0]["outputs"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |output: &Value, field: &str| output[field].as_str().unwrap_or_default().to_owned();
    outputs
        .iter()
        .map(|it| (text(it, "name"), text(it, "url")))
        .collect()
}

#[test]
fn a_template_adds_all_of_its_outputs_or_none() {
    let mut host = Host::start("[[inputs]]\nname = \"live/cam\"");
    let template = json!({"name": "social",
        "variables": [{"name": "key"}, {"name": "spare", "default": "hunter2", "secret": true}],
        "outputs": [
            {"name": "tube", "url": "rtmp://127.0.0.1:9/live/{key}", "enabled": false},
            {"name": "srt-{key}", "url": "srt://127.0.0.1:9?streamid={key}&passphrase=0123456789", "enabled": false}]});
    let (status, shown) = host.http.post_json("/api/v1/templates", &template);
    assert_eq!(status, 201, "{shown}");
    let shown = shown.to_string();
    assert!(
        !shown.contains("hunter2") && !shown.contains("0123456789"),
        "{shown}"
    );
    assert_eq!(host.http.post_json("/api/v1/templates", &template).0, 409);

    let (status, problem) = applied(&host, "kee", "x");
    assert_eq!(status, 422, "{problem}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains("variables.key") && detail.contains("variables.kee"),
        "{detail}"
    );
    // The name of the second one is at fault: the first is not added either.
    assert_eq!(applied(&host, "key", "a b").0, 422);
    assert_eq!(outputs(&host), []);

    let (status, added) = applied(&host, "key", "k-1");
    assert_eq!(status, 201, "{added}");
    assert_eq!(added["outputs"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        applied(&host, "key", "k-1").0,
        409,
        "they are there already"
    );
    host.kill_and_start_again();
    let expected = [
        ("tube", "rtmp://127.0.0.1:9/live/k-1"),
        (
            "srt-k-1",
            "srt://127.0.0.1:9?streamid=k-1&passphrase=0123456789",
        ),
    ];
    let expected = expected.map(|(name, url)| (name.to_owned(), url.to_owned()));
    assert_eq!(outputs(&host), expected);
    // The template is kept too; what was made of it outlives it.
    let one = "/api/v1/templates/social";
    let patch = json!({"variables": [{"name": "key", "default": "d"}, {"name": "spare", "default": "***", "secret": true}]});
    assert_eq!(host.http.patch_json(one, &patch).0, 200);
    assert_eq!(
        crate::wanted(&host)["templates"][0]["variables"][1]["default"],
        "hunter2"
    );
    assert_eq!(host.http.delete(one), 204);
    assert_eq!(host.http.get(one).map(|(status, _)| status), Some(404));
    assert_eq!(outputs(&host), expected);
    host.stop();
}
