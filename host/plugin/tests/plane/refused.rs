//! What is not installed, and why.

use crate::common::{bound, fanout, hostile, install, install_for, plane};
use model::PolicyKind;
use plugin::{Bound, InstallError};
use serde_json::json;
use std::sync::Arc;

async fn refusal(bytes: impl Into<Arc<[u8]>>, bound: &[Bound]) -> InstallError {
    let (plugins, _dir) = plane().await;
    let refused = install_for(&plugins, "x", bytes, bound).await;
    assert!(plugins.get("x").is_none());
    refused.unwrap_err()
}

async fn refusal_of_text(text: &str) -> InstallError {
    refusal(wat::parse_str(text).unwrap(), &[]).await
}

async fn trial(act: &str) -> InstallError {
    let bound = bound(
        "policy routing of *",
        PolicyKind::Routing,
        json!({ "act": act }),
    );
    refusal(hostile().await, &[bound]).await
}

#[tokio::test]
async fn bytes_that_are_no_component_are_named_for_what_they_are() {
    assert_eq!(refusal(vec![], &[]).await.code(), "not-a-component");
    assert_eq!(refusal(*b"GIF89a....", &[]).await.code(), "not-a-component");
    assert_eq!(refusal_of_text("(module)").await.code(), "core-module");
    let empty = refusal_of_text("(component)").await;
    assert_eq!(empty.code(), "missing-exports");
}

#[tokio::test]
async fn a_component_that_wants_what_nobody_offers_is_refused_by_the_imports_names() {
    for import in [
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:cli/stdout@0.3.0",
        "acme:gpu/run",
    ] {
        let text = format!(r#"(component (import "{import}" (instance (export "get" (func)))))"#);
        let refused = refusal_of_text(&text).await;
        assert_eq!(refused.code(), "unknown-imports");
        assert!(refused.to_string().contains(import), "{refused}");
    }
}

#[tokio::test]
async fn the_right_exports_of_wrong_types_are_refused() {
    let refused = refusal_of_text(
        r#"(component
            (instance $none)
            (export "pointsman:policy/metadata@1.0.0" (instance $none))
            (export "pointsman:policy/routing@1.0.0" (instance $none)))"#,
    );
    assert_eq!(refused.await.code(), "wrong-types");
}

#[tokio::test]
async fn a_damaged_component_is_refused_wherever_the_damage_is() {
    let whole = fanout().await;
    let (plugins, _dir) = plane().await;
    for part in 1..24 {
        let cut = whole.len() * part / 24;
        let refused = install(&plugins, "x", &whole[..cut]).await.unwrap_err();
        assert!(refused.is_components_fault(), "cut at {cut}: {refused}");
    }
    for part in 0..24 {
        let mut bytes = whole.to_vec();
        let at = 8 + part * (whole.len() - 8) / 24;
        bytes[at] ^= 0xff;
        // Damage to a constant may leave a component; then it must pass every check.
        if let Err(refused) = install(&plugins, "x", bytes).await {
            assert!(refused.is_components_fault(), "byte {at}: {refused}");
        }
    }
}

#[tokio::test]
async fn a_component_above_the_size_limit_is_not_even_looked_at() {
    let refused = refusal(vec![0; (64 << 20) + 1], &[]).await;
    assert_eq!(refused.code(), "too-big");
}

#[tokio::test]
async fn what_fails_its_trial_is_refused_with_the_cause() {
    assert_eq!(trial("loop").await.code(), "trial-deadline");
    assert_eq!(trial("hog").await.code(), "trial-memory");
    assert_eq!(trial("recurse").await.code(), "trial-trap");
    assert_eq!(trial("giant").await.code(), "trial-bad-result");
    let panicked = trial("panic").await;
    assert_eq!(panicked.code(), "trial-trap");
    assert!(
        panicked.to_string().contains("the points are frozen"),
        "{panicked}"
    );
}

#[tokio::test]
async fn a_configuration_in_use_that_the_schema_rejects_refuses_the_component() {
    let config = json!({ "rules": [{ "streams": 7 }] });
    let bound = bound("policy routing of live/*", PolicyKind::Routing, config);
    let refused = refusal(fanout().await, &[bound]).await;
    assert_eq!(refused.code(), "config-rejected");
    let text = refused.to_string();
    assert!(
        text.contains("live/*") && text.contains("/rules/0/streams"),
        "{text}"
    );
}
