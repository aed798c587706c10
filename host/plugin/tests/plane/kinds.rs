//! Components of several kinds: each is asked, and each answer is kept within its bounds.

use crate::common::{bound, hostile, install, install_for, plane, probe};
use model::{Answer, PolicyKind, Question};
use plugin::{Call, CallError, Mode, Plugin, auth, layout, routing, selection};
use serde_json::json;
use std::sync::Arc;

fn question(kind: PolicyKind) -> Question {
    match kind {
        PolicyKind::Selection => Question::Selection(selection::sample_request()),
        PolicyKind::Layout => Question::Layout(layout::sample_scene()),
        PolicyKind::Auth => Question::Auth(auth::sample_request()),
        _ => Question::Routing(routing::sample_state()),
    }
}

async fn decide(plugin: &Plugin, kind: PolicyKind, act: &str) -> Result<Answer, CallError> {
    let config = plugin
        .config("test", &json!({ "act": act, "steps": [] }))
        .unwrap();
    let question = question(kind);
    let call = Call {
        question: &question,
        config: &config,
        library: Some(Arc::new(selection::sample_library())),
        mode: Mode::Live,
    };
    plugin.decide(call).await.result
}

#[tokio::test]
async fn one_component_answers_for_every_kind_it_has() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "all", hostile().await).await.unwrap();
    let plugin = plugins.get("all").unwrap();
    assert_eq!(plugin.kinds(), PolicyKind::ALL);
    for kind in PolicyKind::ALL {
        let answer = decide(&plugin, kind, "behave").await.unwrap();
        assert_eq!(answer.kind(), kind);
    }
}

#[tokio::test]
async fn answers_that_cannot_be_are_refused_in_every_kind() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "all", hostile().await).await.unwrap();
    let plugin = plugins.get("all").unwrap();
    for (kind, told) in [
        (PolicyKind::Layout, "finite"),
        (PolicyKind::Selection, "not after its start"),
        (PolicyKind::Auth, "etc/passwd"),
    ] {
        let refused = decide(&plugin, kind, "impossible").await.unwrap_err();
        assert_eq!(refused.code(), "bad-result", "{kind}");
        assert!(refused.to_string().contains(told), "{refused}");
    }
}

#[tokio::test]
async fn a_kind_that_it_has_not_is_missing() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "some", probe().await).await.unwrap();
    let plugin = plugins.get("some").unwrap();
    assert_eq!(
        plugin.kinds(),
        [PolicyKind::Routing, PolicyKind::Selection, PolicyKind::Auth]
    );
    let missing = decide(&plugin, PolicyKind::Layout, "behave")
        .await
        .unwrap_err();
    assert_eq!(missing, CallError::Missing { kind: "layout" });
}

#[tokio::test]
async fn every_bound_kind_is_tried_before_a_switch() {
    let (plugins, _dir) = plane().await;
    let policies = |act: &str| {
        let policy = |kind: PolicyKind, act: &str| {
            bound(&format!("policy {kind} for *"), kind, json!({ "act": act }))
        };
        [
            policy(PolicyKind::Routing, "behave"),
            policy(PolicyKind::Auth, act),
        ]
    };
    let refused = install_for(&plugins, "p", hostile().await, &policies("panic")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "trial-trap");
    assert!(
        refused.to_string().contains("policy auth for *"),
        "{refused}"
    );
    install_for(&plugins, "p", hostile().await, &policies("behave"))
        .await
        .unwrap();
}
