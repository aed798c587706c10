//! Calls: what a policy gets, what comes back, and what is contained.

use crate::common::{Route, fanout, hostile, install, night_switch, plane};
use model::routing::RoutingState;
use plugin::routing::sample_state;
use plugin::{CallError, Config, Plugin};
use serde_json::json;
use std::time::{Duration, Instant};

async fn hostile_plugin() -> (Plugin, tempfile::TempDir) {
    let (plugins, dir) = plane().await;
    install(&plugins, "hostile", hostile().await).await.unwrap();
    (plugins.get("hostile").unwrap(), dir)
}

fn act(plugin: &Plugin, act: &str) -> Config {
    plugin.config("test", &json!({ "act": act })).unwrap()
}

async fn outcome(plugin: &Plugin, what: &str) -> CallError {
    plugin
        .route(&sample_state(), &act(plugin, what))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn fanout_decides_as_its_rules_say() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "fanout", fanout().await).await.unwrap();
    let plugin = plugins.get("fanout").unwrap();
    let rules = json!({ "rules": [{
        "streams": "live/*", "serve": ["hls"],
        "outputs": [{ "name": "push", "url": "rtmp://127.0.0.1/{stream}", "params": { "a": "b" } }],
    }] });
    let config = plugin.config("test", &rules).unwrap();
    let plan = plugin.route(&sample_state(), &config).await.unwrap();
    assert_eq!(
        serde_json::to_value(&plan).unwrap(),
        json!({
            "on_air": "main",
            "failover": ["spare"],
            "slate": null,
            "labels": {},
            "alerts": [],
            "serve": ["hls"],
            "reason": "rule live/*",
            "attributes": {},
            "outputs": [
                { "name": "archive", "url": null, "params": {}, "attributes": {} },
                { "name": "push", "url": "rtmp://127.0.0.1/live/sample",
                  "params": { "a": "b" }, "attributes": {} },
            ],
        })
    );
}

#[tokio::test]
async fn the_metadata_is_the_crates_own() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "here", fanout().await).await.unwrap();
    let view = plugins.list().pop().unwrap();
    assert_eq!(view.name.as_str(), "here");
    assert_eq!(view.info.name, "fanout");
    assert_eq!(view.info.kinds, [model::PolicyKind::Routing]);
    assert_eq!(view.info.config_schema["title"], "fanout");
    assert_eq!(view.imports, ["pointsman:policy/log@1.0.0"]);
}

#[tokio::test]
async fn every_misbehaviour_is_contained_and_named() {
    let (plugin, _dir) = hostile_plugin().await;
    for (what, code) in [
        ("loop", "deadline"),
        ("hog", "memory"),
        ("recurse", "trap"),
        ("giant", "bad-result"),
        ("many-outputs", "bad-result"),
        ("twin-outputs", "bad-result"),
        ("long-name", "bad-result"),
    ] {
        assert_eq!(outcome(&plugin, what).await.code(), code, "{what}");
        // In between it works, so the breaker stays closed.
        behave(&plugin).await;
    }
    let refused = outcome(&plugin, "refuse").await;
    assert_eq!(refused, CallError::Refused("not this stream".into()));
    let panicked = outcome(&plugin, "panic").await;
    assert!(
        panicked.to_string().contains("the points are frozen"),
        "{panicked}"
    );
    behave(&plugin).await;

    let stats = plugin.stats();
    assert_eq!((stats.calls, stats.failed()), (17, 9));
    assert!(stats.errors.contains(&("bad-result", 4)), "{stats:?}");
    assert!(stats.max <= stats.total);
}

async fn behave(plugin: &Plugin) {
    plugin
        .route(&sample_state(), &act(plugin, "behave"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flood_of_log_lines_does_not_fail_the_call() {
    let (plugin, _dir) = hostile_plugin().await;
    plugin
        .route(&sample_state(), &act(&plugin, "log-flood"))
        .await
        .unwrap();
}

#[tokio::test]
async fn no_state_survives_from_call_to_call() {
    let (plugin, _dir) = hostile_plugin().await;
    let count = act(&plugin, "count-calls");
    for _ in 0..3 {
        let plan = plugin.route(&sample_state(), &count).await.unwrap();
        assert_eq!(plan.reason, "1");
    }
}

/// One thread for everybody: the looping guest must give way to the others.
#[tokio::test(flavor = "current_thread")]
async fn a_looping_policy_holds_up_nobody_else() {
    let (plugin, _dir) = hostile_plugin().await;
    let state = sample_state();
    let (looping, behaving) = (act(&plugin, "loop"), act(&plugin, "behave"));
    let cut = plugin.route(&state, &looping);
    let others = async {
        let mut served = 0;
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(30) {
            plugin.route(&state, &behaving).await.unwrap();
            served += 1;
            tokio::task::yield_now().await;
        }
        served
    };
    let (cut, served) = tokio::join!(cut, others);
    assert_eq!(cut.unwrap_err().code(), "deadline");
    assert!(served > 5, "{served} calls while the other one looped");
}

#[tokio::test]
async fn a_state_with_nothing_in_it_is_a_state() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "fanout", fanout().await).await.unwrap();
    let plugin = plugins.get("fanout").unwrap();
    let config = plugin.config("test", &json!({})).unwrap();
    let plan = plugin
        .route(&RoutingState::default(), &config)
        .await
        .unwrap();
    assert_eq!(plan.on_air, None);
    assert!(plan.outputs.is_empty());
}

#[tokio::test]
async fn a_third_partys_policy_decides_by_the_time_of_day() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "night", night_switch().await)
        .await
        .unwrap();
    let plugin = plugins.get("night").unwrap();
    let night = json!({ "from": "22:30", "to": "06:00" });
    let config = json!({ "night": night, "night_url": "udp://127.0.0.1:7000" });
    let config = plugin.config("test", &config).unwrap();
    for (hour, expected) in [(12, "archive"), (23, "night"), (5, "night")] {
        let mut state = sample_state();
        state.now_unix_ms = hour * 3_600_000;
        let plan = plugin.route(&state, &config).await.unwrap();
        assert_eq!(plan.outputs[0].name, expected, "at {hour}:00");
    }
    let refused = plugin.config(
        "test",
        &json!({ "night": { "from": "25:00", "to": "06:00" } }),
    );
    assert_eq!(refused.unwrap_err().code(), "config-rejected");
}
