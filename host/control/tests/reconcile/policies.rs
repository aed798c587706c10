//! Plugins decide; what they get wrong costs nobody a packet.

use crate::bench::{Bench, Camera, Sink, fanout, free_address, hostile, output, source};
use control::decide::DecidedBy;
use model::{LinkState, PolicyKind, PolicySpec, Protocol};
use serde_json::{Value, json};

fn policy(plugin: &str, config: Value) -> PolicySpec {
    let spec = json!({"kind": "routing", "streams": "cam", "plugin": plugin, "config": config});
    serde_json::from_value(spec).unwrap()
}

fn sending_to(sink: &Sink, serve: &[&str]) -> Value {
    json!({"rules": [{"serve": serve, "outputs": [{"name": "planned", "url": sink.url()}]}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_starts_and_stops_outputs_and_says_how_viewers_may_watch() {
    let bench = Bench::new().await;
    let address = free_address();
    let _camera = Camera::to(address);
    let (declared, planned) = (Sink::new().await, Sink::new().await);
    bench.install("fanout", fanout().await).await;
    bench
        .apply(json!({
            "policies": [policy("fanout", sending_to(&planned, &["srt"]))],
            "inputs": [{"name": "cam", "sources": [source(address)],
                "outputs": [{"name": "declared", "url": declared.url()}]}]}))
        .await;
    assert!(planned.hears().await && declared.hears().await);
    let view = bench
        .until("cam", "the plan", |view| view.outputs.len() == 2)
        .await;
    assert!(!output(&view, "planned").declared);
    assert_eq!(view.serve, Some(vec![Protocol::Srt]));

    let steady = |view: &control::view::StreamView| output(view, "declared").link.since_unix_ms;
    let live =
        |view: &control::view::StreamView| output(view, "declared").link.state == LinkState::Live;
    let before = bench.until("cam", "a live output", live).await;
    let nothing_planned = policy("fanout", json!({"rules": []}));
    bench.control.put_policy(nothing_planned).await.unwrap();
    let after = bench
        .until("cam", "one output", |view| view.outputs.len() == 1)
        .await;
    assert_eq!(after.serve, None);
    assert_eq!(
        steady(&before),
        steady(&after),
        "the declared output was restarted"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_never_answers_leaves_the_last_good_plan_in_force() {
    let bench = Bench::new().await;
    let address = free_address();
    let _camera = Camera::to(address);
    let planned = Sink::new().await;
    bench.install("fanout", fanout().await).await;
    bench.install("hostile", hostile().await).await;
    bench
        .apply(json!({
            "policies": [policy("fanout", sending_to(&planned, &["hls"]))],
            "inputs": [{"name": "cam", "sources": [source(address)]}]}))
        .await;
    let live = |view: &control::view::StreamView| {
        view.outputs
            .iter()
            .any(|output| output.link.state == LinkState::Live)
    };
    let before = bench.until("cam", "a live output", live).await;

    bench
        .control
        .put_policy(policy("hostile", json!({"act": "loop"})))
        .await
        .unwrap();
    let failed = bench
        .until("cam", "an error", |view| view.routing.error.is_some())
        .await;
    assert!(
        failed.routing.error.as_ref().unwrap().contains("deadline"),
        "{failed:?}"
    );
    assert_eq!(
        output(&before, "planned").link,
        output(&failed, "planned").link
    );
    assert_eq!(failed.serve, Some(vec![Protocol::Hls]));
    let log = bench.decided(PolicyKind::Routing, |it| it.error.is_some());
    let failed = log.await;
    assert_eq!(failed.decided_by, DecidedBy::LastGood, "{failed:?}");
    assert!(failed.changes.is_empty());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_never_worked_leaves_the_built_in_one_in_charge() {
    let bench = Bench::new().await;
    let address = free_address();
    let _camera = Camera::to(address);
    let declared = Sink::new().await;
    bench.install("hostile", hostile().await).await;
    bench
        .apply(json!({
            "policies": [policy("hostile", json!({"act": "panic"}))],
            "inputs": [{"name": "cam", "sources": [source(address)],
                "outputs": [{"name": "declared", "url": declared.url()}]}]}))
        .await;
    assert!(declared.hears().await);
    let view = bench
        .until("cam", "an error", |view| view.routing.error.is_some())
        .await;
    assert!(
        view.routing
            .error
            .unwrap()
            .contains("the points are frozen")
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_is_followed_by_a_decision_and_touches_no_link() {
    let bench = Bench::new().await;
    let address = free_address();
    let _camera = Camera::to(address);
    let planned = Sink::new().await;
    let first = fanout().await;
    // The same policy as other bytes: one more custom section.
    let second = [&first[..], &[0, 3, 1, b'v', 1]].concat();
    bench.install("fanout", first).await;
    bench
        .apply(json!({
            "policies": [policy("fanout", sending_to(&planned, &["hls"]))],
            "inputs": [{"name": "cam", "sources": [source(address)]}]}))
        .await;
    let live = |view: &control::view::StreamView| {
        view.outputs
            .iter()
            .any(|output| output.link.state == LinkState::Live)
    };
    let before = bench.until("cam", "a live output", live).await;
    let evaluations = || {
        bench
            .control
            .decider()
            .totals(PolicyKind::Routing)
            .evaluations
    };
    let earlier = evaluations();
    bench.install("fanout", second.into()).await;
    while evaluations() == earlier {
        tokio::task::yield_now().await;
    }
    let after = bench.view("cam").await.unwrap();
    assert_eq!(
        output(&before, "planned").link,
        output(&after, "planned").link
    );
    let bound = bench
        .control
        .remove_plugin("fanout".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(bound.code(), "plugin-in-use");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_for_a_plugin_that_is_not_there_is_refused_with_its_name() {
    let bench = Bench::new().await;
    let refused = bench
        .control
        .put_policy(policy("nowhere", json!({})))
        .await
        .unwrap_err();
    let told = refused.to_string();
    assert!(
        told.contains("nowhere") && told.contains("installed: none"),
        "{told}"
    );
    bench.install("fanout", fanout().await).await;
    let wrong = policy("fanout", json!({"rulez": []}));
    let told = bench
        .control
        .put_policy(wrong)
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("rulez"), "{told}");
    let of_others = json!({"kind": "layout", "plugin": "fanout"});
    let of_others: PolicySpec = serde_json::from_value(of_others).unwrap();
    let told = bench
        .control
        .put_policy(of_others)
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("has no layout policy"), "{told}");
    assert!(bench.control.policies().is_empty());
    bench.stop().await;
}
