//! Policies that misbehave in every way cost one decision each, and no stream a packet.

use peers::herd::Herd;
use peers::{Host, product, until};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest pause at a sink; the sender's own sleeps are in it, on a machine that is busy with
/// other tests.
const PAUSE: Duration = Duration::from_secs(2);

/// What it does, and what the operator reads of it.
const ACTS: &[(&str, &str)] = &[
    ("loop", "deadline"),
    ("recurse", "stack"),
    ("hog", "bytes of memory"),
    ("giant", "refused"),
    ("panic", "the points are frozen"),
    ("bulk-copy", "deadline"),
    ("many-outputs", "refused"),
    ("twin-outputs", "refused"),
    ("long-name", "refused"),
    ("refuse", "not this stream"),
    ("fetch", "grant"),
];

fn bind(host: &Host, plugin: &str, config: &Value) {
    let policy = json!({ "plugin": plugin, "streams": "herd/*", "config": config });
    let (status, answer) = host.http.put_json("/api/v1/policies/routing", &policy);
    assert_eq!(status, 200, "{config}: {answer}");
}

fn streams(host: &Host, herd: &Herd) -> Vec<Value> {
    let view = |name| {
        host.http
            .json(&format!("/api/v1/streams/{name}"))
            .unwrap_or_default()
    };
    herd.names().map(view).collect()
}

fn text<'a>(view: &'a Value, key: &str) -> &'a str {
    view[key].as_str().unwrap_or_default()
}

#[test]
fn hostile_policies_cost_ten_streams_nothing() {
    let mut herd = Herd::of(10);
    let fanout = "[[policies]]\nkind = \"routing\"\nplugin = \"fanout\"\nstreams = \"herd/*\"\n";
    let host = Host::start(&format!("{fanout}{}", herd.inputs()));
    herd.start(&host);
    let hostile = product::component("host/plugin/tests/hostile");
    for (n, (act, told)) in ACTS.iter().enumerate() {
        // A good plan is in force before; then another version of the bad one takes over.
        bind(&host, "fanout", &json!({}));
        until("fanout decides", || {
            streams(&host, &herd)
                .iter()
                .all(|view| view["routing_error"].is_null())
        });
        let variant = product::variant(&hostile, n as u32);
        let (status, answer) = host.http.put_plugin("hostile", &variant);
        assert_eq!(status, 200, "{act}: {answer}");
        bind(&host, "hostile", &json!({ "act": act, "on": "herd/" }));
        until(&format!("{act} is reported for every stream"), || {
            streams(&host, &herd)
                .iter()
                .all(|view| text(view, "routing_error").contains(told))
        });
        // What was good stays in force.
        for view in streams(&host, &herd) {
            assert_eq!(view["outputs"][0]["state"], "live", "{act}: {view}");
        }
        bind(&host, "fanout", &json!({}));
        assert_eq!(remove(&host), 204, "{act}");
    }
    floods_and_unknown_names(&host, &herd, &hostile);
    refused_at_the_door(&host, &herd);
    herd.assert_unharmed(PAUSE);
    let lines = host.log();
    let told = lines.iter().filter(|line| line.contains("hostile")).count();
    assert!(told >= ACTS.len(), "{told} lines tell of it");
    assert!(
        told < 40 * (ACTS.len() + 3),
        "{told} lines: its cause is told over and over"
    );
    host.stop();
}

fn remove(host: &Host) -> u16 {
    host.http.delete("/api/v1/plugins/hostile")
}

