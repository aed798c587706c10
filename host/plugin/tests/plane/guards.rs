//! What keeps a bad plugin from harm: limits, the breaker, and the way back.

use crate::common::{
    Route, bound, fanout, hostile, install, install_for, plane, plane_with, variant,
};
use model::auth::AuthRequest;
use model::{Label, PolicyKind, Question};
use plugin::routing::sample_state;
use plugin::{Call, CallError, Change, Config, Mode, Plugin, Plugins, Probation};
use serde_json::json;
use std::time::Duration;
use tokio::sync::broadcast;

fn act(plugin: &Plugin, act: &str) -> Config {
    plugin.config("test", &json!({ "act": act })).unwrap()
}

/// Calls the plugin and gives the code of what came of it, `ok` if all is well.
async fn outcome(plugin: &Plugin, what: &str) -> &'static str {
    let result = plugin.route(&sample_state(), &act(plugin, what)).await;
    result.map_or_else(|error| error.code(), |_| "ok")
}

/// The next change that the test waits for.
async fn next(changes: &mut broadcast::Receiver<Change>, wanted: fn(&Change) -> bool) -> Change {
    let found = async {
        loop {
            let change = changes.recv().await.unwrap();
            if wanted(&change) {
                return change;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found)
        .await
        .unwrap()
}

async fn hostile_plane() -> (Plugins, Plugin, tempfile::TempDir) {
    let (plugins, dir) = plane().await;
    install(&plugins, "p", hostile().await).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    (plugins, plugin, dir)
}

#[tokio::test]
async fn the_breaker_opens_spares_the_plugin_and_tries_it_again() {
    let (plugins, plugin, _dir) = hostile_plane().await;
    let mut changes = plugins.subscribe();
    for _ in 0..5 {
        assert_eq!(outcome(&plugin, "panic").await, "trap");
    }
    assert_eq!(outcome(&plugin, "behave").await, "open");
    let opened = next(&mut changes, |it| {
        matches!(it, Change::BreakerOpened { .. })
    })
    .await;
    let Change::BreakerOpened { why, .. } = opened else {
        panic!()
    };
    assert!(why.contains("the points are frozen"), "{why}");
    let shown = plugins.list().pop().unwrap().breaker.unwrap();
    assert_eq!(shown.why, why);

    // A replay is not kept out: it harms nobody.
    let (question, config) = (Question::Routing(sample_state()), act(&plugin, "behave"));
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode: Mode::Replay(Default::default()),
    };
    plugin.decide(call).await.result.unwrap();

    let retry = plugin.route(&sample_state(), &config).await.unwrap_err();
    let CallError::Open { retry_ms, .. } = retry else {
        panic!("{retry}")
    };
    assert!((1..=1_000).contains(&retry_ms), "{retry_ms}");
    // The pause itself is looked at: after as long as was told, the next call is let in.
    tokio::time::sleep(Duration::from_millis(retry_ms + 1)).await;
    assert_eq!(outcome(&plugin, "behave").await, "ok");
    next(&mut changes, |it| {
        matches!(it, Change::BreakerClosed { .. })
    })
    .await;
    assert_eq!(plugins.list()[0].breaker, None);
}

#[tokio::test]
async fn a_policys_own_errors_open_nothing() {
    let (_plugins, plugin, _dir) = hostile_plane().await;
    for _ in 0..20 {
        assert_eq!(outcome(&plugin, "refuse").await, "refused");
    }
}

#[tokio::test]
async fn another_version_closes_the_breaker() {
    let (plugins, plugin, _dir) = hostile_plane().await;
    for _ in 0..6 {
        outcome(&plugin, "panic").await;
    }
    assert_eq!(outcome(&plugin, "behave").await, "open");
    install(&plugins, "p", variant(&hostile().await, 1))
        .await
        .unwrap();
    assert_eq!(outcome(&plugin, "behave").await, "ok");
}

#[tokio::test]
async fn a_new_version_that_fails_is_taken_back_by_itself() {
    let (plugins, plugin, _dir) = hostile_plane().await;
    let old = plugin.hash().unwrap();
    // The first version has nothing to go back to.
    for _ in 0..4 {
        assert_eq!(outcome(&plugin, "panic").await, "trap");
    }
    assert_eq!(outcome(&plugin, "behave").await, "ok");
    let new = install(&plugins, "p", variant(&hostile().await, 1))
        .await
        .unwrap()
        .hash;
    assert!(plugins.list()[0].on_probation);
    let mut changes = plugins.subscribe();
    // Five of the first hundred, though never five in a row.
    for _ in 0..5 {
        assert_eq!(outcome(&plugin, "behave").await, "ok");
        assert_eq!(outcome(&plugin, "panic").await, "trap");
    }
    let back = next(&mut changes, |it| matches!(it, Change::RolledBack { .. })).await;
    let Change::RolledBack { from, to, why, .. } = back else {
        panic!()
    };
    assert_eq!((from, &to), (new, &old));
    assert!(
        why.contains("5 of its first 10") && why.contains("frozen"),
        "{why}"
    );
    next(&mut changes, |it| matches!(it, Change::Activated { .. })).await;
    assert_eq!(plugin.hash(), Some(old));
    let view = plugins.list().pop().unwrap();
    assert!(!view.on_probation && view.versions.len() == 2, "{view:?}");
    // The old one is not watched: there is no going back and forth.
    for _ in 0..4 {
        outcome(&plugin, "panic").await;
    }
    assert_eq!(outcome(&plugin, "behave").await, "ok");
    assert_eq!(plugins.list()[0].hash, to);
}

#[tokio::test]
async fn a_version_that_came_through_its_probation_stays() {
    let (plugins, _dir) = plane_with(|settings| {
        settings.probation = Probation {
            time: Duration::ZERO,
            ..Probation::default()
        };
    })
    .await;
    install(&plugins, "p", hostile().await).await.unwrap();
    let new = install(&plugins, "p", variant(&hostile().await, 1))
        .await
        .unwrap()
        .hash;
    let plugin = plugins.get("p").unwrap();
    for _ in 0..5 {
        outcome(&plugin, "panic").await;
    }
    assert!(!plugins.list()[0].on_probation);
    assert_eq!(plugin.hash(), Some(new));
}

/// Whether auth answers for a peer, or the code of why it does not.
async fn authorize(plugin: &Plugin, ip: [u8; 4], what: &str) -> &'static str {
    let question = Question::Auth(AuthRequest {
        peer_ip: ip.into(),
        ..plugin::auth::sample_request()
    });
    let config = act(plugin, what);
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode: Mode::Live,
    };
    let result = plugin.decide(call).await.result;
    result.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn a_peer_who_makes_auth_fail_keeps_nobody_else_out_and_brings_no_old_version_back() {
    const ROGUE: [u8; 4] = [192, 0, 2, 66];
    let (plugins, plugin, _dir) = hostile_plane().await;
    let new = install(&plugins, "p", variant(&hostile().await, 1))
        .await
        .unwrap()
        .hash;
    assert_eq!(authorize(&plugin, [192, 0, 2, 1], "behave").await, "ok");
    for _ in 0..5 {
        assert_eq!(authorize(&plugin, ROGUE, "panic").await, "trap");
    }
    // It is left alone, if only for a moment; others, and what the host asks, are not.
    while authorize(&plugin, ROGUE, "panic").await != "open" {}
    for last in 1..20 {
        assert_eq!(authorize(&plugin, [192, 0, 2, last], "behave").await, "ok");
        authorize(&plugin, ROGUE, "panic").await;
    }
    assert_eq!(outcome(&plugin, "behave").await, "ok");
    let view = plugins.list().pop().unwrap();
    assert_eq!((view.breaker, view.hash), (None, new));
    while authorize(&plugin, ROGUE, "behave").await != "ok" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn auth_that_fails_for_everybody_is_left_alone_until_it_answers_anybody() {
    let (plugins, plugin, _dir) = hostile_plane().await;
    assert_eq!(authorize(&plugin, [192, 0, 2, 1], "behave").await, "ok");
    // A machine that is busy may sleep over a pause, so more may fail than five.
    let mut last = 0;
    while authorize(&plugin, [192, 0, 2, last], "panic").await != "open" {
        last = last.wrapping_add(1);
    }
    assert!(last >= 5, "it opened after {last}");
    assert!(plugins.list()[0].breaker.is_some());
    while authorize(&plugin, [192, 0, 2, 9], "behave").await != "ok" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(plugins.list()[0].breaker, None);
}

/// Fails often enough to be taken back, without opening the breaker.
async fn fail_probation(plugin: &Plugin) {
    for _ in 0..5 {
        outcome(plugin, "behave").await;
        outcome(plugin, "panic").await;
    }
}

#[tokio::test]
async fn the_newest_kept_version_that_serves_the_policies_bound_now_takes_over() {
    let (plugins, _dir) = plane().await;
    let good = install(&plugins, "p", hostile().await).await.unwrap().hash;
    // It knows no `act`, so it cannot serve what is bound.
    install(&plugins, "p", fanout().await).await.unwrap();
    install(&plugins, "p", variant(&hostile().await, 1))
        .await
        .unwrap();
    plugins.serve(|_| {
        let config = json!({ "act": "behave" });
        vec![bound("policy routing for *", PolicyKind::Routing, config)]
    });
    let mut changes = plugins.subscribe();
    let plugin = plugins.get("p").unwrap();
    fail_probation(&plugin).await;
    let back = next(&mut changes, |it| matches!(it, Change::RolledBack { .. })).await;
    let Change::RolledBack { to, .. } = back else {
        panic!()
    };
    assert_eq!(to, good);
    next(&mut changes, |it| matches!(it, Change::Activated { .. })).await;
    assert_eq!(plugin.hash(), Some(good));
    assert_eq!(outcome(&plugin, "behave").await, "ok");
}

#[tokio::test]
async fn where_no_kept_version_serves_the_policies_the_failing_one_stays_and_is_left_alone() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", fanout().await).await.unwrap();
    let failing = install(&plugins, "p", hostile().await).await.unwrap().hash;
    plugins.serve(|_| {
        let config = json!({ "act": "behave" });
        vec![bound("policy routing for *", PolicyKind::Routing, config)]
    });
    let mut changes = plugins.subscribe();
    let plugin = plugins.get("p").unwrap();
    fail_probation(&plugin).await;
    let refused = next(&mut changes, |it| matches!(it, Change::Refused { .. })).await;
    let Change::Refused { code, error, .. } = refused else {
        panic!()
    };
    assert_eq!(code, "no-successor");
    assert!(error.contains("policy routing for *"), "{error}");
    next(&mut changes, |it| {
        matches!(it, Change::BreakerOpened { .. })
    })
    .await;
    assert_eq!(plugin.hash(), Some(failing));
    assert!(plugins.list()[0].breaker.is_some());
    while outcome(&plugin, "behave").await != "ok" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_flood_into_the_store_ends_at_the_quota() {
    let (plugins, plugin, _dir) = hostile_plane().await;
    let config = act(&plugin, "kv-flood");
    let plan = plugin.route(&sample_state(), &config).await.unwrap();
    let written: u32 = plan.reason.split(' ').next().unwrap().parse().unwrap();
    assert!((200..=262).contains(&written), "{}", plan.reason);
    assert!(plugins.list()[0].kv.bytes <= 256 << 10);
}

#[tokio::test]
async fn bulk_copies_are_cut_off_like_any_loop() {
    let (plugins, _dir) =
        plane_with(|settings| settings.limits.default.memory_bytes = 64 << 20).await;
    install(&plugins, "p", hostile().await).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    assert_eq!(outcome(&plugin, "bulk-copy").await, "deadline");
}

#[tokio::test]
async fn limits_are_a_plugins_own() {
    let (plugins, _dir) = plane_with(|settings| {
        let mut limits = settings.limits.default.clone();
        limits.memory_bytes = 3 << 20;
        limits.deadline_ms = 5;
        limits.returned_bytes = 16 << 10;
        let name: Label = "tight".parse().unwrap();
        settings.limits.named.insert(name, limits);
    })
    .await;
    for name in ["tight", "usual"] {
        install(&plugins, name, hostile().await).await.unwrap();
    }
    let (tight, usual) = (plugins.get("tight").unwrap(), plugins.get("usual").unwrap());
    let state = sample_state();
    let cut = |plugin: Plugin| {
        let state = state.clone();
        async move {
            plugin
                .route(&state, &act(&plugin, "loop"))
                .await
                .unwrap_err()
        }
    };
    assert_eq!(
        cut(tight.clone()).await,
        CallError::Deadline { deadline_ms: 5 }
    );
    assert_eq!(cut(usual).await, CallError::Deadline { deadline_ms: 50 });
    let hog = tight.route(&state, &act(&tight, "hog")).await.unwrap_err();
    assert_eq!(
        hog,
        CallError::Memory {
            limit_bytes: 3 << 20
        }
    );
    assert_eq!(plugins.list()[0].limits.returned_bytes, 16 << 10);
}

#[tokio::test]
async fn a_plugin_whose_instances_are_all_busy_is_not_waited_for_for_ever() {
    let (plugins, _dir) = plane_with(|settings| {
        settings.limits.default.instances = 1;
        settings.limits.default.deadline_ms = 100;
        let mut patient = settings.limits.default.clone();
        patient.deadline_ms = 5_000;
        settings.limits.named.insert("p".parse().unwrap(), patient);
    })
    .await;
    for name in ["p", "q"] {
        install(&plugins, name, hostile().await).await.unwrap();
    }
    let (plugin, other) = (plugins.get("p").unwrap(), plugins.get("q").unwrap());
    let looping = tokio::spawn({
        let plugin = plugin.clone();
        async move { outcome(&plugin, "loop").await }
    });
    // The other one has its own instance.
    assert_eq!(outcome(&other, "behave").await, "ok");
    // Whoever comes second to the looping one waits until that is cut off, at most.
    let second = outcome(&plugin, "behave").await;
    assert!(matches!(second, "ok" | "busy"), "{second}");
    assert_eq!(looping.await.unwrap(), "deadline");
    assert_eq!(outcome(&plugin, "behave").await, "ok");
}

#[tokio::test]
async fn a_bound_policy_keeps_a_version_without_its_kind_out() {
    let (plugins, _dir) = plane().await;
    let wanted = bound("policy layout for *", PolicyKind::Layout, json!({}));
    let refused = install_for(&plugins, "p", crate::common::fanout().await, &[wanted]).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "missing-kind");
    assert!(
        refused.to_string().contains("policy layout for *"),
        "{refused}"
    );
}
