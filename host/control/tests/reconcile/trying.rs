//! Shadows, canaries and dry runs: tried beside the policy that decides.

use crate::bench::{Bench, scripted};
use control::Decider;
use control::decide::{Comparison, DecidedBy};
use model::auth::AuthRequest;
use model::{Answer, Ask, Intent, PolicyKind, PolicyMode, Protocol, Question};
use serde_json::{Value, json};
use std::time::Duration;

/// No condition takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn policy(mode: &str, verdicts: Value) -> Value {
    let percent = (mode == "canary").then_some(50);
    json!({"kind": "auth", "plugin": "scripted", "mode": mode, "percent": percent,
        "config": {"verdicts": verdicts}})
}

/// Two policies that agree on `good` and differ on `odd`.
async fn tried(mode: &str) -> Bench {
    let bench = Bench::new().await;
    bench.install("scripted", scripted().await).await;
    let active = json!({"good": {"allow": true}, "odd": {"allow": true}});
    let other = json!({"good": {"allow": true, "reason": "in other words"}});
    let policies = [policy("active", active), policy(mode, other)];
    bench.apply(json!({"policies": policies})).await;
    bench
}

fn ask(stream: &str, token: &str) -> Ask {
    let (stream, peer) = (stream.parse().unwrap(), ([192, 0, 2, 7], 1).into());
    Ask {
        token: Some(token.into()),
        ..Ask::new(stream, Intent::Publish, Protocol::Srt, peer)
    }
}

fn comparison(bench: &Bench, mode: PolicyMode) -> Comparison {
    let bindings = bench.control.decider().bindings();
    let mut of_mode = bindings.list().iter().filter(|it| it.spec.mode == mode);
    Decider::comparison(of_mode.next().unwrap()).unwrap()
}

async fn compared(bench: &Bench, mode: PolicyMode, count: u64) -> Comparison {
    let wait = async {
        loop {
            let comparison = comparison(bench, mode);
            if comparison.compared + comparison.failed + comparison.skipped >= count {
                return comparison;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("not compared: {:?}", comparison(bench, mode)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_decides_nothing_and_its_differences_are_counted() {
    let bench = tried("shadow").await;
    for (n, token) in (1..).zip(["good", "odd", "good", "odd"]) {
        let admitted = bench.registry.admit(ask("live/a", token)).await;
        assert!(admitted.is_ok(), "{token}");
        // One after the other, so that none is skipped.
        compared(&bench, PolicyMode::Shadow, n).await;
    }
    let comparison = comparison(&bench, PolicyMode::Shadow);
    assert_eq!((comparison.compared, comparison.differing), (4, 2));
    let difference = &comparison.differences[0];
    assert_eq!(difference.subject, "live/a");
    assert!(matches!(&difference.active, Some(Answer::Auth(verdict)) if verdict.allow));
    assert!(matches!(&difference.tried, Some(Answer::Auth(verdict)) if !verdict.allow));
    let logged = bench.decisions(PolicyKind::Auth);
    assert_eq!(logged.len(), 4, "a shadow's answers are not logged");

    // A shadow that fails is counted apart, and another configuration begins anew.
    let mut failing = policy("shadow", json!({}));
    failing["config"] = json!({"error": "boom"});
    let spec = serde_json::from_value(failing).unwrap();
    bench.control.put_policy(spec).await.unwrap();
    bench.registry.admit(ask("live/a", "good")).await.unwrap();
    let comparison = compared(&bench, PolicyMode::Shadow, 1).await;
    assert_eq!((comparison.compared, comparison.failed), (0, 1));
    assert!(
        comparison.differences[0]
            .error
            .as_ref()
            .unwrap()
            .contains("boom")
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_decides_for_its_share_always_the_same_streams() {
    let bench = tried("canary").await;
    let mut by_canary = 0;
    for n in 0..40 {
        let stream = format!("live/cam{n}");
        let admitted = bench.registry.admit(ask(&stream, "odd")).await.is_ok();
        let again = bench.registry.admit(ask(&stream, "odd")).await.is_ok();
        assert_eq!(admitted, again, "{stream}");
        by_canary += u64::from(!admitted);
    }
    assert!((10..30).contains(&by_canary), "{by_canary} of 40");
    let comparison = compared(&bench, PolicyMode::Canary, 2 * by_canary).await;
    assert_eq!(comparison.differing + comparison.skipped, 2 * by_canary);
    let modes = bench.decisions(PolicyKind::Auth);
    let of_canary = |it: &&std::sync::Arc<control::log::Decision>| {
        it.policy.as_ref().unwrap().spec.mode == PolicyMode::Canary
    };
    assert_eq!(modes.iter().filter(of_canary).count() as u64, 2 * by_canary);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_goes_the_whole_way_and_leaves_no_trace() {
    let bench = tried("shadow").await;
    let decider = bench.control.decider();
    let request: AuthRequest = serde_json::from_value(json!({
        "action": "publish", "protocol": "srt", "stream": "live/a", "peer_ip": "192.0.2.7",
        "token": "odd"}))
    .unwrap();
    let trial = decider.try_out(Question::Auth(request), None).await;
    assert_eq!((trial.decided_by, trial.error), (DecidedBy::Plugin, None));
    assert!(matches!(trial.answer.as_deref(), Some(Answer::Auth(verdict)) if verdict.allow));
    assert_eq!(trial.version, "1.0.0");
    assert_eq!(decider.totals(PolicyKind::Auth).evaluations, 0);
    assert!(bench.decisions(PolicyKind::Auth).is_empty());
    let shadow = comparison(&bench, PolicyMode::Shadow);
    assert_eq!((shadow.compared, shadow.failed), (0, 0));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_in_use_in_whatever_mode_it_is_bound() {
    let bench = Bench::new().await;
    bench.install("scripted", scripted().await).await;
    for mode in ["shadow", "canary", "active"] {
        let spec = serde_json::from_value(policy(mode, json!({}))).unwrap();
        bench.control.put_policy(spec).await.unwrap();
    }
    let name = || "scripted".parse().unwrap();
    let pattern = || "*".parse().unwrap();
    for mode in [PolicyMode::Shadow, PolicyMode::Canary, PolicyMode::Active] {
        let refused = bench.control.remove_plugin(name()).await.unwrap_err();
        assert_eq!(refused.code(), "plugin-in-use", "{refused}");
        let unbound = bench
            .control
            .delete_policy(PolicyKind::Auth, pattern(), mode);
        unbound.await.unwrap();
    }
    bench.control.remove_plugin(name()).await.unwrap();
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_makes_logged_decisions_again_and_tells_what_differs() {
    let bench = Bench::new().await;
    let component = scripted().await;
    bench.install("scripted", component.clone()).await;
    let active = policy("active", json!({"good": {"allow": true}}));
    bench.apply(json!({"policies": [active]})).await;
    for token in ["good", "bad", "good"] {
        let _ = bench.registry.admit(ask("live/a", token)).await;
    }
    // The same policy as other bytes.
    let variant = [&component[..], &[0, 3, 1, b'v', 1]].concat();
    let installed = bench
        .control
        .install_plugin("scripted".parse().unwrap(), variant, Default::default())
        .await
        .unwrap();
    assert_eq!((installed.compared, installed.differing), (3, 0));
    bench.stop().await;
}