/// Answers that are answers, with what cannot be done in them, and calls that write too much.
fn floods_and_unknown_names(host: &Host, herd: &Herd, hostile: &[u8]) {
    let (status, answer) = host.http.put_plugin("hostile", hostile);
    assert_eq!(status, 200, "{answer}");
    bind(
        host,
        "hostile",
        &json!({ "act": "unknown-names", "on": "herd/" }),
    );
    until("unknown names are refused", || {
        let refused = |view: &Value| view["refused"].to_string().contains("nobody");
        streams(host, herd).iter().all(refused)
    });
    for act in ["log-flood", "kv-flood"] {
        bind(host, "hostile", &json!({ "act": act, "on": "herd/" }));
        until(&format!("{act} decides"), || {
            let decides = |view: &Value| {
                text(view, "decided_by") == "hostile" && view["routing_error"].is_null()
            };
            streams(host, herd).iter().all(decides)
        });
    }
    let plugin = host
        .http
        .json("/api/v1/plugins/hostile")
        .unwrap_or_default();
    let kept = plugin["kv"]["bytes"].as_u64().unwrap_or(u64::MAX);
    assert!(kept <= 256 << 10, "{plugin}");
    bind(host, "fanout", &json!({}));
    assert_eq!(remove(host), 204);
}

/// What does not take the bound configuration, or is no component, never takes over.
fn refused_at_the_door(host: &Host, herd: &Herd) {
    let hostile = product::component("host/plugin/tests/hostile");
    for bytes in [
        &hostile[..],
        &hostile[..hostile.len() / 2],
        b"\0asm\x0d\0\x01\0",
    ] {
        let (status, problem) = host.http.put_plugin("fanout", bytes);
        assert_eq!(status, 422, "{problem}");
        assert!(!text(&problem, "detail").is_empty(), "{problem}");
    }
    for view in streams(host, herd) {
        assert_eq!(
            (text(&view, "decided_by"), &view["routing_error"]),
            ("fanout", &Value::Null)
        );
    }
}

/// Requests that are each judged anew: what a viewer shows tells it from others.
const FAILURES: u32 = 1_000;

/// Two ways to fail by turns, since a breaker never opens for a policy that says no now and then.
#[test]
fn a_policy_that_fails_a_thousand_times_is_told_of_once_a_way_and_counted_each_time() {
    let host = Host::start("");
    let hostile = product::component("host/plugin/tests/hostile");
    let (status, answer) = host.http.put_plugin("hostile", &hostile);
    assert_eq!(status, 200, "{answer}");
    let policy = json!({ "plugin": "hostile", "streams": "live/*", "config": { "act": "fickle" } });
    let (status, answer) = host.http.put_json("/api/v1/policies/auth", &policy);
    assert_eq!(status, 200, "{answer}");
    for n in 0..FAILURES {
        let token = ["panic", "refuse"][n as usize % 2];
        let path = format!("/hls/live/none/index.m3u8?token={token}{n}");
        assert_eq!(host.http.get(&path).unwrap().0, 403, "{path}");
    }
    let count = |name: &str, labels: &str| host.http.metric(name, labels);
    let all = f64::from(FAILURES);
    assert_eq!(count("pointsman_decision_failures_total", "auth"), all);
    assert_eq!(count("pointsman_auth_denied_total", ""), all);
    for code in ["trap", "refused"] {
        let labels = format!("plugin=\"hostile\",code=\"{code}\"");
        let failed = count("pointsman_plugin_errors_total", &labels);
        assert_eq!(failed, all / 2.0, "{code}");
    }
    let failures = host
        .http
        .json("/api/v1/decisions?kind=auth&failed=true&limit=1");
    let failure = &failures.unwrap_or_default()["decisions"][0];
    assert_eq!(failure["decided_by"], "denied", "{failure}");

    let lines = host.log();
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("a policy failed"))
        .collect();
    let [one, other] = &told[..] else {
        panic!("{} lines: {told:?}", told.len())
    };
    let cause =
        |line: &str| line.contains("the points are frozen") || line.contains("not this peer");
    assert!(cause(one) && cause(other) && one != other, "{told:?}");
    // The panics' own words come by the plugin's log, whose rate is limited.
    assert!(lines.len() < 400, "{} lines", lines.len());
    host.stop();
}
