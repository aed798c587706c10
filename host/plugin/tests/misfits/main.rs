//! Hostile and malformed components: each is contained within its limits, told with its cause,
//! and leaves the host as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[path = "../common/mod.rs"]
mod common;

mod asked;
mod forge;
mod mutations;

use common::{Route, bound, install, install_for};
use forge::{Misfit, ON_AIR, REASON};
use model::{PluginLimits, PolicyKind};
use plugin::routing::sample_state;
use plugin::{CallError, Plugin, Plugins};
use serde_json::json;
use std::time::{Duration, Instant};

/// A call has 50 ms of computing time, and four times that by the clock. A machine that is busy
/// with other tests adds to it; an endless loop that nobody stops would take for ever.
const BOUND: Duration = Duration::from_secs(5);

const LOG: &str =
    r#"(import "pointsman:policy/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;
const KV: &str = r#"(import "pointsman:policy/kv@1.0.0" "set"
    (func $set (param i32 i32 i32 i32 i32)))"#;
/// Misbehaves once it is asked, and what comes of that.
const AT_CALL: &[(&str, Misfit<'static>, &str)] = &[
    ("endless loop", route("(loop $on (br $on))"), "deadline"),
    (
        "endless recursion",
        Misfit {
            fields: "(func $deeper (param i32) (result i32)
                (i32.add (call $deeper (local.get 0)) (i32.const 1)))",
            route: "(drop (call $deeper (i32.const 0)))",
            ..PLAIN
        },
        "trap",
    ),
    (
        "memory bomb",
        route(
            "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
        ),
        "memory",
    ),
    (
        "32 MiB result",
        route(
            "(drop (memory.grow (i32.const 600)))
             (i32.store (i32.const 4168) (i32.const 8192))
             (i32.store (i32.const 4172) (i32.const 33554432))",
        ),
        "bad-result",
    ),
    (
        "result beyond its memory",
        route("(i32.store (i32.const 4172) (i32.const 33554432))"),
        "trap",
    ),
    ("trap", route("unreachable"), "trap"),
    (
        "bulk memory copies",
        route(
            "(drop (memory.grow (i32.const 64)))
             (loop $on
                (memory.copy (i32.const 8192) (i32.const 2105344) (i32.const 2000000))
                (br $on))",
        ),
        "deadline",
    ),
    (
        "text that is no text",
        route(
            "(i32.store (i32.const 4168) (i32.const 9000))
             (i32.store (i32.const 4172) (i32.const 2))
             (i32.store8 (i32.const 9000) (i32.const 255))",
        ),
        "trap",
    ),
    (
        "a name longer than names are",
        route(
            "(i32.store (i32.const 4100) (i32.const 1))
             (i32.store (i32.const 4104) (i32.const 100000))
             (i32.store (i32.const 4108) (i32.const 2000))",
        ),
        "bad-result",
    ),
];

const PLAIN: Misfit<'static> = Misfit {
    fields: "",
    route: "",
    describe: "",
    schema: "",
};

/// With the usual limits, to which some misfits go.
async fn plane() -> (Plugins, tempfile::TempDir) {
    common::plane_with(|settings| settings.limits = PluginLimits::default()).await
}

const fn route(route: &'static str) -> Misfit<'static> {
    Misfit { route, ..PLAIN }
}

async fn call(plugin: &Plugin) -> Result<model::routing::Plan, CallError> {
    let config = plugin.config("test", &json!({})).unwrap();
    plugin.route(&sample_state(), &config).await
}

/// The misfit behaves on the sample that it is tried on, so that it is installed.
fn later(misfit: Misfit<'_>) -> Vec<u8> {
    // Where the host put the question ends further up for one that is longer than the sample.
    let route = format!(
        "(if (i32.ge_u (global.get $free) (i32.const 40000)) (then {}))",
        misfit.route
    );
    let route = &*route;
    Misfit { route, ..misfit }.forge()
}

/// A state longer than the sample, so that [`later`] tells them apart.
fn long_state() -> model::routing::RoutingState {
    let mut state = sample_state();
    state
        .labels
        .insert("padding".to_owned(), "x".repeat(48_000));
    state
}

#[tokio::test]
async fn the_hand_written_policy_is_a_policy() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "plain", PLAIN.forge()).await.unwrap();
    let plan = call(&plugins.get("plain").unwrap()).await.unwrap();
    assert_eq!(plan, model::routing::Plan::default());
    assert_eq!(REASON - ON_AIR, 68);
}

#[tokio::test]
async fn exports_that_nobody_knows_are_ignored() {
    let (plugins, _dir) = plane().await;
    let wanted = [bound("policy routing of *", PolicyKind::Routing, json!({}))];
    let component = forge::with_foreign_exports();
    install_for(&plugins, "p", component, &wanted)
        .await
        .unwrap();
    let plugin = plugins.get("p").unwrap();
    assert_eq!(plugin.kinds(), [model::PolicyKind::Routing]);
    let plan = call(&plugin).await.unwrap();
    assert_eq!(plan, model::routing::Plan::default());
}

#[tokio::test]
async fn every_misfit_is_contained_named_and_forgotten() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "good", PLAIN.forge()).await.unwrap();
    let good = plugins.get("good").unwrap();
    for (what, misfit, code) in AT_CALL {
        install(&plugins, "bad", later(*misfit))
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let bad = plugins.get("bad").unwrap();
        let config = bad.config("test", &json!({})).unwrap();
        let began = Instant::now();
        let failed = bad.route(&long_state(), &config).await.unwrap_err();
        assert!(began.elapsed() < BOUND, "{what}: {:?}", began.elapsed());
        assert_eq!(failed.code(), *code, "{what}: {failed}");
        // Others, and the same one on what it can take, are asked as if nothing had been.
        call(&good)
            .await
            .unwrap_or_else(|error| panic!("after {what}: {error}"));
        call(&bad)
            .await
            .unwrap_or_else(|error| panic!("after {what}: {error}"));
        plugins.remove(&"bad".parse().unwrap()).await.unwrap();
    }
    assert_eq!(good.stats().failed(), 0);
}

#[tokio::test]
async fn a_misfit_that_fails_its_trial_is_not_installed_and_what_ran_goes_on() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", PLAIN.forge()).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    let before = plugin.hash();
    let wanted = [bound(
        "policy routing of live/*",
        PolicyKind::Routing,
        json!({}),
    )];
    for (what, misfit, code) in AT_CALL {
        let began = Instant::now();
        let refused = install_for(&plugins, "p", misfit.forge(), &wanted)
            .await
            .unwrap_err();
        assert!(began.elapsed() < BOUND, "{what}: {:?}", began.elapsed());
        assert_eq!(refused.code(), format!("trial-{code}"), "{what}: {refused}");
        assert!(refused.to_string().contains("live/*"), "{what}: {refused}");
        assert_eq!(plugin.hash(), before, "{what}");
        call(&plugin)
            .await
            .unwrap_or_else(|error| panic!("after {what}: {error}"));
    }
}

#[tokio::test]
async fn a_misfit_is_contained_before_it_says_who_it_is() {
    let boom = "(func $boom unreachable) (start $boom)";
    let spin = "(func $spin (loop $on (br $on))) (start $spin)";
    let describes = |describe| Misfit { describe, ..PLAIN };
    let starts = |fields| Misfit { fields, ..PLAIN };
    let (plugins, _dir) = plane().await;
    for (what, misfit, code) in [
        ("trap at instantiation", starts(boom), "trial-trap"),
        ("loop at instantiation", starts(spin), "trial-deadline"),
        (
            "loop in describe",
            describes("(loop $on (br $on))"),
            "trial-deadline",
        ),
        ("trap in describe", describes("unreachable"), "trial-trap"),
    ] {
        let began = Instant::now();
        let refused = install(&plugins, "p", misfit.forge()).await.unwrap_err();
        assert!(began.elapsed() < BOUND, "{what}: {:?}", began.elapsed());
        assert_eq!(refused.code(), code, "{what}: {refused}");
        assert!(plugins.get("p").is_none(), "{what}");
    }
    install(&plugins, "p", PLAIN.forge()).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_is_none_and_a_configuration_outside_of_it_are_refused() {
    let (plugins, _dir) = plane().await;
    for schema in [
        r#"{"type": 7}"#,
        r#"{"$ref": "https://example.org/x"}"#,
        "[",
        "7",
    ] {
        let misfit = Misfit { schema, ..PLAIN };
        let refused = install(&plugins, "p", misfit.forge()).await.unwrap_err();
        assert_eq!(refused.code(), "bad-schema", "{schema}: {refused}");
    }
    let schema = r#"{"properties": {"n": {"type": "integer"}}}"#;
    let misfit = Misfit { schema, ..PLAIN };
    for wrong in [
        json!({ "n": "7" }),
        json!({ "n": [7] }),
        json!({ "n": null }),
    ] {
        let wanted = [bound(
            "policy routing of *",
            PolicyKind::Routing,
            wrong.clone(),
        )];
        let refused = install_for(&plugins, "p", misfit.forge(), &wanted)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "config-rejected", "{wrong}: {refused}");
        assert!(refused.to_string().contains("/n"), "{refused}");
    }
}

#[tokio::test]
async fn floods_end_at_their_limits_and_fail_nobody() {
    let (plugins, _dir) = plane().await;
    let flood = Misfit {
        fields: LOG,
        route: "(loop $on
            (call $log (i32.const 4) (i32.const 1024) (i32.const 6))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 5000))))",
        ..PLAIN
    };
    install(&plugins, "talks", flood.forge()).await.unwrap();
    let talks = plugins.get("talks").unwrap();
    call(&talks).await.unwrap();
    // 50 a second, and this took less than some seconds.
    let lines = talks.log().len();
    assert!((1..=256).contains(&lines), "{lines} lines");
    let hoard = Misfit {
        fields: KV,
        // Keys of four bytes, each another; values of 4 KiB.
        route: "(loop $on
            (i32.store (i32.const 9000) (i32.or (local.get $n) (i32.const 0x40404040)))
            (call $set (i32.const 9000) (i32.const 4) (i32.const 12000) (i32.const 4096) (i32.const 9104))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 60))))",
        ..PLAIN
    };
    install(&plugins, "hoards", hoard.forge()).await.unwrap();
    for _ in 0..10 {
        // Traps if a store of that many was not refused but broke something.
        call(&plugins.get("hoards").unwrap()).await.unwrap();
    }
    let shown = plugins.list();
    let kept = &shown
        .iter()
        .find(|it| it.name.as_str() == "hoards")
        .unwrap()
        .kv;
    assert!(kept.bytes <= 256 << 10 && kept.keys <= 1_024, "{kept:?}");
}

#[tokio::test]
async fn requests_without_a_grant_are_denied_and_nothing_is_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://127.0.0.1:{}/",
        listener.local_addr().unwrap().port()
    );
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", forge::asks(&url)).await.unwrap();
    // It traps if it gets an answer.
    call(&plugins.get("p").unwrap()).await.unwrap();
    let nobody = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}
